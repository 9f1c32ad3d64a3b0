"""TRUNCATE asks no row's trigger: where a row may not be deleted, all rows may not either."""

from django.db import migrations

KEPT = """
SELECT DISTINCT tgrelid::regclass AS name FROM pg_trigger
WHERE tgname IN ('append_only', 'never_deleted', 'stays_closed', 'closed_day_stays')
    AND tgrelid IN (SELECT oid FROM pg_class WHERE relnamespace = CURRENT_SCHEMA()::regnamespace)
"""
GUARD = f"""
DO $$ DECLARE kept record; BEGIN
    FOR kept IN {KEPT} LOOP
        EXECUTE FORMAT('CREATE TRIGGER never_emptied BEFORE TRUNCATE ON %s'
            ' FOR EACH STATEMENT EXECUTE FUNCTION refuse_change()', kept.name);
    END LOOP;
END $$;
"""
UNGUARD = f"""
DO $$ DECLARE kept record; BEGIN
    FOR kept IN {KEPT} LOOP
        EXECUTE FORMAT('DROP TRIGGER IF EXISTS never_emptied ON %s', kept.name);
    END LOOP;
END $$;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("finance", "0005_opening_balance"),
        ("sales", "0010_lines_add_up"),
        ("members", "0003_consent_and_home"),
        ("inventory", "0005_sealed_partners"),
        ("devices", "0006_day_of_an_alarm"),
        ("station", "0006_ordinary_days"),
    ]

    operations = [migrations.RunSQL(GUARD, UNGUARD)]
