"""Guards: an allowance stays as it was laid down; a change is another row."""

from django.db import migrations

GUARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory_lossallowance
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON inventory_lossallowance
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
UNGUARD = """
DROP TRIGGER never_emptied ON inventory_lossallowance;
DROP TRIGGER append_only ON inventory_lossallowance;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0008_loss_defaults"),
        ("station", "0002_guards"),
        # Names every guarded table there was: this one brings its own guards after it.
        ("finance", "0006_never_emptied"),
    ]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
