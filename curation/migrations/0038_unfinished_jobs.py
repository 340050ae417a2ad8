from django.db import migrations, models

from crowd.concurrent_indexes import beside_the_work, new_index


class Migration(migrations.Migration):
    """Jobs that are not done, for monitoring. Built beside the work: it may take minutes on a large table."""

    atomic = False
    dependencies = [
        ("curation", "0037_answers_of_items"),
    ]

    operations = beside_the_work(
        *new_index(
            "job",
            models.Index(
                fields=["kind", "queue", "state"],
                condition=models.Q(state__in=["due", "running", "dead"]),
                name="job_unfinished",
            ),
        ),
    )
