import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import curation.models.fields


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0023_models_and_publishing"),
    ]

    operations = [
        migrations.CreateModel(
            name="AssetBatch",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.UUIDField(db_default=curation.models.fields.UuidV7(), editable=False, unique=True),
                ),
                (
                    "sha256",
                    models.CharField(
                        help_text="of the lines, so that the same are not taken in twice at once", max_length=64
                    ),
                ),
                (
                    "storage_key",
                    models.CharField(blank=True, help_text="where the lines lie until they are done", max_length=255),
                ),
                ("received", models.PositiveIntegerField(help_text="lines")),
                ("answers", models.JSONField(default=list, help_text="of the lines that are done, in their order")),
                (
                    "state",
                    models.CharField(
                        choices=[("taking_in", "being taken in"), ("done", "Done")], default="taking_in", max_length=10
                    ),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("finished_at", models.DateTimeField(blank=True, null=True)),
            ],
        ),
        migrations.AddField(
            model_name="datasetversion",
            name="error",
            field=models.CharField(blank=True, help_text="why it could not be frozen", max_length=300),
        ),
        migrations.AddField(
            model_name="assetbatch",
            name="created_by",
            field=models.ForeignKey(
                null=True, on_delete=django.db.models.deletion.SET_NULL, related_name="+", to=settings.AUTH_USER_MODEL
            ),
        ),
        migrations.AddField(
            model_name="assetbatch",
            name="project",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE, related_name="batches", to="curation.project"
            ),
        ),
        migrations.AddField(
            model_name="assetbatch",
            name="stage",
            field=models.ForeignKey(
                help_text="empty = where files enter",
                null=True,
                on_delete=django.db.models.deletion.SET_NULL,
                related_name="+",
                to="curation.stage",
            ),
        ),
        migrations.AddIndex(
            model_name="assetbatch",
            index=models.Index(
                condition=models.Q(("state", "taking_in")), fields=["project", "sha256"], name="asset_batch_again"
            ),
        ),
        migrations.AddConstraint(
            model_name="assetbatch",
            constraint=models.CheckConstraint(
                condition=models.Q(("state__in", ["done", "taking_in"])), name="asset_batch_state_known"
            ),
        ),
    ]
