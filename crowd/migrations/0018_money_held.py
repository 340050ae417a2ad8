from django.contrib.postgres.operations import AddIndexConcurrently, RemoveIndexConcurrently
from django.db import migrations, models

PATIENT = ["SET statement_timeout = 0", "SET lock_timeout = 0"]
USUAL = ["RESET statement_timeout", "RESET lock_timeout"]


class Migration(migrations.Migration):
    """What is held by stage and pool is read from the index alone; what was paid leaves it."""

    atomic = False
    dependencies = [
        ("crowd", "0017_indexes_that_others_begin_with"),
    ]

    operations = [
        migrations.RunSQL(PATIENT, USUAL),
        # One that was interrupted is left invalid.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS reservation_held", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="reservation",
            index=models.Index(
                fields=["project_id", "stage_id", "pool_id", "currency"],
                include=["amount_micro"],
                condition=models.Q(state="held"),
                name="reservation_held",
            ),
        ),
        RemoveIndexConcurrently(model_name="reservation", name="reservation_of_project"),
        migrations.RunSQL(USUAL, PATIENT),
    ]
