from django.db import migrations

# What an asset and a decision count for: `assets.STATE.CLASS.REASON` of a stage, `decided.VERDICT` of a stage in time.
COUNTING = """
CREATE FUNCTION winnow_asset_tally(asset curation_asset)
RETURNS TABLE (of_kind varchar, of_id bigint, word varchar) LANGUAGE sql STABLE AS $$
    SELECT 'stage'::varchar, asset.stage_id,
           ('assets.' || asset.state || '.' || coalesce(asset.label_class_id, 0) || '.' || asset.reason)::varchar
$$;
CREATE FUNCTION winnow_tally_assets() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO crowd_tallydelta (of_kind, of_id, word, d)
            SELECT of_kind, of_id, word, count(*)
              FROM new_assets asset CROSS JOIN LATERAL winnow_asset_tally(asset::curation_asset) GROUP BY 1, 2, 3;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO crowd_tallydelta (of_kind, of_id, word, d)
            SELECT of_kind, of_id, word, -count(*)
              FROM old_assets asset CROSS JOIN LATERAL winnow_asset_tally(asset::curation_asset) GROUP BY 1, 2, 3;
    ELSE
        INSERT INTO crowd_tallydelta (of_kind, of_id, word, d)
            SELECT of_kind, of_id, word, sum(d) FROM (
                SELECT told.*, 1 AS d
                  FROM new_assets asset CROSS JOIN LATERAL winnow_asset_tally(asset::curation_asset) told
                UNION ALL
                SELECT told.*, -1
                  FROM old_assets asset CROSS JOIN LATERAL winnow_asset_tally(asset::curation_asset) told
            ) AS changed GROUP BY 1, 2, 3 HAVING sum(d) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_new AFTER INSERT ON curation_asset REFERENCING NEW TABLE AS new_assets
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_assets();
CREATE TRIGGER tally_changed AFTER UPDATE ON curation_asset REFERENCING OLD TABLE AS old_assets NEW TABLE AS new_assets
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_assets();
CREATE TRIGGER tally_gone AFTER DELETE ON curation_asset REFERENCING OLD TABLE AS old_assets
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_assets();

CREATE FUNCTION winnow_tally_decisions() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO crowd_tallydelta (of_kind, of_id, word, slot, d)
        SELECT 'stage', stage_id, 'decided.' || verdict, winnow_minute(created_at), count(*)
          FROM new_decisions GROUP BY 2, 3, 4;
    RETURN NULL;
END $$;
CREATE TRIGGER tally_new AFTER INSERT ON curation_decision REFERENCING NEW TABLE AS new_decisions
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_tally_decisions();

INSERT INTO crowd_tallydelta (of_kind, of_id, word, d)
    SELECT of_kind, of_id, word, count(*) FROM curation_asset asset CROSS JOIN LATERAL winnow_asset_tally(asset)
     GROUP BY 1, 2, 3;
INSERT INTO crowd_tallydelta (of_kind, of_id, word, slot, d)
    SELECT 'stage', stage_id, 'decided.' || verdict, winnow_minute(created_at), count(*)
      FROM curation_decision GROUP BY 2, 3, 4;
"""
WITHOUT_COUNTING = """
DROP FUNCTION winnow_tally_assets(), winnow_tally_decisions() CASCADE;
DROP FUNCTION winnow_asset_tally(curation_asset);
DELETE FROM crowd_tallydelta WHERE of_kind = 'stage' AND (word LIKE 'assets.%' OR word LIKE 'decided.%');
DELETE FROM crowd_tally WHERE of_kind = 'stage' AND (word LIKE 'assets.%' OR word LIKE 'decided.%');
"""


class Migration(migrations.Migration):
    """Where assets stand, and what was decided when, as counts."""

    dependencies = [("curation", "0011_saved_views_and_bulk_changes"), ("crowd", "0012_tallies")]

    operations = [migrations.RunSQL(COUNTING, WITHOUT_COUNTING)]
