from django.db import migrations, models

from crowd.concurrent_indexes import beside_the_work, new_index


class Migration(migrations.Migration):
    """Pages of a project's consensus over the API. Built beside the work: it may take minutes on a large table."""

    atomic = False
    dependencies = [
        ("curation", "0024_versions_and_batches_by_jobs"),
    ]

    operations = beside_the_work(
        *new_index("consensus", models.Index(fields=["project_id", "id"], name="consensus_of_project")),
    )
