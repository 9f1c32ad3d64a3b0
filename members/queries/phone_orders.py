"""A member's own orders of the mall: where each stands, until when, and what he does next."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from members.models import Member, Redemption, Reward
from members.queries.merged import ids_of
from members.queries.points_expiry import last_day
from members.queries.rewards import orders, waiting_of

PAGE = 20
Kind, State = Reward.Kind, Redemption.State
TONES = {
    State.REQUESTED: "wait",
    State.RESERVED: "wait",
    State.FULFILLED: "good",
    State.CANCELLED: "off",
    State.EXPIRED: "off",
}
NEXT = {
    Kind.GOODS: "到油站出示会员码，收银员发放后就完成了。",
    Kind.SERVICE: "到油站出示核销码，用一次就完成了。",
    Kind.COUPON: "券正在发放，很快放进您的优惠券。",
    Kind.TOP_UP: "正在充到您的储值账户。",
    Kind.PARTNER: "正在等合作方答复；办不成会退回积分。",
}
DONE = {
    Kind.GOODS: "礼品已领取。",
    Kind.SERVICE: "核销码已使用。",
    Kind.COUPON: "券已放进您的优惠券。",
    Kind.TOP_UP: "已充到您的储值账户。",
    Kind.PARTNER: "合作方已办好。",
}


@dataclass(frozen=True, slots=True)
class Told:
    """An order in a member's words. `last`: the last day; None where nothing expires."""

    order: Redemption
    tone: str
    state: str
    words: str
    last: date | None
    shows_code: bool


def told_of(order: Redemption) -> Told:
    """Where an order stands. One statement more for what another part gives."""
    kind, waits = Kind(order.kind), order.state == State.RESERVED
    words = ""
    if waits:
        waiting = waiting_of(order)
        words = waiting.words if waiting is not None and waiting.words else NEXT[kind]
        if order.surcharge:
            words += f" 另加 {order.surcharge} 元，在收银台付。"
    elif order.state == State.FULFILLED:
        words = DONE[kind]
    elif order.state in (State.CANCELLED, State.EXPIRED):
        words = f"{order.points} 分已退回。" if order.returned_txn_id else "积分不退。"
    ends = waits and kind in (Kind.GOODS, Kind.SERVICE)
    return Told(
        order,
        TONES[State(order.state)],
        order.get_state_display(),
        words,
        last_day(order.expires_at) if ends else None,
        waits and bool(order.code),
    )


def orders_page(*, member: Member, before: int = 0) -> tuple[list[Told], int]:
    """A page of a member's orders, the newest first, and the key to go on from (0: no more)."""
    rows = orders().filter(member__in=ids_of(member)).order_by("-pk")
    rows = rows.select_related("rewardcoupon", "rewardtopup", "partnerorder", "reward", "station")
    found = list((rows.filter(pk__lt=before) if before else rows)[: PAGE + 1])
    shown = found[:PAGE]
    return [told_of(one) for one in shown], shown[-1].pk if len(found) > PAGE else 0


def endable(order: Redemption) -> str:
    """Why a member cannot cancel an order himself; empty where he can."""
    if order.state != State.RESERVED:
        return f"{order.number} {order.get_state_display()}，不能再取消。"
    if order.kind == Kind.PARTNER:
        return "已交合作方，请等答复。"
    if order.surcharge:
        return "要加价的单请到油站取消，付过的钱一起退。"
    return ""
