"""Guards: purchases are append-only."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_purchase
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER append_only ON members_purchase;
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0001_initial"), ("station", "0002_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
