"""Guards: ledgers are append-only; a closed day refuses rows."""

from django.db import migrations

FUNCTIONS = """
CREATE FUNCTION refuse_change() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION '% is append-only: a mistake is another row', TG_TABLE_NAME
        USING ERRCODE = 'check_violation';
END $$;

-- Columns named in the trigger's arguments may change; everything else of the row may not.
CREATE FUNCTION refuse_change_but() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    before jsonb := to_jsonb(OLD);
    after jsonb := to_jsonb(NEW);
BEGIN
    FOR i IN 0 .. TG_NARGS - 1 LOOP
        before := before - TG_ARGV[i];
        after := after - TG_ARGV[i];
    END LOOP;
    IF before IS DISTINCT FROM after THEN
        RAISE EXCEPTION '% keeps its facts: only its state may change', TG_TABLE_NAME
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;

-- The share lock conflicts with the FOR UPDATE that closing takes first, so there is no race.
CREATE FUNCTION refuse_closed_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.day_id IS NOT NULL THEN
        PERFORM 1 FROM station_businessday
            WHERE id = NEW.day_id AND status <> 'CLOSED' FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'business day % is closed', NEW.day_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'a_closed_day_refuses_rows';
        END IF;
    END IF;
    RETURN NEW;
END $$;

CREATE FUNCTION refuse_reopening() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF OLD.status = 'CLOSED' THEN
        RAISE EXCEPTION '% % is closed and frozen', TG_TABLE_NAME, OLD.id
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
"""
DROP_FUNCTIONS = """
DROP FUNCTION refuse_reopening();
DROP FUNCTION refuse_closed_day();
DROP FUNCTION refuse_change_but();
DROP FUNCTION refuse_change();
"""
TRIGGERS = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON station_auditentry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER stays_closed BEFORE UPDATE OR DELETE ON station_businessday
    FOR EACH ROW EXECUTE FUNCTION refuse_reopening();
CREATE TRIGGER stays_closed BEFORE UPDATE OR DELETE ON station_shift
    FOR EACH ROW EXECUTE FUNCTION refuse_reopening();
CREATE TRIGGER closed_day BEFORE INSERT ON station_shift
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
"""
DROP_TRIGGERS = """
DROP TRIGGER closed_day ON station_shift;
DROP TRIGGER stays_closed ON station_shift;
DROP TRIGGER stays_closed ON station_businessday;
DROP TRIGGER append_only ON station_auditentry;
"""


class Migration(migrations.Migration):
    dependencies = [("station", "0001_initial")]

    operations = [
        migrations.RunSQL(FUNCTIONS, DROP_FUNCTIONS),
        migrations.RunSQL(TRIGGERS, DROP_TRIGGERS),
    ]
