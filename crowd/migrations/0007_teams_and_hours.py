import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    """A pool may be kept for a team, and a page remembers the rate by which its time is paid."""

    dependencies = [("crowd", "0006_what_a_restriction_takes")]

    operations = [
        migrations.AddField(
            model_name="batch",
            name="team",
            field=models.ForeignKey(
                blank=True,
                help_text="only for them",
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="batches",
                to="crowd.workerteam",
            ),
        ),
        migrations.AddField(
            model_name="assignment",
            name="hourly_micro",
            field=models.BigIntegerField(
                db_default=0,
                default=0,
                help_text="what an hour of this page is paid, as agreed when it was issued; 0 = a price",
            ),
        ),
        migrations.AddConstraint(
            model_name="assignment",
            constraint=models.CheckConstraint(
                condition=models.Q(("hourly_micro__gte", 0)), name="assignment_rate_not_negative"
            ),
        ),
    ]
