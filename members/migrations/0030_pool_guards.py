"""Guards: pools and their places stay and keep their facts; who left waits before another pool."""

from django.db import migrations

STAY = ("members_pool", "members_poolmember")
FORWARD = (
    "".join(
        f"""
CREATE TRIGGER never_deleted BEFORE DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
        for table in STAY
    )
    + """
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON members_pool
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but('head_id', 'closed_at', 'closed_by_id', 'reason');
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON members_poolmember
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but(
        'vehicle_id', 'state', 'share_pct', 'can_spend', 'cap_month', 'joined_at', 'left_at', 'why',
        'free_from', 'merge_id');
CREATE FUNCTION waits_before_another_pool() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'UPDATE' AND (OLD.state IN ('LEFT', 'DECLINED') OR OLD.state = 'ACTIVE' AND NEW.state NOT IN ('ACTIVE', 'LEFT')) THEN
        RAISE EXCEPTION 'place % in a pool has ended', OLD.id USING ERRCODE = 'check_violation';
    END IF;
    IF NEW.state = 'ACTIVE' AND (TG_OP = 'INSERT' OR OLD.state <> 'ACTIVE') AND EXISTS (
        SELECT 1 FROM members_poolmember p
        WHERE p.member_id = NEW.member_id AND p.pool_id <> NEW.pool_id AND p.free_from > NEW.joined_at
    ) THEN
        RAISE EXCEPTION 'member % left a pool and waits', NEW.member_id USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER waits_before_another BEFORE INSERT OR UPDATE ON members_poolmember
    FOR EACH ROW EXECUTE FUNCTION waits_before_another_pool();
"""
)
REVERSE = (
    """
DROP TRIGGER waits_before_another ON members_poolmember;
DROP FUNCTION waits_before_another_pool();
"""
    + "".join(
        f"DROP TRIGGER keeps_its_facts ON {table}; DROP TRIGGER never_deleted ON {table};"
        f" DROP TRIGGER never_emptied ON {table};"
        for table in STAY
    )
)


class Migration(migrations.Migration):
    dependencies = [("members", "0029_pools"), ("finance", "0006_never_emptied")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
