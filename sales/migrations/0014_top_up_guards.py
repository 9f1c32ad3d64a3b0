"""Guards: a top-up never changes, and a closed day takes none."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_topup
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON sales_topup
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_topup
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
"""
REVERSE = """
DROP TRIGGER closed_day ON sales_topup;
DROP TRIGGER never_emptied ON sales_topup;
DROP TRIGGER append_only ON sales_topup;
"""


class Migration(migrations.Migration):
    dependencies = [("sales", "0013_top_ups"), ("members", "0017_value_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
