"""Guards: what became of an attempt to tell a member something is append-only."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_noticedelivery
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_noticedelivery
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER never_emptied ON members_noticedelivery;
DROP TRIGGER append_only ON members_noticedelivery;
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0026_messages"), ("finance", "0006_never_emptied")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
