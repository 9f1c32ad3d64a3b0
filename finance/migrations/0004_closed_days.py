"""Guards: nothing at all is added to a closed day, and no payment of it changes any more."""

from django.db import migrations

# Rows that carry a day and are written by floors below, and what the close itself writes.
GUARDED = (
    "finance_dayfigures",
    "finance_dayproduct",
    "finance_daytender",
    "finance_daytank",
    "finance_dayhour",
    "finance_daydiscount",
    "finance_dayclose",
    "inventory_tankbook",
    "members_purchase",
    "sales_discrepancy",
)
FORWARD = "".join(
    f"CREATE TRIGGER closed_day BEFORE INSERT ON {table}"
    " FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();\n"
    for table in GUARDED
)
REVERSE = "".join(f"DROP TRIGGER closed_day ON {table};\n" for table in reversed(GUARDED))

FORWARD += """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON finance_daydiscount
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closed_day BEFORE INSERT OR UPDATE ON finance_daydifference
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER never_deleted BEFORE DELETE ON finance_daydifference
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closed_day_stays BEFORE UPDATE ON sales_payment
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();

-- A claim of a closed day may be released, but on a day that is still open.
CREATE FUNCTION refuse_release_on_closed_day() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF NEW.released_day_id IS DISTINCT FROM OLD.released_day_id
            AND NEW.released_day_id IS NOT NULL THEN
        PERFORM 1 FROM station_businessday
            WHERE id = NEW.released_day_id AND status <> 'CLOSED' FOR KEY SHARE;
        IF NOT FOUND THEN
            RAISE EXCEPTION 'business day % is closed', NEW.released_day_id
                USING ERRCODE = 'check_violation', CONSTRAINT = 'a_closed_day_refuses_rows';
        END IF;
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER released_on_open_day BEFORE UPDATE ON sales_fillclaim
    FOR EACH ROW EXECUTE FUNCTION refuse_release_on_closed_day();
"""
REVERSE = (
    """
DROP TRIGGER released_on_open_day ON sales_fillclaim;
DROP FUNCTION refuse_release_on_closed_day();
DROP TRIGGER closed_day_stays ON sales_payment;
DROP TRIGGER never_deleted ON finance_daydifference;
DROP TRIGGER closed_day ON finance_daydifference;
DROP TRIGGER append_only ON finance_daydiscount;
"""
    + REVERSE
)


class Migration(migrations.Migration):
    dependencies = [
        ("finance", "0003_wider_days"),
        ("inventory", "0003_recorded_by_the_database"),
        ("members", "0002_guards"),
        ("sales", "0003_recorded_by_the_database"),
        ("station", "0002_guards"),
    ]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
