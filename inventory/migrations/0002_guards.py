"""Guards: tank and stock ledgers are append-only."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory_tankmovement
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory_stockmove
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory_fuelcost
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory_dip
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON inventory_tankbook
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closed_day BEFORE INSERT ON inventory_tankmovement
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER closed_day BEFORE INSERT ON inventory_stockmove
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
"""
REVERSE = """
DROP TRIGGER closed_day ON inventory_stockmove;
DROP TRIGGER closed_day ON inventory_tankmovement;
DROP TRIGGER append_only ON inventory_tankbook;
DROP TRIGGER append_only ON inventory_dip;
DROP TRIGGER append_only ON inventory_fuelcost;
DROP TRIGGER append_only ON inventory_stockmove;
DROP TRIGGER append_only ON inventory_tankmovement;
"""


class Migration(migrations.Migration):
    dependencies = [("inventory", "0001_initial"), ("station", "0002_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
