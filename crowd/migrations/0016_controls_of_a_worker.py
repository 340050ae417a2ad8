from django.db import migrations, models

from crowd.concurrent_indexes import beside_the_work, new_index


class Migration(migrations.Migration):
    """The control tasks of a worker, latest first. Built beside the work: it may take minutes on a large table."""

    atomic = False
    dependencies = [
        ("crowd", "0015_pages_counted_in_one_pass"),
    ]

    operations = beside_the_work(
        *new_index(
            "answer",
            models.Index(fields=["worker", "id"], condition=models.Q(control_ok__isnull=False), name="answer_controls"),
        ),
    )
