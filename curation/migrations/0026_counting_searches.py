from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("curation", "0025_consensus_of_project")]

    operations = [
        migrations.AddField(
            model_name="crawl",
            name="counts",
            field=models.BooleanField(
                db_default=False, default=False, help_text="only how many results there are is asked for"
            ),
        ),
        migrations.AddField(
            model_name="crawlcall",
            name="results",
            field=models.BigIntegerField(blank=True, help_text="how many the engine says there are", null=True),
        ),
    ]
