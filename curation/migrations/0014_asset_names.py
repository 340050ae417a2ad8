"""An index for the beginning of file names; Django's own needs its PostgreSQL app for an operator class."""

from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("curation", "0013_instructions_and_plans")]

    operations = [
        migrations.RunSQL(
            sql=(
                "CREATE INDEX asset_by_name ON curation_asset (project_id, upper(name) text_pattern_ops) "
                "WHERE NOT (name = '')"
            ),
            reverse_sql="DROP INDEX asset_by_name",
        ),
    ]
