from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

PATIENT = ["SET statement_timeout = 0", "SET lock_timeout = 0"]
USUAL = ["RESET statement_timeout", "RESET lock_timeout"]


class Migration(migrations.Migration):
    """Jobs that are not done, for monitoring. Built beside the work: it may take minutes on a large table."""

    atomic = False
    dependencies = [
        ("curation", "0037_answers_of_items"),
    ]

    operations = [
        migrations.RunSQL(PATIENT, USUAL),
        # One that was interrupted is left invalid.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS job_unfinished", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="job",
            index=models.Index(
                fields=["kind", "queue", "state"],
                condition=models.Q(state__in=["due", "running", "dead"]),
                name="job_unfinished",
            ),
        ),
        migrations.RunSQL(USUAL, PATIENT),
    ]
