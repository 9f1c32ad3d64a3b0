"""Guards: a consent changes by its withdrawal alone; the history of profiles is append-only."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION refuse_withdrawn() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'a consent is withdrawn once; given again it is another row'
        USING ERRCODE = 'check_violation';
END $$;
CREATE TRIGGER stays_withdrawn BEFORE UPDATE ON members_consent
    FOR EACH ROW WHEN (OLD.withdrawn_at IS NOT NULL) EXECUTE FUNCTION refuse_withdrawn();
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON members_consent
    FOR EACH ROW EXECUTE FUNCTION
    refuse_change_but('withdrawn_at', 'withdrawn_channel', 'withdrawn_by_id');
CREATE TRIGGER never_deleted BEFORE DELETE ON members_consent
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_consent
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_profilechange
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_profilechange
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER IF EXISTS never_emptied ON members_profilechange;
DROP TRIGGER append_only ON members_profilechange;
DROP TRIGGER IF EXISTS never_emptied ON members_consent;
DROP TRIGGER never_deleted ON members_consent;
DROP TRIGGER keeps_its_facts ON members_consent;
DROP TRIGGER stays_withdrawn ON members_consent;
DROP FUNCTION refuse_withdrawn();
"""


class Migration(migrations.Migration):
    # That one puts the guard against emptying on every table of its time, and none may have it twice.
    dependencies = [("members", "0008_consent_moves"), ("finance", "0006_never_emptied")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
