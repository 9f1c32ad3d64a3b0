"""兑换 at the till: what a member can have, taking it, handing it out, and using a code."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.shortcuts import get_object_or_404
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from members.models import Member, Redemption, Reward
from members.queries.points import account_of, wallet_at
from members.queries.pools import payable_of
from members.queries.reward_hints import hint_for
from members.queries.rewards import Search, next_beyond, open_orders, orders, shelf
from members.queries.tier_benefits import held_at
from members.services import presence, redemption_endings
from members.services.presence import Presence
from members.services.redemptions import Wish
from sales.forms.rewards import CodeForm, RedeemForm, ShelfForm
from sales.forms.till import checked
from sales.queries.offers import apply_offer, offer_on_screen
from sales.queries.points_till import basket_line
from sales.queries.reward_slips import copies, offered, standing
from sales.queries.selling import price_lines, shelf_of
from sales.queries.tickets import Ticket, read_ticket
from sales.services import rewards
from sales.views.answers import answers_json, approver_of, body_of, session_of
from station.access import StaffRequest, may
from station.models import TillSession
from station.queries.calendar import open_day

ENDED = (Redemption.State.FULFILLED, Redemption.State.CANCELLED, Redemption.State.EXPIRED)


@require_GET
@may("members.redeem")
@answers_json
def mall(request: StaffRequest) -> dict[str, Any]:
    """What a member has and can have, what he may still pick up, and what shows him to be there."""
    typed, at, session = checked(ShelfForm(request.GET)), now(), session_of(request)
    member = get_object_or_404(Member, pk=typed["member"])
    account = account_of(member_id=member.pk)
    own = wallet_at(account=account, at=at).balance if account else 0
    balance = payable_of(member_id=member.pk, own=own, at=at)
    search = Search(text=typed["q"], affordable=typed["affordable"] == "1")
    rows = shelf(
        station=request.station, at=at, member_id=member.pk, balance=balance, search=search
    )
    waiting = open_orders(member_id=member.pk, station=request.station)
    printed = copies([one.number for one in waiting])
    return {
        "balance": balance,
        "rewards": [offered(one) for one in rows],
        "orders": [standing(one, printed.get(one.number, 0)) for one in waiting],
        "seen": _read(member, session, at),
        "codes": presence.has_codes(),
    }


@require_GET
@may("members.redeem")
@answers_json
def tile(request: StaffRequest) -> dict[str, Any]:
    """One line for the member's tile: his points, and what is missing for the next reward."""
    typed, at = checked(ShelfForm(request.GET)), now()
    account = account_of(member_id=typed["member"])
    own = wallet_at(account=account, at=at).balance if account else 0
    balance = payable_of(member_id=typed["member"], own=own, at=at)
    told = {"balance": balance, "next": "", "missing": 0}
    beyond = next_beyond(station=request.station, at=at, balance=balance, member_id=typed["member"])
    if beyond is not None:
        told |= {"next": beyond.reward.name, "missing": beyond.missing}
    return told


@require_POST
@may("members.redeem")
@answers_json
def hint(request: StaffRequest) -> dict[str, Any]:
    """再加 X 元可换 Y for the basket on the screen; empty words where the gap is too wide."""
    ticket, at = read_ticket(body_of(request)), now()
    day = open_day(request.station)
    if ticket.member_id is None or day is None:
        return {"words": ""}
    told = hint_for(
        member_id=ticket.member_id,
        lines=_lines(ticket, request, at),
        station=request.station,
        day=day.date,
        at=at,
    )
    return {"words": told.words if told else ""}


def _lines(ticket: Ticket, request: StaffRequest, at: datetime) -> list[Any]:
    """The basket as the earning engine sees it; empty where a line is no longer for sale."""
    on_shelf = shelf_of(ticket=ticket, station=request.station, at=at)
    known = {*on_shelf.fills, *(-pk for pk in on_shelf.items)}
    if any((line.fill_id or -(line.item_id or 0)) not in known for line in ticket.lines):
        return []
    listed = price_lines(ticket=ticket, shelf=on_shelf)
    held = held_at(member_id=ticket.member_id, at=at)
    offer = offer_on_screen(lines=listed, ticket=ticket, station=request.station, held=held, at=at)
    priced = apply_offer(listed, offer)
    return [basket_line(line) for line in priced]


@require_POST
@may("members.redeem")
@answers_json
def redeem(request: StaffRequest) -> dict[str, Any]:
    body, at, session = body_of(request), now(), session_of(request)
    typed = checked(RedeemForm(body))
    order = rewards.known(key=typed["key"], member_id=typed["member"], reward_id=typed["reward"])
    if order is None:
        member = get_object_or_404(Member, pk=typed["member"])
        order = rewards.redeem(
            wish=Wish(
                key=typed["key"],
                member=member,
                reward=get_object_or_404(Reward, pk=typed["reward"]),
                station=request.station,
                till=session.till,
            ),
            presence=_seen(request, body, typed, member, session, at),
            hand_out=typed["hand_out"].lower() in {"1", "true", "on"},
            at=at,
            actor=request.user,
        )
    return standing(order)


def _read(member: Member, session: TillSession, at: datetime) -> str:
    """What was read at the till of the member, in words; "" where nothing was."""
    found = presence.reading(member=member, session=session, at=at)
    return str(Redemption.Presence(found.kind).label) if found else ""


def _seen(
    request: StaffRequest,
    body: dict[str, Any],
    typed: dict[str, Any],
    member: Member,
    session: TillSession,
    at: datetime,
) -> Presence:
    """What shows that the member is there: a second person, a typed code, else his card or phone."""
    approver = approver_of(request, body, right="members.redeem.vouch", at=at)
    if approver is not None:
        return presence.by_vouching(approver=approver)
    if typed["tail"] or typed["code"]:
        return presence.by_code(member=member, tail=typed["tail"], code=typed["code"], at=at)
    return presence.by_reading(member=member, session=session, at=at)


@require_POST
@may("members.redeem")
@answers_json
def verify(request: StaffRequest) -> dict[str, Any]:
    typed = checked(CodeForm(body_of(request)))
    order = rewards.use_code(
        code=typed["code"], station=request.station, at=now(), actor=request.user
    )
    return standing(order)


@require_POST
@may("members.redeem")
@answers_json
def hand_out(request: StaffRequest, pk: int) -> dict[str, Any]:
    order = get_object_or_404(orders(), pk=pk, station=request.station)
    done = redemption_endings.fulfil(order=order, at=now(), actor=request.user)
    return standing(done)


@require_POST
@may("members.redeem")
@answers_json
def slip(request: StaffRequest, pk: int) -> dict[str, Any]:
    """补打 of an order's slip; the copy that the button stood for is one paper."""
    order = get_object_or_404(orders(), pk=pk, station=request.station)
    last = copies([order.number]).get(order.number, 0)
    receipt = rewards.print_again(
        order=order,
        till=session_of(request).till,
        copy=max(last, 1) + 1,
        at=now(),
        actor=request.user,
    )
    return {"copy": receipt.copy}
