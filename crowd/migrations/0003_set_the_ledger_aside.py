from django.db import migrations

# One row for each movement from now on: what is booked is set aside here and booked again in 0005.
ASIDE = """
CREATE TABLE crowd_ledger_aside AS
    SELECT t.kind, t.ref, t.project_id, t.stage_id, t.pool_id, t.account_id, t.worker_id, t.currency, t.created_at,
           (SELECT sum(e.amount_micro) FROM crowd_ledgerentry e WHERE e.transaction_id = t.id AND e.amount_micro > 0)
               AS amount_micro
      FROM crowd_ledgertransaction t;
DROP TRIGGER ledger_balanced ON crowd_ledgerentry;
DROP FUNCTION winnow_ledger_balanced();
"""


class Migration(migrations.Migration):
    dependencies = [("crowd", "0002_append_only")]
    operations = [
        migrations.RunSQL(ASIDE, migrations.RunSQL.noop),
        migrations.DeleteModel("LedgerEntry"),
        migrations.DeleteModel("LedgerTransaction"),
    ]
