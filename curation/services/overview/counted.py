"""What of the assets and decisions is counted by triggers, see crowd.services.tallies."""

from crowd.services.tallies import Source

ASSETS = Source(
    ("assets", "decided"),
    """
    SELECT of_kind, of_id, word, NULL::int AS slot, 1 AS d
      FROM curation_asset asset CROSS JOIN LATERAL winnow_asset_tally(asset)
    UNION ALL
    SELECT 'stage', stage_id, 'decided.' || verdict, winnow_minute(created_at), 1 FROM curation_decision
    """,
)
