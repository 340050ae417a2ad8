import django.db.models.deletion
from django.db import migrations, models

# One function says who stands in the queue and where: for triggers, for what is there today, and for a recount.
PLACES = """
CREATE FUNCTION winnow_place_images(changed bigint[]) RETURNS void LANGUAGE sql AS $$
    DELETE FROM curation_reviewplace place WHERE asset_id = ANY(changed) AND NOT EXISTS (
        SELECT FROM curation_asset asset JOIN curation_stage stage ON stage.id = asset.stage_id
         WHERE asset.id = place.asset_id AND asset.state = 'held' AND stage.kind = 'review');
    INSERT INTO curation_reviewplace AS place (asset_id, project_id, badness)
    SELECT asset.id, asset.project_id, (
        SELECT result.expected_loss + (1.0 - result.confidence) * 1e-9
          FROM curation_consensus result JOIN curation_stage made ON made.id = result.stage_id
         WHERE result.asset_id = asset.id AND result.is_current
         ORDER BY result.status IN ('label', 'undecided'), made.position DESC, result.id DESC LIMIT 1)
      FROM curation_asset asset JOIN curation_stage stage ON stage.id = asset.stage_id
     WHERE asset.id = ANY(changed) AND asset.state = 'held' AND stage.kind = 'review' ORDER BY asset.id
    ON CONFLICT (asset_id) DO UPDATE SET badness = excluded.badness
     WHERE place.badness IS DISTINCT FROM excluded.badness;
$$;
CREATE FUNCTION winnow_place_assets() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed bigint[];
BEGIN
    IF TG_OP = 'DELETE' THEN
        DELETE FROM curation_reviewplace WHERE asset_id IN (SELECT id FROM old_assets WHERE state = 'held');
        RETURN NULL;
    ELSIF TG_OP = 'INSERT' THEN
        changed := ARRAY(SELECT id FROM new_assets WHERE state = 'held');
    ELSE
        changed := ARRAY(SELECT is_now.id FROM new_assets is_now JOIN old_assets was ON was.id = is_now.id
                          WHERE 'held' IN (is_now.state, was.state)
                            AND (is_now.state, is_now.stage_id) <> (was.state, was.stage_id));
    END IF;
    IF cardinality(changed) > 0 THEN
        PERFORM winnow_place_images(changed);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER place_new AFTER INSERT ON curation_asset REFERENCING NEW TABLE AS new_assets
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_place_assets();
CREATE TRIGGER place_changed AFTER UPDATE ON curation_asset REFERENCING OLD TABLE AS old_assets NEW TABLE AS new_assets
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_place_assets();
CREATE TRIGGER place_gone AFTER DELETE ON curation_asset REFERENCING OLD TABLE AS old_assets
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_place_assets();

CREATE FUNCTION winnow_place_results() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed bigint[];
BEGIN
    changed := ARRAY(SELECT asset_id FROM curation_reviewplace WHERE asset_id IN (SELECT asset_id FROM results));
    IF cardinality(changed) > 0 THEN
        PERFORM winnow_place_images(changed);
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER place_new AFTER INSERT ON curation_consensus REFERENCING NEW TABLE AS results
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_place_results();
CREATE TRIGGER place_changed AFTER UPDATE ON curation_consensus REFERENCING NEW TABLE AS results
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_place_results();
CREATE TRIGGER place_gone AFTER DELETE ON curation_consensus REFERENCING OLD TABLE AS results
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_place_results();

SELECT winnow_place_images(ARRAY(
    SELECT asset.id FROM curation_asset asset JOIN curation_stage stage ON stage.id = asset.stage_id
     WHERE stage.kind = 'review' AND asset.state = 'held'));
ANALYZE curation_reviewplace;
"""
WITHOUT_PLACES = """
DROP FUNCTION winnow_place_assets(), winnow_place_results() CASCADE;
DROP FUNCTION winnow_place_images(bigint[]);
"""


class Migration(migrations.Migration):
    """What waits for a person stands in the order in which it is looked at, instead of being put in order each time."""

    dependencies = [("curation", "0042_indexes_that_others_begin_with")]

    operations = [
        migrations.CreateModel(
            name="ReviewPlace",
            fields=[
                (
                    "asset",
                    models.OneToOneField(
                        db_constraint=False,
                        on_delete=django.db.models.deletion.DO_NOTHING,
                        primary_key=True,
                        related_name="review_place",
                        serialize=False,
                        to="curation.asset",
                    ),
                ),
                ("project_id", models.BigIntegerField()),
                (
                    "badness",
                    models.FloatField(
                        help_text="expected loss; among equals the least confidence is worse; null = nothing is known",
                        null=True,
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        models.F("project_id"),
                        models.OrderBy(models.F("badness"), descending=True, nulls_first=True),
                        models.F("asset"),
                        name="review_worst_first",
                    )
                ]
            },
        ),
        migrations.RunSQL(PLACES, WITHOUT_PLACES),
    ]
