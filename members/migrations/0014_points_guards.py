"""Guards: the points ledger and the versions of rules are append-only; lots and accounts stay."""

from django.db import migrations

APPEND_ONLY = ("members_pointstxn", "members_pointsalloc", "members_earnrule")
STAY = ("members_pointslot", "members_pointsaccount")
FORWARD = "".join(
    f"""
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
    for table in APPEND_ONLY
) + "".join(
    f"""
CREATE TRIGGER never_deleted BEFORE DELETE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {table}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
    for table in STAY
) + """
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON members_pointslot
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but('remaining', 'expired', 'pending');
"""
REVERSE = "DROP TRIGGER keeps_its_facts ON members_pointslot;" + "".join(
    f"DROP TRIGGER never_emptied ON {table};" for table in (*APPEND_ONLY, *STAY)
) + "".join(f"DROP TRIGGER append_only ON {table};" for table in APPEND_ONLY) + "".join(
    f"DROP TRIGGER never_deleted ON {table};" for table in STAY
)


class Migration(migrations.Migration):
    dependencies = [("members", "0013_points"), ("station", "0002_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
