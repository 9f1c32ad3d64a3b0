"""The till tells what its customer is to read, and opens its drawer."""

from __future__ import annotations

import re
from decimal import Decimal, InvalidOperation
from typing import Any

from django.utils.timezone import now
from django.views.decorators.http import require_POST

from devices.protocols.displays import Shown, Shows
from devices.queries.signs import display_at
from devices.services import displays
from sales.queries.tickets import BadTicket
from sales.services import slips
from sales.views.answers import answers_json, body_of, session_of
from station.access import StaffRequest, may

KEY = re.compile(r"[0-9a-f]{8,16}")


@require_POST
@may("sales.till")
@answers_json
def display(request: StaffRequest) -> dict[str, Any]:
    shown, session = _shown(body_of(request)), session_of(request)
    wired = display_at(session.till)
    if wired is not None:
        try:
            displays.show(display=wired, shown=shown, at=now())
        except displays.NotShown as odd:
            raise BadTicket("客显没有更新：金额不对。") from odd
    return {}


def _shown(body: dict[str, Any]) -> Shown:
    def figure(name: str) -> Decimal:
        return Decimal(str(body.get(name) or 0))

    try:
        return Shown(
            what=Shows(str(body.get("what", ""))),
            total=figure("total"),
            price=figure("price"),
            tendered=figure("tendered"),
            change=figure("change"),
        )
    except (ValueError, InvalidOperation) as error:
        raise BadTicket("客显没有更新：内容无法识别。") from error


@require_POST
@may("sales.drawer")
@answers_json
def drawer(request: StaffRequest) -> dict[str, Any]:
    key = str(body_of(request).get("key", ""))
    if not KEY.fullmatch(key):
        raise BadTicket("钱箱没有打开：页面过期，请刷新后再按一次。")
    slips.open_drawer(session=session_of(request), key=key, actor=request.user, at=now())
    return {}
