"""Guards: programmes and orders of exchange keep what was agreed and asked, and are never deleted."""

from django.db import migrations

STAY = ("members_exchangepartner", "members_partnerprogram", "members_exchangeorder")
FORWARD = (
    "".join(
        f"""
CREATE TRIGGER never_deleted BEFORE DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
        for table in STAY
    )
    + """
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON members_partnerprogram
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but('approved_by_id', 'approved_at', 'withdrawn_at');
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON members_exchangeorder
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but(
        'state', 'back_txn_id', 'reversed_day', 'reversed_at', 'reversed_by_id', 'reason');
CREATE FUNCTION an_exchange_is_reversed_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.state = 'REVERSED' THEN
        RAISE EXCEPTION 'exchange % was reversed before', OLD.number USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER reversed_once BEFORE UPDATE ON members_exchangeorder
    FOR EACH ROW EXECUTE FUNCTION an_exchange_is_reversed_once();
"""
)
REVERSE = (
    """
DROP TRIGGER reversed_once ON members_exchangeorder;
DROP FUNCTION an_exchange_is_reversed_once();
DROP TRIGGER keeps_its_facts ON members_partnerprogram;
DROP TRIGGER keeps_its_facts ON members_exchangeorder;
"""
    + "".join(
        f"DROP TRIGGER never_deleted ON {table}; DROP TRIGGER never_emptied ON {table};"
        for table in STAY
    )
)


class Migration(migrations.Migration):
    dependencies = [("members", "0031_exchanges"), ("finance", "0006_never_emptied")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
