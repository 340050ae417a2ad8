import django.contrib.postgres.fields
import django.db.models.deletion
import django.db.models.functions.datetime
from django.conf import settings
from django.db import migrations, models

import curation.models.fields
import curation.models.prediction

VECTOR = """
DO $$ BEGIN
    IF EXISTS (SELECT FROM pg_available_extensions WHERE name = 'vector') THEN
        CREATE EXTENSION IF NOT EXISTS vector;
    END IF;
EXCEPTION WHEN insufficient_privilege THEN
    RAISE NOTICE 'pgvector is there, but this role may not create it; vectors are compared in numpy.';
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0022_former_examples"),
    ]

    operations = [
        migrations.RunSQL(VECTOR, migrations.RunSQL.noop),
        migrations.CreateModel(
            name="Erasure",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.UUIDField(db_default=curation.models.fields.UuidV7(), editable=False, unique=True),
                ),
                ("pseudonym", models.CharField(max_length=40)),
                ("note", models.CharField(blank=True, max_length=300)),
                ("images", models.PositiveIntegerField(default=0)),
                ("files", models.PositiveIntegerField(default=0)),
                ("versions", models.JSONField(default=dict, help_text="number of the version: images that were in it")),
                (
                    "exports",
                    models.JSONField(default=list, help_text="archives that were deleted because they held some"),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "finished_at",
                    models.DateTimeField(blank=True, help_text="when the last file was deleted", null=True),
                ),
                (
                    "by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="erasures", to="curation.project"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Predictions",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.UUIDField(db_default=curation.models.fields.UuidV7(), editable=False, unique=True),
                ),
                ("model", models.CharField(max_length=60)),
                ("model_version", models.CharField(max_length=40)),
                (
                    "part",
                    models.CharField(
                        blank=True, help_text="part of the version it was run on; empty = all", max_length=10
                    ),
                ),
                ("kind", models.CharField(choices=[("boxes", "Boxes"), ("labels", "Labels")], max_length=6)),
                ("images", models.PositiveIntegerField(default=0)),
                ("boxes", models.PositiveIntegerField(default=0)),
                (
                    "sha256",
                    models.CharField(help_text="of the file: the same one again changes nothing", max_length=64),
                ),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="predictions",
                        to="curation.datasetversion",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="predictions", to="curation.project"
                    ),
                ),
                (
                    "trained_on",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="models_trained",
                        to="curation.datasetversion",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Prediction",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("boxes", models.JSONField(default=list, help_text="label, x, y, w, h (fractions), confidence")),
                ("label", models.CharField(blank=True, max_length=60)),
                ("confidence", models.FloatField(blank=True, null=True)),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="predictions", to="curation.asset"
                    ),
                ),
                (
                    "predictions",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="rows", to="curation.predictions"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="PublishFinding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "filter",
                    models.CharField(
                        choices=[
                            ("children", "children in the frame"),
                            ("nudity", "people without clothes"),
                            ("watermark", "watermarks"),
                            ("symbols", "forbidden symbols"),
                        ],
                        max_length=10,
                    ),
                ),
                (
                    "source",
                    models.CharField(
                        choices=[
                            ("tagger", "a model's suggestion"),
                            ("crowd", "a worker's answer"),
                            ("person", "a person of the team"),
                        ],
                        max_length=6,
                    ),
                ),
                ("said_by", models.CharField(blank=True, help_text="the tagger, or who reported it", max_length=120)),
                ("score", models.FloatField(default=1)),
                (
                    "word",
                    models.CharField(
                        choices=[("open", "Open"), ("kept", "Kept"), ("removed", "Removed")],
                        default="open",
                        max_length=7,
                    ),
                ),
                ("note", models.CharField(blank=True, max_length=300)),
                ("decided_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="publish_findings",
                        to="curation.asset",
                    ),
                ),
                (
                    "decided_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="publish_findings",
                        to="curation.project",
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Scenario",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.UUIDField(db_default=curation.models.fields.UuidV7(), editable=False, unique=True),
                ),
                ("name", models.CharField(max_length=60)),
                ("query", models.CharField(blank=True, max_length=1000)),
                (
                    "metric",
                    models.CharField(
                        choices=[
                            ("precision", "Precision"),
                            ("recall", "Recall"),
                            ("f1", "F1"),
                            ("accuracy", "Accuracy"),
                        ],
                        default="recall",
                        max_length=10,
                    ),
                ),
                ("iou", models.FloatField(default=0.5)),
                (
                    "confidence",
                    models.FloatField(default=0.5, help_text="what a model is less sure of does not count as said"),
                ),
                ("tolerated", models.FloatField(help_text="the metric must be at least this, 0 to 1")),
                ("retired_at", models.DateTimeField(blank=True, null=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "created_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="scenarios", to="curation.project"
                    ),
                ),
            ],
            options={
                "ordering": ["id"],
            },
        ),
        migrations.CreateModel(
            name="ScenarioVerdict",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "terms",
                    models.JSONField(
                        default=dict, help_text="query, metric, iou, confidence and tolerated as they were"
                    ),
                ),
                ("images", models.PositiveIntegerField()),
                ("right", models.FloatField()),
                ("n", models.FloatField()),
                ("low", models.FloatField()),
                ("high", models.FloatField()),
                ("verdict", models.CharField(max_length=9)),
                ("more", models.PositiveIntegerField(blank=True, help_text="how many more would decide", null=True)),
                ("largest_subject", models.FloatField(default=0, help_text="share of the images that one person sent")),
                ("is_current", models.BooleanField(default=True)),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "predictions",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="verdicts", to="curation.predictions"
                    ),
                ),
                (
                    "scenario",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="verdicts", to="curation.scenario"
                    ),
                ),
            ],
        ),
        migrations.CreateModel(
            name="Embedding",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("space", models.CharField(help_text="name of the model that made it", max_length=60)),
                ("box", models.PositiveSmallIntegerField(default=0)),
                ("place", models.JSONField(blank=True, help_text="of the box: x, y, w, h (fractions)", null=True)),
                (
                    "vector",
                    django.contrib.postgres.fields.ArrayField(base_field=curation.models.prediction.Real(), size=None),
                ),
                (
                    "asset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="embeddings", to="curation.asset"
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="embeddings", to="curation.project"
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["project", "space", "box"], name="embedding_of_space")],
                "constraints": [models.UniqueConstraint(fields=("asset", "space", "box"), name="embedding_once")],
            },
        ),
        migrations.CreateModel(
            name="ErasedItem",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("image", models.UUIDField(help_text="public id of the image that was")),
                ("split", models.CharField(blank=True, max_length=10)),
                ("boxes", models.PositiveIntegerField(default=0)),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="erased_items",
                        to="curation.datasetversion",
                    ),
                ),
                (
                    "erasure",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="items", to="curation.erasure"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("dataset", "image"), name="erased_once_per_version")],
            },
        ),
        migrations.CreateModel(
            name="LockedPart",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                (
                    "public_id",
                    models.UUIDField(db_default=curation.models.fields.UuidV7(), editable=False, unique=True),
                ),
                ("split", models.CharField(max_length=10)),
                ("locked_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ("unlocked_at", models.DateTimeField(blank=True, null=True)),
                ("reason", models.CharField(blank=True, help_text="why it was unlocked", max_length=300)),
                (
                    "dataset",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="locked_parts",
                        to="curation.datasetversion",
                    ),
                ),
                (
                    "locked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="locked_parts", to="curation.project"
                    ),
                ),
                (
                    "unlocked_by",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        related_name="+",
                        to=settings.AUTH_USER_MODEL,
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("unlocked_at", None)), fields=("dataset", "split"), name="part_locked_once"
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("unlocked_at", None), models.Q(("reason", ""), _negated=True), _connector="OR"
                        ),
                        name="unlocking_has_a_reason",
                    ),
                ],
            },
        ),
        migrations.AddIndex(
            model_name="predictions",
            index=models.Index(fields=["project", "-id"], name="predictions_of_project"),
        ),
        migrations.AddConstraint(
            model_name="predictions",
            constraint=models.UniqueConstraint(fields=("dataset", "model", "model_version"), name="predictions_once"),
        ),
        migrations.AddConstraint(
            model_name="predictions",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["boxes", "labels"])), name="predictions_kind_known"
            ),
        ),
        migrations.AddIndex(
            model_name="prediction",
            index=models.Index(fields=["predictions", "confidence"], name="prediction_unsure_first"),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.UniqueConstraint(fields=("predictions", "asset"), name="prediction_once"),
        ),
        migrations.AddConstraint(
            model_name="prediction",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    ("confidence", None), models.Q(("confidence__gte", 0), ("confidence__lte", 1)), _connector="OR"
                ),
                name="prediction_confidence_in_range",
            ),
        ),
        migrations.AddIndex(
            model_name="publishfinding",
            index=models.Index(fields=["project", "filter", "word", "-score"], name="publish_queue"),
        ),
        migrations.AddConstraint(
            model_name="publishfinding",
            constraint=models.UniqueConstraint(fields=("asset", "filter"), name="publish_finding_once"),
        ),
        migrations.AddConstraint(
            model_name="publishfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(("filter__in", ["children", "nudity", "watermark", "symbols"])),
                name="publish_filter_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="publishfinding",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("decided_at", None), ("word", "open")),
                    models.Q(("decided_at__isnull", False), ("word__in", ["kept", "removed"])),
                    _connector="OR",
                ),
                name="publish_word_is_dated",
            ),
        ),
        migrations.AddConstraint(
            model_name="scenario",
            constraint=models.UniqueConstraint(
                condition=models.Q(("retired_at", None)), fields=("project", "name"), name="scenario_name_once"
            ),
        ),
        migrations.AddConstraint(
            model_name="scenario",
            constraint=models.CheckConstraint(
                condition=models.Q(("iou__gt", 0), ("iou__lte", 1), ("tolerated__gt", 0), ("tolerated__lt", 1)),
                name="scenario_limits_in_range",
            ),
        ),
        migrations.AddConstraint(
            model_name="scenario",
            constraint=models.CheckConstraint(
                condition=models.Q(("metric__in", ["precision", "recall", "f1", "accuracy"])),
                name="scenario_metric_known",
            ),
        ),
        migrations.AddConstraint(
            model_name="scenarioverdict",
            constraint=models.UniqueConstraint(
                condition=models.Q(("is_current", True)), fields=("scenario", "predictions"), name="one_current_verdict"
            ),
        ),
        migrations.AddConstraint(
            model_name="scenarioverdict",
            constraint=models.CheckConstraint(
                condition=models.Q(("verdict__in", ["pass", "fail", "undecided"])), name="verdict_known"
            ),
        ),
    ]
