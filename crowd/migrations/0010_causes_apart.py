from django.db import migrations, models


class Migration(migrations.Migration):
    """Each cause of a restriction is a row of its own; evidence may await a person, and be given again."""

    dependencies = [("crowd", "0009_skill_fades")]

    operations = [
        migrations.AddField(
            model_name="evidence",
            name="awaits_person",
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.RemoveConstraint(model_name="evidence", name="evidence_once"),
        migrations.AddConstraint(
            model_name="evidence",
            constraint=models.UniqueConstraint(
                fields=["project_id", "item_id", "kind"],
                condition=models.Q(("overturned_at__isnull", True)),
                name="evidence_once",
            ),
        ),
        migrations.RemoveConstraint(model_name="restriction", name="one_restriction_per_scope"),
        migrations.AddConstraint(
            model_name="restriction",
            constraint=models.UniqueConstraint(
                fields=["worker", "scope", "scope_id", "effect", "by_rule"],
                condition=models.Q(("lifted_at__isnull", True)),
                name="one_restriction_per_cause",
            ),
        ),
    ]
