"""存货地点: where a station keeps its goods, and from which of them the tills sell."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from inventory.models import StockBalance, StockPlace
from station.errors import Refusal
from station.models import Station, User
from station.services import audit


class PlaceRefused(Refusal):
    """The name is taken, or goods still lie there."""


@transaction.atomic
def save_place(
    *,
    row: StockPlace | None,
    values: Mapping[str, Any],
    at: datetime,
    actor: User,
    station: Station,
) -> StockPlace:
    """Add or change a place. Refuses a name that is there, to close one that holds goods, and to leave
    the tills without a place to sell from: another one is made the selling one instead."""
    place = row or StockPlace(station=station)
    before = _said(place) if row else None
    if place.selling and not values["selling"]:
        raise PlaceRefused("收银台总要从一个地点卖：请改把另一个地点设为“收银台从这里卖”")
    if values["selling"] and not values["active"]:
        raise PlaceRefused("收银台从这里卖的地点不能停用，请先换一个地点卖")
    if (
        row
        and not values["active"]
        and StockBalance.objects.filter(place=row).exclude(quantity=0).exists()
    ):
        raise PlaceRefused(f"「{row.name}」还有库存，请先移库或盘清再停用")
    if values["selling"] and not place.selling:
        StockPlace.objects.filter(station=station, selling=True).update(selling=False)
    for name in ("name", "position", "selling", "active"):
        setattr(place, name, values[name])
    try:
        with transaction.atomic():
            place.save()
    except IntegrityError as error:
        raise PlaceRefused(f"已有地点「{place.name}」，或正好有人在改，请刷新后重试") from error
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="inventory.place.saved",
        document=f"place:{place.pk}",
        before=before,
        after=_said(place),
    )
    return place


def _said(place: StockPlace) -> dict[str, Any]:
    return {"name": place.name, "selling": place.selling, "active": place.active}
