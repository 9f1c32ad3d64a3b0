"""What a gauge said is never changed; its readings may be thinned, its deliveries stay."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER never_changed BEFORE UPDATE ON devices_gaugereading
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON devices_gaugedelivery
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON devices_gaugedelivery
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER never_emptied ON devices_gaugedelivery;
DROP TRIGGER append_only ON devices_gaugedelivery;
DROP TRIGGER never_changed ON devices_gaugereading;
"""


class Migration(migrations.Migration):
    dependencies = [("devices", "0014_gauges"), ("finance", "0006_never_emptied")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
