"""Guards: an order of a kiosk ends once, and stays."""

from django.db import migrations

FORWARD = """
CREATE FUNCTION a_kiosk_order_ends_once() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    IF TG_OP = 'DELETE' THEN
        RAISE EXCEPTION 'a kiosk order stays' USING ERRCODE = 'restrict_violation';
    END IF;
    IF OLD.state <> 'OPEN' THEN
        RAISE EXCEPTION 'kiosk order % is over', OLD.number USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.number, NEW.member_id, NEW.plan_id, NEW.amount, NEW.bonus, NEW.client_key, NEW.station_id)
        IS DISTINCT FROM
        (OLD.number, OLD.member_id, OLD.plan_id, OLD.amount, OLD.bonus, OLD.client_key, OLD.station_id)
    THEN
        RAISE EXCEPTION 'kiosk order % asks for what it asks for', OLD.number
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
END $$;
CREATE TRIGGER never_deleted BEFORE UPDATE OR DELETE ON sales_kioskorder
    FOR EACH ROW EXECUTE FUNCTION a_kiosk_order_ends_once();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON sales_kioskorder
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
REVERSE = """
DROP TRIGGER never_emptied ON sales_kioskorder;
DROP TRIGGER never_deleted ON sales_kioskorder;
DROP FUNCTION a_kiosk_order_ends_once();
"""


class Migration(migrations.Migration):
    dependencies = [("sales", "0017_kiosk_orders"), ("finance", "0006_never_emptied")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
