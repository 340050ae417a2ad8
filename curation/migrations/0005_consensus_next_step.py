from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0004_annotations_by_worker"),
    ]

    operations = [
        migrations.AddField(
            model_name="consensus",
            name="next_step",
            field=models.CharField(
                choices=[("none", "nothing"), ("buy", "one more answer"), ("review", "a person")],
                db_default="none",
                default="none",
                help_text="what the method asks for after these answers",
                max_length=6,
            ),
        ),
    ]
