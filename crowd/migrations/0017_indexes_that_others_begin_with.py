import django.db.models.deletion
from django.db import migrations, models

from crowd.concurrent_indexes import beside_the_work

NEEDLESS = [
    ("crowd_answer_task_id_55fb16df", "crowd_answer", "task_id"),
    ("crowd_assignment_account_id_d2cc72e1", "crowd_assignment", "account_id"),
    ("crowd_assignment_batch_id_44da45dc", "crowd_assignment", "batch_id"),
    ("crowd_assignment_worker_id_f817ab87", "crowd_assignment", "worker_id"),
    ("crowd_skillevent_worker_id_08b5cd91", "crowd_skillevent", "worker_id"),
    ("crowd_skillvalue_worker_id_d93e60f0", "crowd_skillvalue", "worker_id"),
    ("crowd_task_batch_id_106d270b", "crowd_task", "batch_id"),
]


class Migration(migrations.Migration):
    """Indexes of one column are dropped where another begins with it: each row of these tables wrote them in vain.

    Dropped beside the work; left to Django, the foreign keys would be made and checked again.
    """

    atomic = False
    dependencies = [
        ("crowd", "0016_controls_of_a_worker"),
    ]

    operations = beside_the_work(
        migrations.SeparateDatabaseAndState(
            database_operations=[
                migrations.RunSQL(
                    f"DROP INDEX CONCURRENTLY IF EXISTS {name}",
                    f"CREATE INDEX CONCURRENTLY IF NOT EXISTS {name} ON {table} ({column})",
                )
                for name, table, column in NEEDLESS
            ],
            state_operations=[
                migrations.AlterField(
                    model_name="answer",
                    name="task",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="answers",
                        to="crowd.task",
                    ),
                ),
                migrations.AlterField(
                    model_name="assignment",
                    name="account",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="crowd.account",
                    ),
                ),
                migrations.AlterField(
                    model_name="assignment",
                    name="batch",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="crowd.batch",
                    ),
                ),
                migrations.AlterField(
                    model_name="assignment",
                    name="worker",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assignments",
                        to="crowd.worker",
                    ),
                ),
                migrations.AlterField(
                    model_name="skillevent",
                    name="worker",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="skill_events",
                        to="crowd.worker",
                    ),
                ),
                migrations.AlterField(
                    model_name="skillvalue",
                    name="worker",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="skill_values",
                        to="crowd.worker",
                    ),
                ),
                migrations.AlterField(
                    model_name="task",
                    name="batch",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="tasks",
                        to="crowd.batch",
                    ),
                ),
            ],
        ),
    )
