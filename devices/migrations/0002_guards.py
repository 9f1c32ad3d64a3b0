"""Guards: what a machine said never changes."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON devices_fill
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON devices_totalizerreading
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON devices_meterchange
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closed_day BEFORE INSERT ON devices_fill
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
"""
REVERSE = """
DROP TRIGGER closed_day ON devices_fill;
DROP TRIGGER append_only ON devices_meterchange;
DROP TRIGGER append_only ON devices_totalizerreading;
DROP TRIGGER append_only ON devices_fill;
"""


class Migration(migrations.Migration):
    dependencies = [("devices", "0001_initial"), ("station", "0002_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
