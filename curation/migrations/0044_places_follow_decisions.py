from django.db import migrations

PLACING = """
CREATE OR REPLACE FUNCTION winnow_place_results() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE changed bigint[];
BEGIN
    changed := ARRAY({changed});
    IF cardinality(changed) > 0 THEN
        PERFORM winnow_place_images(changed);
    END IF;
    RETURN NULL;
END $$;
"""
SEEN = "SELECT asset_id FROM curation_reviewplace WHERE asset_id IN (SELECT asset_id FROM results)"
# What is decided in this moment is waited for, and looked at as it is then.
LOCKED = """
        SELECT asset.id FROM curation_asset asset JOIN curation_reviewplace place ON place.asset_id = asset.id
         WHERE asset.id IN (SELECT asset_id FROM results) ORDER BY asset.id FOR NO KEY UPDATE OF asset"""


class Migration(migrations.Migration):
    """A result that comes while its image is decided gives no place to what no longer waits."""

    dependencies = [("curation", "0043_review_places")]

    operations = [migrations.RunSQL(PLACING.format(changed=LOCKED), PLACING.format(changed=SEEN))]
