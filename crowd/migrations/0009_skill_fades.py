from django.db import migrations, models


class Migration(migrations.Migration):
    """What was shown of a skill counts less with every day: the counts are kept beside what they are worth."""

    dependencies = [("crowd", "0008_own_queues")]

    operations = [
        migrations.AddField(
            model_name="skillvalue",
            name="ok_worth",
            field=models.FloatField(db_default=0.0, default=0.0, help_text="right ones, as of updated_at"),
        ),
        migrations.AddField(
            model_name="skillvalue",
            name="n_worth",
            field=models.FloatField(db_default=0.0, default=0.0, help_text="all of them, as of updated_at"),
        ),
    ]
