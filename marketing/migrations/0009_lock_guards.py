"""Guards: litres of a locked price that came and went stay; no lock is deleted."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON marketing_pricelockmove
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON marketing_pricelockmove
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON marketing_pricelock
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON marketing_pricelock
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER never_emptied ON marketing_pricelock;
DROP TRIGGER never_deleted ON marketing_pricelock;
DROP TRIGGER never_emptied ON marketing_pricelockmove;
DROP TRIGGER append_only ON marketing_pricelockmove;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("marketing", "0008_coupon_tenders"),
        ("station", "0002_guards"),
        # Names every guarded table there was: this one brings its own guards after it.
        ("finance", "0006_never_emptied"),
    ]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
