"""A converter's echo was one of the options that no page showed; it is a column now."""

from django.db import migrations

FORWARD = """
UPDATE devices_line SET echo = TRUE WHERE options @> '{"echo": true}';
UPDATE devices_line SET options = options - 'echo' WHERE options ? 'echo';
"""
REVERSE = """
UPDATE devices_line SET options = options || '{"echo": true}' WHERE echo;
"""


class Migration(migrations.Migration):
    dependencies = [("devices", "0011_protocols_in_a_table")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
