"""What import-linter cannot see of the models: keys point down, nothing is lost, nothing floats."""

from __future__ import annotations

from collections.abc import Iterator

from django.apps import apps
from django.db import models

from station import fields

FLOORS = [
    "station", "devices", "inventory", "members", "marketing", "sales", "staff", "finance",
]  # fmt: skip
# Rows that are a part of their parent and go with it. Everything else is PROTECT.
PARTS = {
    "devices.DisplayState.display",
    "devices.LineState.line",
    "devices.PollerState.station",
    "devices.PrinterState.printer",
    "devices.SignRow.sign",
    "devices.NozzleState.nozzle",
    "devices.PlateImage.read",
    "inventory.DeliveryTank.delivery",
    "inventory.ItemBarcode.item",
    "members.ImportTrouble.batch",
    "members.Vehicle.company",
    "members.Vehicle.member",
    "sales.DepositLine.deposit",
    "sales.PrepayChange.prepay",
    "station.Assignment.user",
    "station.Crew.shift",
    "station.PriceLine.change",
    "station.ShiftSlot.pattern",
    "station.StrappingPoint.table",
}


def our_models() -> list[type[models.Model]]:
    return [model for name in FLOORS for model in apps.get_app_config(name).get_models()]


def keys_of(model: type[models.Model]) -> Iterator[models.ForeignKey]:
    for field in model._meta.get_fields():
        if isinstance(field, models.ForeignKey) and field.model is model:
            yield field


def wrong_way(rows: list[type[models.Model]]) -> list[str]:
    """Foreign keys to a floor above, or to something that is no floor of ours."""
    return [
        f"{model._meta.label}.{key.name} → {key.related_model._meta.label}"
        for model in rows
        for key in keys_of(model)
        if key.related_model._meta.app_label not in FLOORS
        or FLOORS.index(key.related_model._meta.app_label) > FLOORS.index(model._meta.app_label)
    ]


def lossy(rows: list[type[models.Model]]) -> list[str]:
    """Foreign keys that would take rows with them, but for parts of a parent."""
    found = []
    for model in rows:
        for key in keys_of(model):
            label = f"{model._meta.label}.{key.name}"
            deletion = key.remote_field.on_delete
            if deletion is models.PROTECT:
                continue
            if deletion is models.CASCADE and label in PARTS:
                continue
            found.append(f"{label}: {deletion.__name__}")
    return found


def inexact(rows: list[type[models.Model]]) -> list[str]:
    """Floats, and decimals whose width is not one of `station.fields`."""
    return [
        f"{model._meta.label}.{field.name}"
        for model in rows
        for field in model._meta.get_fields()
        if isinstance(field, models.FloatField)
        or (
            isinstance(field, models.DecimalField)
            and not isinstance(field, fields._FixedDecimalField)
        )
    ]


def test_foreign_keys_point_down_or_stay_on_their_floor():
    assert not wrong_way(our_models())


def test_nothing_is_deleted_with_something_else_but_the_parts_of_a_parent():
    assert not lossy(our_models())


def test_the_parts_named_here_exist():
    there = {f"{model._meta.label}.{key.name}" for model in our_models() for key in keys_of(model)}
    assert not PARTS - there


def test_money_and_volume_are_exact():
    assert not inexact(our_models())


def test_these_rules_catch_what_they_forbid():
    class Wrong(models.Model):
        up = models.ForeignKey("finance.DayFigures", models.CASCADE, related_name="+")
        ratio = models.FloatField()
        price = models.DecimalField(max_digits=8, decimal_places=2)

        class Meta:
            app_label = "station"
            managed = False

    try:
        assert wrong_way([Wrong]) == ["station.Wrong.up → finance.DayFigures"]
        assert lossy([Wrong]) == ["station.Wrong.up: CASCADE"]
        assert inexact([Wrong]) == ["station.Wrong.ratio", "station.Wrong.price"]
    finally:
        del apps.all_models["station"]["wrong"]
        apps.clear_cache()


def test_no_model_hides_writes_or_order():
    """No save() of our own, no Meta.ordering: what is written and how it is sorted stands in code."""
    for model in our_models():
        assert model.save is models.Model.save or "save" not in vars(model), model
        assert "delete" not in vars(model), model
        assert not model._meta.ordering, model


def test_constraints_read_as_sentences():
    for model in our_models():
        for constraint in model._meta.constraints:
            assert "_" in constraint.name, constraint
            assert constraint.name == constraint.name.lower(), constraint
            assert not constraint.name.startswith(model._meta.db_table), constraint
