from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("curation", "0027_consent_on_card")]

    operations = [
        migrations.RemoveConstraint(model_name="predictions", name="predictions_kind_known"),
        migrations.AlterField(
            model_name="predictions",
            name="kind",
            field=models.CharField(
                choices=[("boxes", "Boxes"), ("labels", "Labels"), ("vectors", "Vectors")], max_length=7
            ),
        ),
        migrations.AddConstraint(
            model_name="predictions",
            constraint=models.CheckConstraint(
                condition=models.Q(("kind__in", ["boxes", "labels", "vectors"])), name="predictions_kind_known"
            ),
        ),
    ]
