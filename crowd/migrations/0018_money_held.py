from django.contrib.postgres.operations import RemoveIndexConcurrently
from django.db import migrations, models

from crowd.concurrent_indexes import beside_the_work, new_index


class Migration(migrations.Migration):
    """What is held by stage and pool is read from the index alone; what was paid leaves it."""

    atomic = False
    dependencies = [
        ("crowd", "0017_indexes_that_others_begin_with"),
    ]

    operations = beside_the_work(
        *new_index(
            "reservation",
            models.Index(
                fields=["project_id", "stage_id", "pool_id", "currency"],
                include=["amount_micro"],
                condition=models.Q(state="held"),
                name="reservation_held",
            ),
        ),
        RemoveIndexConcurrently(model_name="reservation", name="reservation_of_project"),
    )
