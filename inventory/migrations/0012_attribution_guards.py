"""Guards: the figures of an attribution stay, and all of it once it was approved."""

from django.db import migrations

MAY_CHANGE = (
    "'status', 'cause', 'evidence', 'proposed_by_id', 'proposed_at', 'decided_by_id', 'decided_at', "
    "'word'"
)
GUARD = f"""
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON inventory_varianceattribution
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but({MAY_CHANGE});
CREATE TRIGGER stays_approved BEFORE UPDATE ON inventory_varianceattribution
    FOR EACH ROW WHEN (OLD.status = 'APPROVED') EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON inventory_varianceattribution
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON inventory_varianceattribution
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
UNGUARD = """
DROP TRIGGER never_emptied ON inventory_varianceattribution;
DROP TRIGGER never_deleted ON inventory_varianceattribution;
DROP TRIGGER stays_approved ON inventory_varianceattribution;
DROP TRIGGER keeps_its_facts ON inventory_varianceattribution;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0011_variance_attributions"),
        ("station", "0002_guards"),
        # Names every guarded table there was: this one brings its own guards after it.
        ("finance", "0006_never_emptied"),
    ]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
