"""Guards: gifts keep their facts, calls and marks are append-only; who is known has his marks."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON members_gift
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but('state', 'coupon', 'words', 'given_at');
CREATE TRIGGER never_deleted BEFORE DELETE ON members_gift
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_gift
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_giftcall
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_giftcall
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_personmark
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_personmark
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON members_signup
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_signup
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER never_emptied ON members_signup;
DROP TRIGGER never_deleted ON members_signup;
DROP TRIGGER never_emptied ON members_personmark;
DROP TRIGGER append_only ON members_personmark;
DROP TRIGGER never_emptied ON members_giftcall;
DROP TRIGGER append_only ON members_giftcall;
DROP TRIGGER never_emptied ON members_gift;
DROP TRIGGER never_deleted ON members_gift;
DROP TRIGGER keeps_its_facts ON members_gift;
"""
# Who joined before there were welcome gifts is no new customer when he comes again.
MARKS = """
INSERT INTO members_personmark (kind, "index", at)
SELECT 'PHONE', phone_index, MIN(joined_at) FROM members_member WHERE phone_index <> '' GROUP BY 2
UNION ALL
SELECT 'PLATE', v.plate_index, MIN(m.joined_at) FROM members_vehicle v
 JOIN members_member m ON m.id = v.member_id WHERE v.plate_index <> '' GROUP BY 2
ON CONFLICT DO NOTHING
"""


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0037_gifts_events_targets"),
        ("finance", "0006_never_emptied"),
    ]

    operations = [
        migrations.RunSQL(MARKS, migrations.RunSQL.noop),
        migrations.RunSQL(FORWARD, REVERSE),
    ]
