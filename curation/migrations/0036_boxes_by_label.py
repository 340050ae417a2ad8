import django.db.models.functions.text
from django.db import migrations, models

from crowd.concurrent_indexes import beside_the_work, new_index

PLAIN_LABEL = django.db.models.functions.text.Lower(
    django.db.models.functions.text.Replace(
        django.db.models.functions.text.Replace(models.F("label"), models.Value(" "), models.Value("_")),
        models.Value("-"),
        models.Value("_"),
    )
)


class Migration(migrations.Migration):
    """Boxes of a class that few have are found at once. Built beside the work: it may take minutes on a large table."""

    atomic = False
    dependencies = [
        ("curation", "0035_data_set_imports"),
    ]

    operations = beside_the_work(
        *new_index("consensusbox", models.Index(PLAIN_LABEL, "consensus", name="consensus_box_by_label")),
    )
