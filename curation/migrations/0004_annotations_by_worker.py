from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("curation", "0003_consensus_runs"),
    ]

    operations = [
        migrations.AddIndex(
            model_name="annotation",
            index=models.Index(fields=["worker_id", "stage"], name="annotation_of_worker"),
        ),
    ]
