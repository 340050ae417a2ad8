import django.db.models.functions.text
from django.contrib.postgres.operations import AddIndexConcurrently
from django.db import migrations, models

PATIENT = ["SET statement_timeout = 0", "SET lock_timeout = 0"]
USUAL = ["RESET statement_timeout", "RESET lock_timeout"]
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

    operations = [
        migrations.RunSQL(PATIENT, USUAL),
        # One that was interrupted is left invalid.
        migrations.RunSQL("DROP INDEX CONCURRENTLY IF EXISTS consensus_box_by_label", migrations.RunSQL.noop),
        AddIndexConcurrently(
            model_name="consensusbox",
            index=models.Index(PLAIN_LABEL, "consensus", name="consensus_box_by_label"),
        ),
        migrations.RunSQL(USUAL, PATIENT),
    ]
