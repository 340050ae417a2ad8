from django.db import migrations, models

from crowd.concurrent_indexes import beside_the_work, new_index


class Migration(migrations.Migration):
    """The list of a pool's pages, newest first. Built beside the work: it may take minutes on a large table."""

    atomic = False
    dependencies = [
        ("crowd", "0013_price_arms"),
    ]

    operations = beside_the_work(
        *new_index("assignment", models.Index(fields=["batch", "id"], name="assignment_newest_of_batch")),
    )
