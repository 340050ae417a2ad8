from django.db import migrations

GUARD = """
CREATE FUNCTION winnow_refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'rows of % are never changed or removed', TG_TABLE_NAME USING ERRCODE = 'restrict_violation';
END $$;
"""
TABLES = ["crowd_ledgertransaction", "crowd_ledgerentry", "crowd_skillevent"]

# The entries of a transaction add up to zero: looked at when the transaction commits.
BALANCE = """
CREATE FUNCTION winnow_ledger_balanced() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF (SELECT sum(amount_micro) FROM crowd_ledgerentry WHERE transaction_id = NEW.transaction_id) <> 0 THEN
        RAISE EXCEPTION 'ledger transaction % does not add up to zero', NEW.transaction_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER ledger_balanced AFTER INSERT ON crowd_ledgerentry
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION winnow_ledger_balanced();
"""


def guard(table: str) -> str:
    return (
        f"CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table} "
        "FOR EACH ROW EXECUTE FUNCTION winnow_refuse_change();"
    )


class Migration(migrations.Migration):
    dependencies = [("crowd", "0001_nouns")]
    operations = [
        migrations.RunSQL(GUARD, "DROP FUNCTION winnow_refuse_change();"),
        *[migrations.RunSQL(guard(table), f"DROP TRIGGER append_only ON {table};") for table in TABLES],
        migrations.RunSQL(BALANCE, "DROP TRIGGER ledger_balanced ON crowd_ledgerentry; DROP FUNCTION winnow_ledger_balanced();"),
    ]
