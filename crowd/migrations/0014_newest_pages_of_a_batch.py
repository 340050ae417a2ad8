from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

PATIENT = ["SET statement_timeout = 0", "SET lock_timeout = 0"]
USUAL = ["RESET statement_timeout", "RESET lock_timeout"]


class Migration(migrations.Migration):
    """The list of a pool's pages, newest first. Built beside the work: it may take minutes on a large table."""

    atomic = False
    dependencies = [
        ("crowd", "0013_price_arms"),
    ]

    operations = [
        migrations.RunSQL(PATIENT, USUAL),
        # One that was interrupted is left invalid.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS assignment_newest_of_batch", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="assignment",
            index=models.Index(fields=["batch", "id"], name="assignment_newest_of_batch"),
        ),
        migrations.RunSQL(USUAL, PATIENT),
    ]
