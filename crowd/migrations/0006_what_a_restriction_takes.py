from django.db import migrations, models


class Migration(migrations.Migration):
    """A rule may warn or stop payment, besides taking work away: what a restriction takes is a column of its own."""

    dependencies = [("crowd", "0005_ledger_and_rollups")]

    operations = [
        migrations.AddField(
            model_name="restriction",
            name="effect",
            field=models.CharField(
                choices=[
                    ("no_work", "no more work"),
                    ("unpaid", "pages wait for a person before they are paid"),
                    ("warning", "a warning"),
                ],
                db_default="no_work",
                default="no_work",
                max_length=10,
            ),
        ),
        migrations.RemoveConstraint(model_name="restriction", name="one_restriction_per_scope"),
        migrations.AddConstraint(
            model_name="restriction",
            constraint=models.UniqueConstraint(
                condition=models.Q(("lifted_at__isnull", True)),
                fields=("worker", "scope", "scope_id", "effect"),
                name="one_restriction_per_scope",
            ),
        ),
        migrations.AddConstraint(
            model_name="restriction",
            constraint=models.CheckConstraint(
                condition=models.Q(("effect__in", ["no_work", "unpaid", "warning"])), name="effect_known"
            ),
        ),
    ]
