from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

PATIENT = ["SET statement_timeout = 0", "SET lock_timeout = 0"]
USUAL = ["RESET statement_timeout", "RESET lock_timeout"]


class Migration(migrations.Migration):
    """Pages of a project's consensus over the API. Built beside the work: it may take minutes on a large table."""

    atomic = False
    dependencies = [
        ("curation", "0024_versions_and_batches_by_jobs"),
    ]

    operations = [
        migrations.RunSQL(PATIENT, USUAL),
        # One that was interrupted is left invalid.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS consensus_of_project", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="consensus",
            index=models.Index(fields=["project_id", "id"], name="consensus_of_project"),
        ),
        migrations.RunSQL(USUAL, PATIENT),
    ]
