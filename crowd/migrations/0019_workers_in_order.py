from django.db import migrations, models

KINDS = [
    ("project", "Project"),
    ("stage", "Stage"),
    ("pool", "Pool"),
    ("batch", "Batch"),
    ("workers", "Workers"),
]

BEFORE = """
CREATE OR REPLACE FUNCTION winnow_page_tally(page crowd_assignment)
RETURNS TABLE (of_kind varchar, of_id bigint, word varchar, slot int, d bigint) LANGUAGE sql STABLE AS $$
    SELECT 'batch'::varchar, page.batch_id, 'pages.sent'::varchar, winnow_minute(page.submitted_at), 1::bigint
     WHERE page.submitted_at IS NOT NULL
    UNION ALL
    SELECT 'batch', page.batch_id, 'pages.ms', winnow_minute(page.submitted_at), page.duration_ms::bigint
     WHERE page.submitted_at IS NOT NULL AND page.duration_ms IS NOT NULL
    UNION ALL
    SELECT 'batch', page.batch_id, ('pages.' || page.state)::varchar,
           winnow_minute(coalesce(page.judged_at, page.submitted_at, page.lease_until)), 1
     WHERE page.state IN ('accepted', 'rejected', 'skipped', 'expired')
$$;
"""
BY_WORKER = """
    UNION ALL
    SELECT 'workers', page.project_id, ('given.' || page.worker_id)::varchar, NULL::int, 1
    UNION ALL
    SELECT 'workers', page.project_id, ('accepted.' || page.worker_id)::varchar, NULL, 1 WHERE page.state = 'accepted'
    UNION ALL
    SELECT 'workers', page.project_id, ('earned.' || page.worker_id)::varchar, NULL, page.price_micro
     WHERE page.state = 'accepted'
$$;
"""
# Until the end of this transaction nobody changes a page: it would be counted as before.
WITH_WORKERS = f"""
LOCK TABLE crowd_assignment IN SHARE ROW EXCLUSIVE MODE;
{BEFORE.rstrip().removesuffix("$$;")}{BY_WORKER}
INSERT INTO crowd_tally (of_kind, of_id, minutes, word, slot, n)
SELECT 'workers', project_id, 0, kind || '.' || worker_id, 0, n
  FROM (SELECT project_id, worker_id, count(*) AS given, count(*) FILTER (WHERE state = 'accepted') AS accepted,
               coalesce(sum(price_micro) FILTER (WHERE state = 'accepted'), 0) AS earned
          FROM crowd_assignment GROUP BY 1, 2) AS page
 CROSS JOIN LATERAL (VALUES ('given', given), ('accepted', accepted), ('earned', earned)) AS counted (kind, n)
 WHERE n <> 0;
"""
WITHOUT_WORKERS = f"""
LOCK TABLE crowd_assignment IN SHARE ROW EXCLUSIVE MODE;
{BEFORE}
DELETE FROM crowd_tallydelta WHERE of_kind = 'workers';
DELETE FROM crowd_tally WHERE of_kind = 'workers';
"""


class Migration(migrations.Migration):
    """Pages and earnings are counted by worker too: who comes first is read from sums, not found out from all pages."""

    dependencies = [("crowd", "0018_money_held")]

    operations = [
        *(
            migrations.AlterField(name, "of_kind", models.CharField(choices=KINDS, max_length=8))
            for name in ("tally", "tallydelta")
        ),
        migrations.RunSQL(WITH_WORKERS, WITHOUT_WORKERS),
    ]
