"""A ticket was used, a result was signed, an attempt is over: none of it is changed afterwards."""

from django.db import migrations

KEPT = ("station_practiceentry", "station_practiceresult")
FORWARD = "".join(
    f"""
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
    for table in KEPT
)
ENDED = """
CREATE TRIGGER stays_ended BEFORE UPDATE ON station_practiceattempt
    FOR EACH ROW WHEN (OLD.ended_at IS NOT NULL)
    EXECUTE FUNCTION refuse_change_but('reported_at');
"""
REVERSE = "DROP TRIGGER stays_ended ON station_practiceattempt;" + "".join(
    f"DROP TRIGGER never_emptied ON {table}; DROP TRIGGER append_only ON {table};" for table in KEPT
)


class Migration(migrations.Migration):
    dependencies = [("station", "0008_practice"), ("finance", "0006_never_emptied")]

    operations = [migrations.RunSQL(FORWARD + ENDED, REVERSE)]
