"""Guards: frozen days stay frozen."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON finance_dayfigures
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON finance_dayproduct
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON finance_daytender
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON finance_daytank
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON finance_dayhour
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON finance_dayclose
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON finance_reportarchive
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER append_only ON finance_reportarchive;
DROP TRIGGER append_only ON finance_dayclose;
DROP TRIGGER append_only ON finance_dayhour;
DROP TRIGGER append_only ON finance_daytank;
DROP TRIGGER append_only ON finance_daytender;
DROP TRIGGER append_only ON finance_dayproduct;
DROP TRIGGER append_only ON finance_dayfigures;
"""


class Migration(migrations.Migration):
    dependencies = [("finance", "0001_initial"), ("station", "0002_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
