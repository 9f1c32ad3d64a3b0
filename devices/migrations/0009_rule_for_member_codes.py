"""Stations with read rules learn the code that a member's phone shows."""

from django.db import migrations

PATTERN = "HY[A-Z2-7]{28}"
FORWARD = f"""
INSERT INTO devices_readrule (station_id, position, medium, pattern, meaning, note, active)
SELECT station_id, MAX(position) + 1, 'CODE', '{PATTERN}', 'MEMBER_CODE', '会员手机上的码', TRUE
FROM devices_readrule GROUP BY station_id;
"""
REVERSE = f"DELETE FROM devices_readrule WHERE pattern = '{PATTERN}' AND meaning = 'MEMBER_CODE';"


class Migration(migrations.Migration):
    dependencies = [("devices", "0008_member_codes")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
