"""Guards: orders and what waits for them stay; an order goes forward only, and its path is append-only."""

from django.db import migrations

STAY = (
    "members_redemption",
    "members_rewardcoupon",
    "members_rewardtopup",
    "members_partnerorder",
)
FORWARD = (
    """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_redemptionevent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_redemptionevent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
    + "".join(
        f"""
CREATE TRIGGER never_deleted BEFORE DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
        for table in STAY
    )
    + """
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON members_redemption
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but(
        'state', 'presence', 'presence_ref', 'points_txn_id', 'returned_txn_id', 'code',
        'paid_document', 'reference', 'expires_at', 'ended_at');
CREATE FUNCTION redemption_goes_forward() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NOT (
        (OLD.state = 'REQUESTED' AND NEW.state IN ('RESERVED', 'CANCELLED', 'EXPIRED'))
        OR (OLD.state = 'RESERVED' AND NEW.state IN ('FULFILLED', 'CANCELLED', 'EXPIRED'))
    ) THEN
        RAISE EXCEPTION 'redemption % cannot go from % to %', OLD.number, OLD.state, NEW.state
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER goes_forward BEFORE UPDATE ON members_redemption
    FOR EACH ROW EXECUTE FUNCTION redemption_goes_forward();
"""
)
REVERSE = (
    """
DROP TRIGGER goes_forward ON members_redemption;
DROP FUNCTION redemption_goes_forward();
DROP TRIGGER keeps_its_facts ON members_redemption;
DROP TRIGGER append_only ON members_redemptionevent;
DROP TRIGGER never_emptied ON members_redemptionevent;
"""
    + "".join(
        f"DROP TRIGGER never_deleted ON {table}; DROP TRIGGER never_emptied ON {table};"
        for table in STAY
    )
)


class Migration(migrations.Migration):
    dependencies = [("members", "0018_rewards"), ("station", "0002_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
