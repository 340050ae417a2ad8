import django.db.models.deletion
from django.db import migrations, models

from crowd.concurrent_indexes import beside_the_work

NEEDLESS = [
    ("curation_annotation_asset_id_62072d94", "curation_annotation", "asset_id"),
    ("curation_asset_parent_id_1b374d88", "curation_asset", "parent_id"),
    ("curation_asset_project_id_b00fa9b9", "curation_asset", "project_id"),
    ("curation_asset_stage_id_f6838f2b", "curation_asset", "stage_id"),
    ("curation_box_annotation_id_587a206e", "curation_box", "annotation_id"),
    ("curation_consensus_asset_id_5b3deec0", "curation_consensus", "asset_id"),
    ("curation_consensusbox_consensus_id_24b6b11b", "curation_consensusbox", "consensus_id"),
    ("curation_decision_asset_id_83a97e47", "curation_decision", "asset_id"),
    ("curation_decision_stage_id_deab277c", "curation_decision", "stage_id"),
]


class Migration(migrations.Migration):
    """Indexes of one column are dropped where another begins with it: each row of these tables wrote them in vain.

    Dropped beside the work; left to Django, the foreign keys would be made and checked again.
    """

    atomic = False
    dependencies = [
        ("curation", "0041_jobs_know_their_request"),
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
                    model_name="annotation",
                    name="asset",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="annotations",
                        to="curation.asset",
                    ),
                ),
                migrations.AlterField(
                    model_name="asset",
                    name="parent",
                    field=models.ForeignKey(
                        blank=True,
                        db_index=False,
                        null=True,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="frames",
                        to="curation.asset",
                    ),
                ),
                migrations.AlterField(
                    model_name="asset",
                    name="project",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="assets",
                        to="curation.project",
                    ),
                ),
                migrations.AlterField(
                    model_name="asset",
                    name="stage",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="assets",
                        to="curation.stage",
                    ),
                ),
                migrations.AlterField(
                    model_name="box",
                    name="annotation",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="boxes",
                        to="curation.annotation",
                    ),
                ),
                migrations.AlterField(
                    model_name="consensus",
                    name="asset",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="consensus",
                        to="curation.asset",
                    ),
                ),
                migrations.AlterField(
                    model_name="consensusbox",
                    name="consensus",
                    field=models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="boxes",
                        to="curation.consensus",
                    ),
                ),
                migrations.AlterField(
                    model_name="decision",
                    name="asset",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="curation.asset",
                    ),
                ),
                migrations.AlterField(
                    model_name="decision",
                    name="stage",
                    field=models.ForeignKey(
                        db_constraint=False,
                        db_index=False,
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="decisions",
                        to="curation.stage",
                    ),
                ),
            ],
        ),
    )
