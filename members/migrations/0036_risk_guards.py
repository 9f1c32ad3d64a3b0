"""Guards: limits and decisions are append-only; of a case only the state moves, and forward."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_riskrule
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_riskrule
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_riskstep
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_riskstep
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE FUNCTION refuse_decided() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a case is decided once, and is never new again'
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER stays_decided BEFORE UPDATE ON members_riskcase
    FOR EACH ROW WHEN (OLD.state IN ('CLEARED', 'CONFIRMED') OR NEW.state = 'NEW')
    EXECUTE FUNCTION refuse_decided();
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON members_riskcase
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but('state');
CREATE TRIGGER never_deleted BEFORE DELETE ON members_riskcase
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_riskcase
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER never_emptied ON members_riskcase;
DROP TRIGGER never_deleted ON members_riskcase;
DROP TRIGGER keeps_its_facts ON members_riskcase;
DROP TRIGGER stays_decided ON members_riskcase;
DROP FUNCTION refuse_decided();
DROP TRIGGER never_emptied ON members_riskstep;
DROP TRIGGER append_only ON members_riskstep;
DROP TRIGGER never_emptied ON members_riskrule;
DROP TRIGGER append_only ON members_riskrule;
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0035_risk_rules"), ("finance", "0006_never_emptied")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
