"""Guards: discounts given and what happened to a coupon stay; a closed day takes no discount."""

from django.db import migrations

KEPT = ("marketing_offeruse", "marketing_couponevent")
FORWARD = "".join(
    f"""
CREATE TRIGGER append_only BEFORE UPDATE OR DELETE ON {name}
    FOR EACH ROW EXECUTE FUNCTION refuse_change();
CREATE TRIGGER never_emptied BEFORE TRUNCATE ON {name}
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_change();
"""
    for name in KEPT
) + """
CREATE TRIGGER closed_day BEFORE INSERT ON marketing_offeruse
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
"""
REVERSE = "".join(
    f"""
DROP TRIGGER append_only ON {name};
DROP TRIGGER never_emptied ON {name};
"""
    for name in KEPT
) + """
DROP TRIGGER closed_day ON marketing_offeruse;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("marketing", "0001_initial"),
        ("station", "0002_guards"),
        # Names every guarded table there was: this one brings its own guards after it.
        ("finance", "0006_never_emptied"),
    ]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
