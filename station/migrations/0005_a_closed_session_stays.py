"""Guard: a till session that was accepted is frozen, its float with it, as its shift and day are."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER stays_closed BEFORE UPDATE OR DELETE ON station_tillsession
    FOR EACH ROW EXECUTE FUNCTION refuse_reopening();
"""
REVERSE = "DROP TRIGGER stays_closed ON station_tillsession;"


class Migration(migrations.Migration):
    dependencies = [("station", "0004_till_public_key")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
