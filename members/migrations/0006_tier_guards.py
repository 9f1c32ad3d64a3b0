"""Guards: a version of the tier rule is never changed; what a member held is never struck out."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_tierrule
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_tierthreshold
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON members_membertier
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON members_tiernotice
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON members_tierbenefit
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_tierrule
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_tierthreshold
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_membertier
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_tiernotice
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_tierbenefit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER never_emptied ON members_tierbenefit;
DROP TRIGGER never_emptied ON members_tiernotice;
DROP TRIGGER never_emptied ON members_membertier;
DROP TRIGGER never_emptied ON members_tierthreshold;
DROP TRIGGER never_emptied ON members_tierrule;
DROP TRIGGER never_deleted ON members_tierbenefit;
DROP TRIGGER never_deleted ON members_tiernotice;
DROP TRIGGER never_deleted ON members_membertier;
DROP TRIGGER append_only ON members_tierthreshold;
DROP TRIGGER append_only ON members_tierrule;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0005_tier_engine"),
        ("station", "0002_guards"),
        # Names every guarded table there was: this one brings its own guards after it.
        ("finance", "0006_never_emptied"),
    ]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
