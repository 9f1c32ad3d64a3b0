"""Guards: for whom a pump was let loose stays as it was."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_fleetleave
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON sales_fleetleave
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER never_emptied ON sales_fleetleave;
DROP TRIGGER append_only ON sales_fleetleave;
"""


class Migration(migrations.Migration):
    dependencies = [("sales", "0020_fleet_leaves"), ("station", "0002_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
