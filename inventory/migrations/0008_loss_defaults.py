"""损耗定额 with their sources; what two settings held becomes the station's own rows."""

from datetime import UTC, date, datetime
from decimal import Decimal

from django.db import migrations

FROM = date(2000, 1, 1)
STANDARD = "GB/T 11085-1989《散装液态石油产品损耗》"
READ, UNREAD = "", "；未见原文，请核对后另立一条"
CODE = "加油站管理规范（旧版）全年综合损耗"
# kind, stage, region, season, per cent, source
DEFAULTS = (
    ("GASOLINE", "STORAGE", "", "", "0", f"{STANDARD}：卧式罐储存损耗不计{UNREAD}"),
    ("DIESEL", "STORAGE", "", "", "0", f"{STANDARD}：卧式罐储存损耗不计{UNREAD}"),
    ("GASOLINE", "STANDING", "A", "WINTER", "0.11", f"{STANDARD}：立式金属罐，汽油{READ}"),
    ("GASOLINE", "STANDING", "A", "SUMMER", "0.21", f"{STANDARD}：立式金属罐，汽油{READ}"),
    ("GASOLINE", "STANDING", "B", "WINTER", "0.05", f"{STANDARD}：立式金属罐，汽油{READ}"),
    ("GASOLINE", "STANDING", "B", "SUMMER", "0.12", f"{STANDARD}：立式金属罐，汽油{READ}"),
    ("GASOLINE", "STANDING", "C", "WINTER", "0.03", f"{STANDARD}：立式金属罐，汽油{READ}"),
    ("GASOLINE", "STANDING", "C", "SUMMER", "0.09", f"{STANDARD}：立式金属罐，汽油{READ}"),
    ("GASOLINE", "UNLOADING", "A", "", "0.23", f"{STANDARD}：卸车，其他罐，汽油{UNREAD}"),
    ("GASOLINE", "UNLOADING", "B", "", "0.20", f"{STANDARD}：卸车，其他罐，汽油{UNREAD}"),
    ("GASOLINE", "UNLOADING", "C", "", "0.13", f"{STANDARD}：卸车，其他罐，汽油{UNREAD}"),
    ("DIESEL", "UNLOADING", "", "", "0.05", f"{STANDARD}：卸车，煤、柴油{UNREAD}"),
    ("GASOLINE", "RETAIL", "", "", "0.29", f"{STANDARD}：加油机付油，汽油{UNREAD}"),
    ("DIESEL", "RETAIL", "", "", "0.08", f"{STANDARD}：加油机付油，柴油{UNREAD}"),
    ("GASOLINE", "WHOLE", "", "", "0.4", f"{CODE}：汽油 0.4%{READ}"),
    ("DIESEL", "WHOLE", "", "", "0.28", f"{CODE}：柴油 0.28%{READ}"),
)
HELD = {"inventory.loss_allowance_gasoline": "GASOLINE", "inventory.loss_allowance_diesel": "DIESEL"}


def lay_down(apps, schema_editor):
    allowances = apps.get_model("inventory", "LossAllowance")
    settings = apps.get_model("station", "Setting")
    made_at = datetime(2000, 1, 1, tzinfo=UTC)
    allowances.objects.bulk_create(
        [
            allowances(
                kind=kind, stage=stage, region=region, season=season, percent=Decimal(percent),
                source=source, valid_from=FROM, made_at=made_at, key=f"default-{number}",
            )
            for number, (kind, stage, region, season, percent, source) in enumerate(DEFAULTS, 1)
        ],
        ignore_conflicts=True,
    )
    held = settings.objects.filter(name__in=HELD)
    allowances.objects.bulk_create(
        allowances(
            station_id=row.station_id, kind=HELD[row.name], stage="WHOLE",
            percent=Decimal(row.value) / 10, source="本站原限额与参数", valid_from=FROM,
            made_at=made_at, key=f"setting-{row.pk}",
        )
        for row in held
    )
    held.delete()



class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0007_loss_allowances"),
        ("station", "0009_practice_guards"),
    ]

    # Nothing to take back: the table goes with its own migration.
    operations = [migrations.RunPython(lay_down, migrations.RunPython.noop)]
