from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("curation", "0026_counting_searches")]

    operations = [
        migrations.AddField(
            model_name="datasetcard",
            name="consent",
            field=models.TextField(
                blank=True,
                db_default="",
                default="",
                help_text="where and by which terms those agreed who did not on our pages",
                max_length=2000,
            ),
        ),
    ]
