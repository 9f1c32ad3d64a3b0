"""A dip of a closed day would stand beside the books that were frozen without it."""

from django.db import migrations

FORWARD = """
CREATE TRIGGER closed_day BEFORE INSERT ON inventory_dip
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
"""
REVERSE = "DROP TRIGGER closed_day ON inventory_dip;"


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0003_recorded_by_the_database"),
        ("station", "0002_guards"),
    ]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
