"""Guards: of a merge only its undoing may be written down afterwards."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON members_merge
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but('undone_at', 'undone_by_id', 'undo_reason');
CREATE TRIGGER never_deleted BEFORE DELETE ON members_merge
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_merge
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER IF EXISTS never_emptied ON members_merge;
DROP TRIGGER never_deleted ON members_merge;
DROP TRIGGER keeps_its_facts ON members_merge;
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0010_merging")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
