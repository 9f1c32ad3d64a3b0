"""Trucks, drivers and suppliers' contacts become ciphertext under keys of their own."""

from typing import Any

import django.db.models.deletion
from django.db import migrations, models
from django.utils.timezone import now

from station.models import DataKey
from station.services import sealing

# Where each kind of row keeps what: plain column, sealed column.
COLUMNS = {
    "Supplier": {"contact": "contact_sealed", "phone": "phone_sealed"},
    "Delivery": {"truck_plate": "truck_plate_sealed", "driver": "driver_sealed"},
}


def seal(apps: Any, schema_editor: Any) -> None:
    for model, columns in COLUMNS.items():
        for row in apps.get_model("inventory", model).objects.order_by("pk").iterator():
            key = sealing.new_key(at=now())
            for plain, sealed in columns.items():
                setattr(row, sealed, sealing.seal(key, getattr(row, plain)))
            if model == "Delivery":
                row.truck_plate_index = sealing.blind_index("plate", row.truck_plate)
            row.key_id = key.pk
            row.save()


def unseal(apps: Any, schema_editor: Any) -> None:
    for model, columns in COLUMNS.items():
        for row in apps.get_model("inventory", model).objects.order_by("pk").iterator():
            key = DataKey.objects.get(pk=row.key_id)
            for plain, sealed in columns.items():
                setattr(row, plain, sealing.unseal(key, getattr(row, sealed)))
            row.key_id = None
            row.save()
            key.delete()


# A table with checks still waiting for the commit cannot be altered.
CHECK_NOW = "SET CONSTRAINTS ALL IMMEDIATE"


def key(null: bool) -> Any:
    return models.ForeignKey(
        null=null,
        on_delete=django.db.models.deletion.PROTECT,
        related_name="+",
        to="station.datakey",
    )


def sealed(label: str) -> Any:
    return models.CharField(blank=True, max_length=300, verbose_name=label)


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0004_dips_of_closed_days"),
        ("station", "0006_ordinary_days"),
    ]

    operations = [
        migrations.AddField("supplier", "key", key(null=True)),
        migrations.AddField("supplier", "contact_sealed", sealed("联系人(密文)")),
        migrations.AddField("supplier", "phone_sealed", sealed("电话(密文)")),
        migrations.AddField("delivery", "key", key(null=True)),
        migrations.AddField("delivery", "truck_plate_sealed", sealed("承运车号(密文)")),
        migrations.AddField(
            "delivery",
            "truck_plate_index",
            models.CharField(
                blank=True, db_index=True, max_length=64, verbose_name="承运车号索引"
            ),
        ),
        migrations.AddField("delivery", "driver_sealed", sealed("驾驶员(密文)")),
        # The way back adds the column empty before it is filled.
        migrations.AlterField(
            "delivery",
            "truck_plate",
            models.CharField(blank=True, max_length=20, verbose_name="承运车号"),
        ),
        migrations.RunSQL(CHECK_NOW, CHECK_NOW),
        migrations.RunPython(seal, unseal),
        migrations.RunSQL(CHECK_NOW, CHECK_NOW),
        migrations.RemoveField("supplier", "contact"),
        migrations.RemoveField("supplier", "phone"),
        migrations.RemoveField("delivery", "truck_plate"),
        migrations.RemoveField("delivery", "driver"),
        migrations.AlterField("supplier", "key", key(null=False)),
        migrations.AlterField("delivery", "key", key(null=False)),
    ]
