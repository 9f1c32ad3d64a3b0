"""An alarm belongs to the day that was open when it was recorded, as a fill does."""

import django.db.models.deletion
from django.db import migrations, models

DAYS = """
UPDATE devices_alarm alarm SET day_id = day.id FROM station_businessday day
WHERE day.station_id = alarm.station_id AND alarm.raised_at >= day.opened_at
    AND alarm.raised_at < COALESCE(day.cut_at, 'infinity');
"""
GUARD = """
CREATE TRIGGER closed_day BEFORE INSERT ON devices_alarm
    FOR EACH ROW EXECUTE FUNCTION refuse_closed_day();
"""


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0005_scale"),
        ("station", "0006_ordinary_days"),
    ]

    operations = [
        migrations.AddField(
            model_name="alarm",
            name="day",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="station.businessday",
                verbose_name="营业日",
            ),
        ),
        migrations.RunSQL(DAYS, migrations.RunSQL.noop),
        migrations.RunSQL(GUARD, "DROP TRIGGER closed_day ON devices_alarm;"),
    ]
