from django.db import migrations

# What was booked before: each hold, what it became, and each payment. A page paid after a rejection had given its
# hold back, so it was paid out of the free budget. A hold learns whose it is, for the budgets of stages and pools.
BOOK_AGAIN = """
UPDATE crowd_reservation r SET stage_id = b.stage_id, pool_id = b.pool_id
    FROM crowd_assignment p JOIN crowd_batch b ON b.id = p.batch_id WHERE r.ref = 'assignment:' || p.id;
INSERT INTO crowd_ledgerentry (kind, ref, source, target, amount_micro, currency, project_id, stage_id, pool_id, note,
                               created_at)
    SELECT 'reserve', r.ref, 'budget', 'held', r.amount_micro, r.currency, r.project_id, r.stage_id, r.pool_id, '',
           r.created_at
      FROM crowd_reservation r WHERE r.amount_micro > 0 ORDER BY r.id;
INSERT INTO crowd_ledgerentry (kind, ref, source, target, amount_micro, currency, project_id, stage_id, pool_id, note,
                               created_at)
    SELECT 'release', r.ref, 'held', 'budget', r.amount_micro, r.currency, r.project_id, r.stage_id, r.pool_id, '',
           coalesce(p.judged_at, r.created_at)
      FROM crowd_reservation r LEFT JOIN crowd_assignment p ON r.ref = 'assignment:' || p.id
     WHERE r.amount_micro > 0 AND r.state = 'released' ORDER BY r.id;
INSERT INTO crowd_ledgerentry (kind, ref, source, target, amount_micro, currency, project_id, stage_id, pool_id,
                               account_id, worker_id, note, created_at)
    SELECT CASE a.kind WHEN 'pay' THEN 'charge' ELSE a.kind END, a.ref,
           CASE WHEN r.state = 'paid' THEN 'held' ELSE 'budget' END,
           CASE a.kind WHEN 'fee' THEN 'platform' ELSE 'workers' END,
           a.amount_micro, a.currency, a.project_id, a.stage_id, a.pool_id, a.account_id, a.worker_id, '', a.created_at
      FROM crowd_ledger_aside a LEFT JOIN crowd_reservation r ON r.ref = a.ref
     WHERE a.kind IN ('pay', 'bonus', 'fee') AND a.amount_micro > 0 ORDER BY a.created_at;
DROP TABLE crowd_ledger_aside;
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON crowd_ledgerentry
    FOR EACH ROW EXECUTE FUNCTION winnow_refuse_change();
"""

# Every way in which a page changes is counted, whoever changes it. One statement, one row per batch and state.
COUNT = """
INSERT INTO crowd_batchdelta (batch_id, state, d, amount_micro)
    SELECT batch_id, state, count(*), sum(price_micro + fee_micro) FROM crowd_assignment GROUP BY 1, 2;
CREATE FUNCTION winnow_count_pages() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'INSERT' THEN
        INSERT INTO crowd_batchdelta (batch_id, state, d, amount_micro)
            SELECT batch_id, state, count(*), sum(price_micro + fee_micro) FROM new_pages GROUP BY 1, 2;
    ELSIF TG_OP = 'DELETE' THEN
        INSERT INTO crowd_batchdelta (batch_id, state, d, amount_micro)
            SELECT batch_id, state, -count(*), -sum(price_micro + fee_micro) FROM old_pages GROUP BY 1, 2;
    ELSE
        INSERT INTO crowd_batchdelta (batch_id, state, d, amount_micro)
            SELECT batch_id, state, sum(d), sum(amount) FROM (
                SELECT batch_id, state, 1 AS d, price_micro + fee_micro AS amount FROM new_pages
                UNION ALL
                SELECT batch_id, state, -1, -(price_micro + fee_micro) FROM old_pages
            ) AS changed GROUP BY 1, 2 HAVING sum(d) <> 0 OR sum(amount) <> 0;
    END IF;
    RETURN NULL;
END $$;
CREATE TRIGGER count_new AFTER INSERT ON crowd_assignment REFERENCING NEW TABLE AS new_pages
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_count_pages();
CREATE TRIGGER count_changed AFTER UPDATE ON crowd_assignment REFERENCING OLD TABLE AS old_pages NEW TABLE AS new_pages
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_count_pages();
CREATE TRIGGER count_gone AFTER DELETE ON crowd_assignment REFERENCING OLD TABLE AS old_pages
    FOR EACH STATEMENT EXECUTE FUNCTION winnow_count_pages();
"""


class Migration(migrations.Migration):
    dependencies = [("crowd", "0004_platforms_and_money")]
    operations = [
        migrations.RunSQL(BOOK_AGAIN, migrations.RunSQL.noop),
        migrations.RunSQL(COUNT, migrations.RunSQL.noop),
    ]
