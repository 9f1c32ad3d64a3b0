"""Guards: explanations and deposits are ledgers; money does not reach a session that was counted."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_shiftexplanation
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_deposit
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_depositline
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_deposit
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER never_deleted BEFORE DELETE ON sales_sessioncount
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_accepted BEFORE UPDATE ON sales_sessioncount
    FOR EACH ROW WHEN (OLD.accepted_at IS NOT NULL)
    EXECUTE FUNCTION refuse_change_but('deposit_slip');

-- The share lock conflicts with the update that counting makes, so no payment slips in beside it.
CREATE FUNCTION refuse_counted_session() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    PERFORM 1 FROM station_tillsession
        WHERE id = NEW.session_id AND status IN ('OPEN', 'ENDED') FOR SHARE;
    IF NOT FOUND THEN
        RAISE EXCEPTION 'session % is counted: this money belongs to an open session', NEW.session_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_counted_session_takes_no_money';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER counted_session BEFORE INSERT ON sales_payment
    FOR EACH ROW EXECUTE FUNCTION refuse_counted_session();
CREATE TRIGGER counted_session BEFORE INSERT ON sales_cashmovement
    FOR EACH ROW EXECUTE FUNCTION refuse_counted_session();
"""
REVERSE = """
DROP TRIGGER counted_session ON sales_cashmovement;
DROP TRIGGER counted_session ON sales_payment;
DROP FUNCTION refuse_counted_session();
DROP TRIGGER stays_accepted ON sales_sessioncount;
DROP TRIGGER never_deleted ON sales_sessioncount;
DROP TRIGGER closed_day ON sales_deposit;
DROP TRIGGER append_only ON sales_depositline;
DROP TRIGGER append_only ON sales_deposit;
DROP TRIGGER append_only ON sales_shiftexplanation;
"""


class Migration(migrations.Migration):
    dependencies = [("sales", "0004_shift_close"), ("station", "0002_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
