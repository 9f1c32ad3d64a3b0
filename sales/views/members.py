"""Members as the till asks for them: found, joined in half a minute, and asked once a year."""

from __future__ import annotations

from typing import Any

from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from members.forms.people import TillJoinForm
from members.models import Channel
from members.queries.cards import members_anywhere
from members.queries.finding import look_up, member_by_id
from members.queries.quality import stale_before
from members.services import joining, present_codes, profiles
from members.services.joining import Guardian
from sales.forms.till import checked
from sales.queries.tickets import BadTicket, plain
from sales.views.answers import all_shown, answers_json, body_of
from station.access import StaffRequest, may


@require_GET
@may("sales.till")
@answers_json
def members(request: StaffRequest) -> dict[str, Any]:
    """Who the customer may be, masked; and what there is to say of a card."""
    at = now()
    found = look_up(text=request.GET.get("q", ""))
    old = stale_before(station=request.station, at=at)
    told = [
        {**row, "ask": hit.grown_old(old), "station": hit.home}
        for hit, row in zip(found.hits, all_shown(found.hits, at=at), strict=True)
    ]
    return {"members": told, "words": found.words}


@require_POST
@may("sales.till")
@answers_json
def present(request: StaffRequest) -> dict[str, Any]:
    """The member whose phone's code was read at the till: he is there himself."""
    at = now()
    found = present_codes.arrive(
        code=plain(body_of(request).get("code") or ""),
        station=request.station,
        at=at,
        actor=request.user,
    )
    hit = member_by_id(found.pk)
    if hit is None:  # closed at this moment
        return {"member": None}
    told = all_shown([hit], at=at)[0]
    return {"member": {**told, "status": f"{hit.status}　本人到场"}}


@require_POST
@may("members.create")
@answers_json
def join(request: StaffRequest) -> dict[str, Any]:
    """A new member on the ticket at once; whose phone it is already is taken instead."""
    told = checked(TillJoinForm(body_of(request)))
    guardian = Guardian(told.pop("guardian_name"), told.pop("guardian_phone"))
    at = now()
    member, new = joining.join_or_find(
        station=request.station,
        at=at,
        actor=request.user,
        channel=Channel.TILL,
        guardian=guardian,
        **told,
    )
    hit = member_by_id(member.pk)
    if hit is None:
        raise BadTicket("没有登记：这位会员刚刚注销了。请重新查找。")
    words = (
        f"已登记会员 {hit.number}。" if new else f"已是会员 {hit.number}，已选上，没有重复登记。"
    )
    return {"member": all_shown([hit], at=at)[0], "new": new, "words": words}


@require_POST
@may("members.create")
@answers_json
def confirm(request: StaffRequest, pk: int) -> dict[str, Any]:
    """What he answered when asked whether his profile still holds; asked once, whatever he said."""
    if body_of(request).get("answer") == "yes":
        member = members_anywhere().filter(pk=pk).first()
        if member is None:
            raise BadTicket("没有记下：没有这个会员。请重新查找。")
        profiles.confirm(member=member, at=now(), actor=request.user)
        return {"words": "已记下：资料没有变。"}
    profiles.asked(member_id=pk, at=now())
    return {"words": "已记下：问过了。要改的资料到会员页面更正。"}
