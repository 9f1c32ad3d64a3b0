import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models

BACKFILL = """
UPDATE devices_swipe s SET till_id = r.till_id FROM devices_reader r
WHERE r.id = s.reader_id AND r.till_id IS NOT NULL;
"""


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0023_equipment_guards"),
        ("station", "0001_initial"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AlterField(
            model_name="swipe",
            name="reader",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="swipes",
                to="devices.reader",
            ),
        ),
        migrations.AddField(
            model_name="swipe",
            name="typed_by",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="swipe",
            name="till",
            field=models.ForeignKey(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="station.till",
            ),
        ),
        migrations.AddField(
            model_name="swipe",
            name="echoed_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="另一路也送到的时间"),
        ),
        migrations.RunSQL(BACKFILL, migrations.RunSQL.noop),
        migrations.AddConstraint(
            model_name="swipe",
            constraint=models.CheckConstraint(
                condition=models.Q(("reader__isnull", False), ("typed_by", None))
                | models.Q(("reader", None), ("typed_by__isnull", False)),
                name="a_read_is_heard_or_typed",
            ),
        ),
        migrations.AddIndex(
            model_name="swipe",
            index=models.Index(fields=["station", "text", "-id"], name="swipes_of_a_text"),
        ),
    ]
