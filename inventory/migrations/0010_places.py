"""Goods lie at places: every station has 货架, from which its tills sell, and 后仓."""

import django.db.models.deletion
from django.db import migrations, models

import station.fields

KINDS = [
    ("OPENING", "上线初值"), ("RECEIPT", "进货"), ("SENT_BACK", "退供应商"), ("MOVED_OUT", "移出"),
    ("MOVED_IN", "移入"), ("SHIPPED", "站间调出"), ("ARRIVED", "站间调入"), ("SALE", "销售"),
    ("RETURN", "销售退回"), ("ADJUST", "盘点调整"), ("WRITE_OFF", "报损"), ("GIFT", "积分兑换"),
    ("GIFT_BACK", "兑换退回"),
]  # fmt: skip


def place(**how):
    return models.ForeignKey(
        "inventory.stockplace",
        django.db.models.deletion.PROTECT,
        verbose_name="存货地点",
        **how,
    )


# A place belongs to the station of the row that names it; a station is never without a shelf.
FORWARD = """
ALTER TABLE inventory_stockplace ADD CONSTRAINT a_stock_place_and_its_station UNIQUE (id, station_id);
CREATE FUNCTION stock_places_of_a_station() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    INSERT INTO inventory_stockplace (station_id, name, position, selling, active)
    VALUES (NEW.id, '货架', 0, TRUE, TRUE), (NEW.id, '后仓', 1, FALSE, TRUE);
    RETURN NULL;
END $$;
CREATE TRIGGER stock_places AFTER INSERT ON station_station
    FOR EACH ROW EXECUTE FUNCTION stock_places_of_a_station();
INSERT INTO inventory_stockplace (station_id, name, position, selling, active)
    SELECT id, '货架', 0, TRUE, TRUE FROM station_station ORDER BY id;
INSERT INTO inventory_stockplace (station_id, name, position, selling, active)
    SELECT id, '后仓', 1, FALSE, TRUE FROM station_station ORDER BY id;
UPDATE inventory_stockbalance held SET place_id = place.id
    FROM inventory_stockplace place WHERE place.station_id = held.station_id AND place.selling;
ALTER TABLE inventory_stockmove DISABLE TRIGGER append_only;
UPDATE inventory_stockmove moved SET place_id = place.id
    FROM inventory_stockplace place WHERE place.station_id = moved.station_id AND place.selling;
ALTER TABLE inventory_stockmove ENABLE TRIGGER append_only;
ALTER TABLE inventory_stockbalance ADD CONSTRAINT stock_lies_at_a_place_of_its_station
    FOREIGN KEY (place_id, station_id) REFERENCES inventory_stockplace (id, station_id);
ALTER TABLE inventory_stockmove ADD CONSTRAINT stock_moves_at_a_place_of_its_station
    FOREIGN KEY (place_id, station_id) REFERENCES inventory_stockplace (id, station_id);
"""
REVERSE = """
ALTER TABLE inventory_stockmove DROP CONSTRAINT stock_moves_at_a_place_of_its_station;
ALTER TABLE inventory_stockbalance DROP CONSTRAINT stock_lies_at_a_place_of_its_station;
DROP TRIGGER stock_places ON station_station;
DROP FUNCTION stock_places_of_a_station();
"""
CHECK_NOW = "SET CONSTRAINTS ALL IMMEDIATE"


class Migration(migrations.Migration):
    dependencies = [("inventory", "0009_allowance_guards"), ("station", "0009_practice_guards")]

    operations = [
        migrations.CreateModel(
            name="StockPlace",
            fields=[
                ("id", models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name="ID")),
                ("name", models.CharField("名称", max_length=20)),
                ("position", models.PositiveSmallIntegerField("排序", default=0)),
                ("selling", models.BooleanField("收银台从这里卖", default=False)),
                ("active", models.BooleanField("在用", default=True)),
                (
                    "station",
                    models.ForeignKey(
                        "station.station", django.db.models.deletion.PROTECT, related_name="stock_places"
                    ),
                ),
            ],
        ),
        migrations.AddConstraint(
            "stockplace",
            models.UniqueConstraint(fields=("station", "name"), name="one_stock_place_of_a_name_per_station"),
        ),
        migrations.AddConstraint(
            "stockplace",
            models.UniqueConstraint(
                condition=models.Q(("selling", True)), fields=("station",), name="one_selling_place_per_station"
            ),
        ),
        migrations.AddConstraint(
            "stockplace",
            models.CheckConstraint(
                condition=models.Q(("selling", False), ("active", True), _connector="OR"),
                name="a_selling_place_is_in_use",
            ),
        ),
        migrations.AddField("stockbalance", "place", place(null=True, related_name="stock")),
        migrations.AddField("stockmove", "place", place(null=True, related_name="+")),
        migrations.RunSQL(CHECK_NOW, migrations.RunSQL.noop),
        migrations.RunSQL(FORWARD, REVERSE),
        migrations.AlterField("stockbalance", "place", place(related_name="stock")),
        migrations.AlterField("stockmove", "place", place(related_name="+")),
        migrations.RemoveConstraint("stockbalance", "one_balance_per_station_and_item"),
        migrations.AddConstraint(
            "stockbalance",
            models.UniqueConstraint(fields=("place", "item"), name="one_balance_per_place_and_item"),
        ),
        migrations.AddField("stockbalance", "lowest", station.fields.LitresField("放行到", default=0)),
        migrations.AddConstraint(
            "stockbalance",
            models.CheckConstraint(condition=models.Q(("lowest__lte", 0)), name="a_leave_goes_below_zero"),
        ),
        migrations.RemoveIndex("stockmove", "stock_moves_of_an_item"),
        migrations.AddIndex(
            "stockmove",
            models.Index(fields=["item", "place", "-id"], name="stock_moves_of_an_item"),
        ),
        migrations.RemoveConstraint("stockmove", "a_stock_move_goes_its_way"),
        migrations.AlterField("stockmove", "kind", models.CharField("类别", choices=KINDS, max_length=10)),
        migrations.AddConstraint(
            "stockmove",
            models.CheckConstraint(
                condition=models.Q(
                    ("kind__in", ["OPENING", "ADJUST"]),
                    models.Q(
                        ("kind__in", ["RECEIPT", "RETURN", "GIFT_BACK", "MOVED_IN", "ARRIVED"]),
                        ("quantity__gt", 0),
                    ),
                    models.Q(
                        ("kind__in", ["SALE", "WRITE_OFF", "GIFT", "SENT_BACK", "MOVED_OUT", "SHIPPED"]),
                        ("quantity__lt", 0),
                    ),
                    _connector="OR",
                ),
                name="a_stock_move_goes_its_way",
            ),
        ),
    ]
