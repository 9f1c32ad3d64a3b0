"""Guards: bills and statements stay as they are; a closed month takes no exchange and no reversal."""

from django.db import migrations

KEPT = ("members_partnerbill", "members_partnerstatement", "members_partnerstatementline")
FORWARD = (
    "".join(
        f"""
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
        for table in KEPT
    )
    + """
-- Closing holds the partner FOR UPDATE: an exchange under way waits here, and sees the statement.
CREATE FUNCTION refuse_closed_partner_month() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    day date := NEW.day;
BEGIN
    IF TG_OP = 'UPDATE' THEN
        IF NEW.reversed_day IS NOT DISTINCT FROM OLD.reversed_day THEN
            RETURN NEW;
        END IF;
        day := NEW.reversed_day;
    END IF;
    PERFORM 1 FROM members_exchangepartner WHERE id = NEW.partner_id FOR KEY SHARE;
    IF EXISTS (
        SELECT 1 FROM members_partnerstatement s
        WHERE s.partner_id = NEW.partner_id AND s.month = date_trunc('month', day)::date
    ) THEN
        RAISE EXCEPTION 'the month of % is closed with partner %', day, NEW.partner_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_closed_month_takes_no_exchange';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER closed_month BEFORE INSERT OR UPDATE ON members_exchangeorder
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_partner_month();
"""
)
REVERSE = (
    """
DROP TRIGGER closed_month ON members_exchangeorder;
DROP FUNCTION refuse_closed_partner_month();
"""
    + "".join(
        f"DROP TRIGGER append_only ON {table}; DROP TRIGGER never_emptied ON {table};"
        for table in KEPT
    )
)


class Migration(migrations.Migration):
    dependencies = [("members", "0048_partner_months"), ("finance", "0006_never_emptied")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
