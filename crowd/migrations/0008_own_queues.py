import django.db.models.deletion
from django.db import migrations, models
from django.db.models.functions import Now


class Migration(migrations.Migration):
    """A place of a task may be kept for one worker; a task counts its kept places that nobody has been given yet."""

    dependencies = [("crowd", "0007_teams_and_hours")]

    operations = [
        migrations.AddField(
            model_name="task",
            name="kept",
            field=models.PositiveSmallIntegerField(
                db_default=0, default=0, help_text="places kept for workers by name"
            ),
        ),
        migrations.CreateModel(
            name="OwnTask",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("created_at", models.DateTimeField(db_default=Now())),
                (
                    "task",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="kept_places", to="crowd.task"
                    ),
                ),
                (
                    "worker",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE, related_name="own_tasks", to="crowd.worker"
                    ),
                ),
            ],
            options={
                "constraints": [models.UniqueConstraint(fields=("task", "worker"), name="own_task_once")],
            },
        ),
    ]
