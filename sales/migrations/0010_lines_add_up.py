"""A line cannot be added to a sale that is settled: it would no longer make what was paid."""

from django.db import migrations

FORWARD = """
-- Asked of each line when its transaction commits; a sale made whole passes, one that grows does not.
CREATE FUNCTION a_sales_lines_add_up() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    head sales_sale%ROWTYPE;
    lines numeric;
BEGIN
    SELECT * INTO head FROM sales_sale WHERE id = NEW.sale_id;
    SELECT COALESCE(SUM(net), 0) INTO lines FROM sales_saleline WHERE sale_id = NEW.sale_id;
    IF lines + head.rounding <> head.due THEN
        RAISE EXCEPTION 'sale %: lines make %, due is %', head.number, lines + head.rounding, head.due
            USING ERRCODE = 'check_violation', CONSTRAINT = 'a_sales_lines_add_up';
    END IF;
    RETURN NULL;
END $$;
CREATE CONSTRAINT TRIGGER lines_add_up AFTER INSERT ON sales_saleline
    DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION a_sales_lines_add_up();
"""
REVERSE = """
DROP TRIGGER lines_add_up ON sales_saleline;
DROP FUNCTION a_sales_lines_add_up();
"""


class Migration(migrations.Migration):
    dependencies = [("sales", "0009_prepay_changes")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
