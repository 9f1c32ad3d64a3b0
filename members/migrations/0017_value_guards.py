"""Guards: the ledger of stored value is append-only, each row follows from the one before, and an
account holds what its rows make."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_valuetxn
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON members_valuecodeuse
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_deleted BEFORE DELETE ON members_valueaccount
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_valuetxn
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_valuecodeuse
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON members_valueaccount
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closed_day BEFORE INSERT ON members_valuetxn
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();

CREATE FUNCTION a_value_row_follows() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last members_valuetxn%ROWTYPE;
BEGIN
    SELECT * INTO last FROM members_valuetxn
        WHERE account_id = NEW.account_id ORDER BY id DESC LIMIT 1;
    IF NEW.principal_after <> COALESCE(last.principal_after, 0) + NEW.principal
        OR NEW.bonus_after <> COALESCE(last.bonus_after, 0) + NEW.bonus THEN
        RAISE EXCEPTION 'value account %: a row does not follow from the one before', NEW.account_id
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_value_row_follows';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER follows BEFORE INSERT ON members_valuetxn
    FOR EACH ROW EXECUTE FUNCTION a_value_row_follows();

-- Asked when the transaction commits, of the account and of its rows alike.
CREATE FUNCTION value_is_what_its_rows_make() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    held members_valueaccount%ROWTYPE;
    last members_valuetxn%ROWTYPE;
    whose bigint;
BEGIN
    IF TG_TABLE_NAME = 'members_valueaccount' THEN
        whose := NEW.id;
    ELSE
        whose := NEW.account_id;
    END IF;
    SELECT * INTO held FROM members_valueaccount WHERE id = whose;
    SELECT * INTO last FROM members_valuetxn WHERE account_id = whose ORDER BY id DESC LIMIT 1;
    IF held.principal <> COALESCE(last.principal_after, 0)
        OR held.bonus <> COALESCE(last.bonus_after, 0) THEN
        RAISE EXCEPTION 'value account %: holds %/%, its rows make %/%', held.number,
            held.principal, held.bonus, last.principal_after, last.bonus_after
            USING ERRCODE = 'check_violation', CONSTRAINT = 'value_is_what_its_rows_make';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT OR UPDATE OF principal, bonus ON members_valueaccount
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION value_is_what_its_rows_make();
CREATE CONSTRAINT TRIGGER adds_up AFTER INSERT ON members_valuetxn
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION value_is_what_its_rows_make();
"""
REVERSE = """
DROP TRIGGER adds_up ON members_valuetxn;
DROP TRIGGER adds_up ON members_valueaccount;
DROP FUNCTION value_is_what_its_rows_make();
DROP TRIGGER follows ON members_valuetxn;
DROP FUNCTION a_value_row_follows();
DROP TRIGGER closed_day ON members_valuetxn;
DROP TRIGGER never_emptied ON members_valueaccount;
DROP TRIGGER never_emptied ON members_valuecodeuse;
DROP TRIGGER never_emptied ON members_valuetxn;
DROP TRIGGER never_deleted ON members_valueaccount;
DROP TRIGGER append_only ON members_valuecodeuse;
DROP TRIGGER append_only ON members_valuetxn;
"""


class Migration(migrations.Migration):
    # After finance 0006: it gives every guarded table of its time the guard against TRUNCATE.
    dependencies = [
        ("members", "0016_value"),
        ("station", "0002_guards"),
        ("finance", "0006_never_emptied"),
    ]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
