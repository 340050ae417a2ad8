from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

PATIENT = ["SET statement_timeout = 0", "SET lock_timeout = 0"]
USUAL = ["RESET statement_timeout", "RESET lock_timeout"]


class Migration(migrations.Migration):
    """The control tasks of a worker, latest first. Built beside the work: it may take minutes on a large table."""

    atomic = False
    dependencies = [
        ("crowd", "0015_pages_counted_in_one_pass"),
    ]

    operations = [
        migrations.RunSQL(PATIENT, USUAL),
        # One that was interrupted is left invalid.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS answer_controls", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="answer",
            index=models.Index(
                fields=["worker", "id"], condition=models.Q(control_ok__isnull=False), name="answer_controls"
            ),
        ),
        migrations.RunSQL(USUAL, PATIENT),
    ]
