"""Points at the till: a member pays a part with them, a sale earns them, a refund gives both back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from members.models import Member
from members.queries.earn_rules import active_program
from members.queries.standing import Standing, held_standing
from members.queries.tier_benefits import Held
from members.services import points_of_sales, presence, risk
from members.services.points_of_sales import Part, Sold
from members.services.presence import NotPresent
from sales.models import Sale
from sales.queries.points_payment import most_yuan, with_points, worth
from sales.queries.points_till import basket_line
from sales.queries.refundable import LineLeft
from sales.queries.selling import PRESENT_ABOVE, REMIND_AT
from sales.queries.tickets import Ticket
from sales.queries.totals import PricedLine
from station.errors import Refusal
from station.models import TillSession, User
from station.money import ZERO


class PointsRefused(Refusal):
    """Points that cannot pay this ticket."""


def pay_part(*, ticket: Ticket, lines: Sequence[PricedLine]) -> list[PricedLine]:
    """Take off what the ticket's points pay, shared over its lines. Writes nothing.

    Refuses PointsRefused without a member, below the programme's least and above its share.
    """
    program = active_program()
    if ticket.member_id is None or program is None:
        raise PointsRefused("没有抵扣：积分属于会员。请先选会员，或去掉积分抵扣。")
    if ticket.points < program.min_redeem:
        raise PointsRefused(f"没有抵扣：一次至少用 {program.min_redeem} 分。请改多，或不用积分。")
    net = sum((line.net for line in lines), ZERO)
    amount = worth(ticket.points, program)
    if amount > most_yuan(net, program):
        raise PointsRefused(
            f"没有抵扣：积分最多抵一单的 {program.max_redeem_pct}%，"
            f"这一单最多 {most_yuan(net, program)} 元，要抵 {amount} 元。请改少。"
        )
    if not amount:
        raise PointsRefused(f"没有抵扣：{ticket.points} 分不到 1 分钱。请改多，或不用积分。")
    return with_points(lines, ticket.points, amount)


def demand_spend(
    *, ticket: Ticket, stands: Standing | None, session: TillSession, actor: User, at: datetime
) -> None:
    """Refuses PointsRefused the points of a member who may not spend, OverTheLimit those that a
    limit against abuse keeps for now, and NotPresent many points of one who was not seen here.
    """
    if stands is None:
        return
    if not stands.may_spend:
        raise PointsRefused(f"没有抵扣：{stands.words}请去掉积分抵扣。")
    _demand_present(stands.member_id, ticket.points, session, at)
    if stands.had_other_phone:
        risk.demand_spend(
            member_id=stands.member_id,
            at=at,
            station_id=session.station_id,
            actor=actor,
            undone="没有抵扣",
        )


def _demand_present(member_id: int, points: int, session: TillSession, at: datetime) -> None:
    """Points are spent by who holds them, not by who knows a phone number."""
    most = int(session.figures[PRESENT_ABOVE])  # type: ignore[attr-defined]
    if points <= most:
        return
    member = Member.objects.get(pk=member_id)
    if not presence.was_here(member=member, station=session.station, at=at):
        raise NotPresent(
            f"没有抵扣：一单用 {most} 分以上要会员本人在场。请他刷会员卡或出示手机码，"
            "再收款；或少用一些积分。"
        )


def settle_points(
    *,
    head: Sale,
    lines: Sequence[PricedLine],
    tier: Held | None = None,
    plate_index: str = "",
) -> dict[int, int]:
    """Spend and earn the points of a sale to a member, in its transaction; earned ones by line.

    Refuses NotEnoughPoints, PointsFrozen.
    """
    spent = {line.position: line.points for line in lines if line.points}
    sold = _sold(head, lines, spent)
    return points_of_sales.settle(sold=replace(sold, held=tier, plate_index=plate_index))


def _sold(head: Sale, lines: Sequence[PricedLine], spent: Mapping[int, int]) -> Sold:
    assert head.member_id is not None
    figures = getattr(head.session, "figures", None)  # of a session that was locked to sell
    return Sold(
        document=head.number,
        member_id=head.member_id,
        station=head.station,
        at=head.occurred_at,
        date=head.day.date,
        lines=tuple(basket_line(line) for line in lines),
        actor=head.cashier,
        spent=spent,
        tells_at=None if figures is None else int(figures[REMIND_AT]),
        nozzles=tuple({one.nozzle_id for one in lines if one.nozzle_id is not None}),
        attendants=tuple({one.attendant_id for one in lines if one.attendant_id is not None}),
    )


def give_points_back(
    *,
    head: Sale,
    original: Sale,
    lines: Sequence[PricedLine],
    left: Mapping[int, LineLeft],
) -> dict[int, int]:
    """What a refund does to the points of its sale; what it takes of each line's, negative."""
    if original.member_id is None:
        return {}
    held_standing(original.member_id)  # his row before his account, as in a merge
    now = {line.position: line for line in lines}
    parts = [_part(one, now.get(position)) for position, one in left.items()]
    return points_of_sales.give_back(
        original=original.number, refund=_sold(head, [], {}), parts=parts
    )


def _part(left: LineLeft, now: PricedLine | None) -> Part:
    """What of a line is back with this refund: by its net, by pieces where it cost nothing."""
    by_net = bool(left.line.net)
    sold = left.line.net if by_net else left.line.quantity
    before = sold - (left.net if by_net else left.quantity)
    more = ZERO if now is None else -(now.net if by_net else now.quantity)
    return Part(left.line.position, sold, before, before + more)
