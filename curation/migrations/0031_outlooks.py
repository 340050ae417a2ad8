import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0030_rehearsals_kept"),
    ]

    operations = [
        migrations.AddField(
            model_name="project",
            name="time_zone",
            field=models.CharField(db_default="UTC", default="UTC", help_text="in which days are told", max_length=40),
        ),
        migrations.CreateModel(
            name="Outlook",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("slot", models.IntegerField(help_text="hours since 1970: one an hour is kept")),
                ("goal", models.PositiveIntegerField(help_text="accepted or published results wanted at that time")),
                ("reached", models.PositiveIntegerField()),
                (
                    "is_never",
                    models.BooleanField(default=False, help_text="who may work can never give what is missing"),
                ),
                ("hours_p5", models.FloatField(blank=True, null=True)),
                ("hours_p50", models.FloatField(blank=True, null=True)),
                ("hours_p90", models.FloatField(blank=True, null=True)),
                ("hours_p95", models.FloatField(blank=True, null=True)),
                ("currency", models.CharField(default="USD", max_length=3)),
                ("spent_micro", models.BigIntegerField(default=0)),
                (
                    "micro_p5",
                    models.BigIntegerField(blank=True, help_text="what it will have cost in the end", null=True),
                ),
                ("micro_p50", models.BigIntegerField(blank=True, null=True)),
                ("micro_p90", models.BigIntegerField(blank=True, null=True)),
                ("micro_p95", models.BigIntegerField(blank=True, null=True)),
                ("inputs", models.JSONField(default=dict, help_text="what it was computed from")),
                ("made_at", models.DateTimeField()),
                ("created_at", models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                (
                    "pool",
                    models.ForeignKey(
                        blank=True,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="outlooks",
                        to="curation.pool",
                    ),
                ),
                (
                    "project",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="outlooks", to="curation.project"
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("project", "pool", "slot"), name="outlook_once_an_hour", nulls_distinct=False
                    ),
                    models.CheckConstraint(
                        condition=models.Q(
                            ("hours_p50", None),
                            models.Q(("hours_p5__gte", 0), ("hours_p95__gte", models.F("hours_p5"))),
                            _connector="OR",
                        ),
                        name="outlook_hours_in_order",
                    ),
                ],
            },
        ),
        migrations.RunSQL(
            "CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON curation_outlook "
            "FOR EACH ROW EXECUTE FUNCTION winnow_refuse_change();",
            "DROP TRIGGER append_only ON curation_outlook;",
        ),
    ]
