"""Guards: a sale never changes, its payments add up, a closed day refuses rows."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_sale
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_saleline
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_cashmovement
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_filluse
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_lateentry
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_sessiontender
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_shiftnozzle
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_shiftadvance
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_shiftsignature
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON sales_shiftcorrection
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON sales_payment
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but('status');
CREATE TRIGGER never_deleted BEFORE DELETE ON sales_payment
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON sales_fillclaim
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but('released_at', 'released_day_id', 'released_by_document');
CREATE TRIGGER never_deleted BEFORE DELETE ON sales_fillclaim
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON sales_offlineupload
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but('sale_id');
CREATE TRIGGER never_deleted BEFORE DELETE ON sales_offlineupload
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON sales_driveoff
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but('status', 'recovered_by_sale_id', 'plate_sealed');
CREATE TRIGGER never_deleted BEFORE DELETE ON sales_driveoff
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_sale
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_saleline
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_payment
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_fillclaim
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_filluse
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_driveoff
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_cashmovement
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_prepay
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_sessiontender
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
CREATE TRIGGER closed_day BEFORE INSERT ON sales_shiftnozzle
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();

-- Σ lines and Σ payments of a sale equal what it says; asked once, when the transaction commits.
CREATE FUNCTION a_sale_is_paid_in_full() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head sales_sale%ROWTYPE;
    lines numeric;
    paid numeric;
BEGIN
    IF TG_TABLE_NAME = 'sales_sale' THEN
        SELECT * INTO head FROM sales_sale WHERE id = NEW.id;
    ELSIF NEW.sale_id IS NULL THEN
        RETURN NULL;
    ELSE
        SELECT * INTO head FROM sales_sale WHERE id = NEW.sale_id;
    END IF;
    IF TG_TABLE_NAME <> 'sales_payment' THEN
        SELECT COALESCE(SUM(net), 0) INTO lines FROM sales_saleline WHERE sale_id = head.id;
        IF lines + head.rounding <> head.due THEN
            RAISE EXCEPTION 'sale %: lines make %, due is %', head.number, lines + head.rounding, head.due
                USING ERRCODE = 'check_violation', CONSTRAINT = 'a_sales_lines_add_up';
        END IF;
    END IF;
    SELECT COALESCE(SUM(amount), 0) INTO paid FROM sales_payment
        WHERE sale_id = head.id AND status NOT IN ('FAILED', 'CLOSED', 'REVERSED');
    IF paid <> head.due THEN
        RAISE EXCEPTION 'sale %: payments make %, due is %', head.number, paid, head.due
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_sale_is_paid_in_full';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER paid_in_full AFTER INSERT ON sales_sale
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION a_sale_is_paid_in_full();
CREATE CONSTRAINT TRIGGER paid_in_full AFTER INSERT ON sales_payment
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION a_sale_is_paid_in_full();
"""
REVERSE = """
DROP TRIGGER paid_in_full ON sales_payment;
DROP TRIGGER paid_in_full ON sales_sale;
DROP FUNCTION a_sale_is_paid_in_full();
DROP TRIGGER closed_day ON sales_shiftnozzle;
DROP TRIGGER closed_day ON sales_sessiontender;
DROP TRIGGER closed_day ON sales_prepay;
DROP TRIGGER closed_day ON sales_cashmovement;
DROP TRIGGER closed_day ON sales_driveoff;
DROP TRIGGER closed_day ON sales_filluse;
DROP TRIGGER closed_day ON sales_fillclaim;
DROP TRIGGER closed_day ON sales_payment;
DROP TRIGGER closed_day ON sales_saleline;
DROP TRIGGER closed_day ON sales_sale;
DROP TRIGGER never_deleted ON sales_driveoff;
DROP TRIGGER keeps_its_facts ON sales_driveoff;
DROP TRIGGER never_deleted ON sales_offlineupload;
DROP TRIGGER keeps_its_facts ON sales_offlineupload;
DROP TRIGGER never_deleted ON sales_fillclaim;
DROP TRIGGER keeps_its_facts ON sales_fillclaim;
DROP TRIGGER never_deleted ON sales_payment;
DROP TRIGGER keeps_its_facts ON sales_payment;
DROP TRIGGER append_only ON sales_shiftcorrection;
DROP TRIGGER append_only ON sales_shiftsignature;
DROP TRIGGER append_only ON sales_shiftadvance;
DROP TRIGGER append_only ON sales_shiftnozzle;
DROP TRIGGER append_only ON sales_sessiontender;
DROP TRIGGER append_only ON sales_lateentry;
DROP TRIGGER append_only ON sales_filluse;
DROP TRIGGER append_only ON sales_cashmovement;
DROP TRIGGER append_only ON sales_saleline;
DROP TRIGGER append_only ON sales_sale;
"""


class Migration(migrations.Migration):
    dependencies = [("sales", "0001_initial"), ("station", "0002_guards")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
