"""付款方式 as the station keeps them."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import transaction

from sales.models import Tender
from station.errors import Refusal
from station.models import Station, User
from station.services import audit

FIELDS = ("code", "name", "kind", "opens_drawer", "needs_reference", "position", "active")


class TenderKept(Refusal):
    """A change that would leave the till without cash, or two tenders of one code."""


@transaction.atomic
def save_tender(
    *,
    row: Tender | None,
    values: Mapping[str, Any],
    at: datetime,
    actor: User,
    station: Station | None,
) -> Tender:
    """Add or change a tender. Audited. Refuses a code twice, and the end of the last cash tender."""
    tender = Tender() if row is None else Tender.objects.select_for_update().get(pk=row.pk)
    before = None if row is None else {name: getattr(tender, name) for name in FIELDS}
    if Tender.objects.filter(code=values["code"]).exclude(pk=tender.pk).exists():
        raise TenderKept(f"没有保存：代码 {values['code']} 已有付款方式在用。请换一个代码。")
    if before and tender.kind != values["kind"]:
        raise TenderKept("没有保存：类别不能改，账里已有它的收款。请停用后新建一个。")
    if values["kind"] == Tender.Kind.VALUE and (
        values["needs_reference"] or values["opens_drawer"]
    ):
        raise TenderKept("没有保存：会员储值没有小票、不开钱箱。请去掉“须填凭证号”和“开钱箱”。")
    others = Tender.objects.filter(kind=Tender.Kind.CASH, active=True).exclude(pk=tender.pk)
    if values["kind"] == Tender.Kind.CASH and not values["active"] and not others.exists():
        raise TenderKept("没有保存：这是最后一个在用的现金，收银台不能没有现金。")
    for name in FIELDS:
        setattr(tender, name, values[name])
    tender.save()
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="sales.tender.saved",
        document=f"tender:{tender.code}",
        before=before,
        after={name: getattr(tender, name) for name in FIELDS},
    )
    return tender
