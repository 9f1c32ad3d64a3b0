"""Guards: a lock keeps what was granted, and what is left of it is what its moves make."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON marketing_pricelock
    FOR EACH ROW EXECUTE FUNCTION
    refuse_change_but(
        'status', 'left', 'valid_until', 'member_id', 'approved_by_id', 'approved_at'
    );
CREATE FUNCTION a_lock_is_what_its_moves_make() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    wanted bigint := COALESCE((to_jsonb(NEW) ->> 'lock_id')::bigint, NEW.id);
    kept numeric;
    made numeric;
BEGIN
    SELECT "left" INTO kept FROM marketing_pricelock WHERE id = wanted;
    SELECT COALESCE(SUM(litres), 0) INTO made FROM marketing_pricelockmove WHERE lock_id = wanted;
    IF kept <> made THEN
        RAISE EXCEPTION 'lock % has % litres left, its moves make %', wanted, kept, made
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_lock_is_what_its_moves_make';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT OR UPDATE OF "left" ON marketing_pricelock
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION a_lock_is_what_its_moves_make();
CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT ON marketing_pricelockmove
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION a_lock_is_what_its_moves_make();
"""
REVERSE = """
DROP TRIGGER adds_up ON marketing_pricelockmove;
DROP TRIGGER adds_up ON marketing_pricelock;
DROP FUNCTION a_lock_is_what_its_moves_make();
DROP TRIGGER keeps_its_facts ON marketing_pricelock;
"""


class Migration(migrations.Migration):
    dependencies = [("marketing", "0009_lock_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
