from django.db import migrations

TABLES = ["curation_decision", "curation_event"]


def guard(table: str) -> str:
    return (
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION winnow_refuse_change();"
    )


class Migration(migrations.Migration):
    dependencies = [("curation", "0001_nouns"), ("crowd", "0002_append_only")]
    operations = [
        migrations.RunSQL(guard(table), f"DROP TRIGGER append_only ON {table};") for table in TABLES
    ]
