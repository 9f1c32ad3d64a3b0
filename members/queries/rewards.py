"""The mall as a member sees it: what there is, what he can afford, and what the rest still needs."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from django.db.models import Count, Q, QuerySet
from django.utils.timezone import localtime

from inventory.queries.places import on_shelf
from members.models import Redemption, Reward
from station.models import Station

Kind = Reward.Kind
State = Redemption.State
STANDS = (State.REQUESTED, State.RESERVED, State.FULFILLED)
MOST = 60


@dataclass(frozen=True, slots=True)
class Offered:
    """A reward for a member at a station: `missing` points, or `why` it cannot be had now."""

    reward: Reward
    missing: int
    stock: Decimal | None
    why: str

    @property
    def available(self) -> bool:
        """Whether the button is enabled."""
        return not self.missing and not self.why

    @property
    def told(self) -> str:
        """What stands beside a disabled button."""
        return self.why or (f"还差 {self.missing} 分" if self.missing else "")


@dataclass(frozen=True, slots=True)
class Search:
    """What of the mall is looked for. `affordable`: only what the balance pays."""

    text: str = ""
    category: int | None = None
    affordable: bool = False
    dearest_first: bool = False


def rewards() -> QuerySet[Reward]:
    """Every reward with what a list shows."""
    return Reward.objects.select_related("category", "item", "surcharge_item")


def on_show(rows: QuerySet[Reward], at: datetime) -> QuerySet[Reward]:
    """Those that members may see at an instant."""
    begun = Q(visible_from=None) | Q(visible_from__lte=at)
    going = Q(visible_until=None) | Q(visible_until__gt=at)
    return rows.filter(begun, going, active=True)


def named(rows: QuerySet[Reward], text: str) -> QuerySet[Reward]:
    """Those whose name, pinyin or code has the text."""
    text = text.strip()
    if not text:
        return rows
    return rows.filter(
        Q(name__icontains=text) | Q(pinyin__icontains=text.lower()) | Q(code__iexact=text)
    )


def with_stock(rows: QuerySet[Reward], station: Station) -> QuerySet[Reward]:
    """The same with `on_hand` of the goods at a station."""
    return rows.annotate(on_hand=on_shelf(station, "item"))


def shelf(
    *,
    station: Station,
    at: datetime,
    member_id: int | None = None,
    balance: int = 0,
    search: Search | None = None,
    most: int = MOST,
) -> list[Offered]:
    """The rewards on show at a station, cheapest first, as they stand for a member. Two statements.

    One more where a reward on it is limited.
    """
    wanted = search or Search()
    rows = named(on_show(rewards(), at), wanted.text)
    if wanted.category is not None:
        rows = rows.filter(category=wanted.category)
    if wanted.affordable:
        rows = rows.filter(cost_points__lte=balance)
    order = ("-cost_points", "-pk") if wanted.dearest_first else ("cost_points", "pk")
    found = list(with_stock(rows, station).order_by(*order)[:most])
    counts = taken(found, member_id=member_id, at=at)
    return [_offered(one, balance, counts.get(one.pk, Taken()), at) for one in found]


def _offered(reward: Reward, balance: int, counts: Taken, at: datetime) -> Offered:
    goods = reward.kind == Kind.GOODS
    stock = getattr(reward, "on_hand", None) or Decimal(0) if goods else None
    why = closed(reward, at) or counts.refuses(reward)
    if not why and stock is not None and stock < 1:
        why = "本站已兑完"
    return Offered(reward, max(reward.cost_points - balance, 0), stock, why)


def shown_to(
    reward: Reward, *, station: Station, at: datetime, member_id: int, balance: int
) -> Offered:
    """One reward as it stands for a member at a station. Three statements at most."""
    found = with_stock(rewards(), station).get(pk=reward.pk)
    counts = taken([found], member_id=member_id, at=at)
    return _offered(found, balance, counts.get(found.pk, Taken()), at)


def terms_of(reward: Reward) -> list[str]:
    """Under which conditions a reward is to be had, one sentence each."""
    limits = (
        (reward.limit_member, "每人限兑 {} 份"),
        (reward.limit_member_day, "每人每天限兑 {} 份"),
        (reward.limit_day, "每天共 {} 份"),
        (reward.limit_total, "总共 {} 份"),
    )
    told = [words.format(limit) for limit, words in limits if limit is not None]
    if reward.kind in (Kind.GOODS, Kind.SERVICE):
        act = "领取" if reward.kind == Kind.GOODS else "使用"
        told.append(f"兑换后 {reward.days_valid} 天内到油站{act}")
        told.append("过期退回积分" if reward.returns_points else "过期不退积分")
    if reward.usable_from is not None:
        told.append(f"{localtime(reward.usable_from):%Y-%m-%d %H:%M} 起可兑")
    if reward.usable_until is not None:
        told.append(f"兑到 {localtime(reward.usable_until):%Y-%m-%d %H:%M} 为止")
    return told


def closed(reward: Reward, at: datetime) -> str:
    """Why a reward cannot be redeemed at an instant whoever asks; empty where it can."""
    if not reward.active or (reward.visible_until is not None and reward.visible_until <= at):
        return "已下架"
    if reward.visible_from is not None and reward.visible_from > at:
        return "还没有上架"
    if reward.usable_from is not None and reward.usable_from > at:
        return f"{localtime(reward.usable_from):%m-%d %H:%M} 开始兑换"
    if reward.usable_until is not None and reward.usable_until <= at:
        return "兑换已结束"
    return ""


@dataclass(frozen=True, slots=True)
class Taken:
    """How many orders of a reward stand: altogether, today, of the member, of him today."""

    total: int = 0
    day: int = 0
    member: int = 0
    member_day: int = 0

    def refuses(self, reward: Reward) -> str:
        """Which limit one more order would pass; empty where none."""
        limits = (
            (reward.limit_total, self.total, "已兑完"),
            (reward.limit_day, self.day, "今天已兑完"),
            (reward.limit_member, self.member, f"每人限兑 {reward.limit_member} 份"),
            (
                reward.limit_member_day,
                self.member_day,
                f"每人每天限兑 {reward.limit_member_day} 份",
            ),
        )
        return next((why for limit, had, why in limits if limit is not None and had >= limit), "")


def taken(found: Iterable[Reward], *, member_id: int | None, at: datetime) -> Mapping[int, Taken]:
    """What was taken of the limited rewards among these. One statement, none without a limit."""
    limited = [one.pk for one in found if is_limited(one)]
    if not limited:
        return {}
    today = Q(requested_at__gte=localtime(at).replace(hour=0, minute=0, second=0, microsecond=0))
    mine = Q(member=member_id)
    rows = (
        Redemption.objects.filter(reward__in=limited, state__in=STANDS)
        .values("reward")
        .annotate(
            of_all=Count("pk"),
            of_today=Count("pk", filter=today),
            of_his=Count("pk", filter=mine),
            of_his_today=Count("pk", filter=mine & today),
        )
    )
    return {
        row["reward"]: Taken(row["of_all"], row["of_today"], row["of_his"], row["of_his_today"])
        for row in rows
    }


def is_limited(reward: Reward) -> bool:
    """Whether a reward has any limit."""
    mine = reward.limit_member is not None or reward.limit_member_day is not None
    return mine or reward.is_rationed


def next_beyond(*, station: Station, at: datetime, balance: int, member_id: int) -> Offered | None:
    """The cheapest reward that the balance does not reach and that could be had with it."""
    rows = on_show(rewards(), at).filter(cost_points__gt=balance)
    found = list(with_stock(rows, station).order_by("cost_points", "pk")[:10])
    counts = taken(found, member_id=member_id, at=at)
    offered = (_offered(one, balance, counts.get(one.pk, Taken()), at) for one in found)
    return next((one for one in offered if not one.why), None)


def lives_until(reward: Reward, at: datetime) -> datetime:
    """When an order taken at an instant is over: the midnight after its last day."""
    day = localtime(at).replace(hour=0, minute=0, second=0, microsecond=0)
    return day + timedelta(days=reward.days_valid + 1)


def orders() -> QuerySet[Redemption]:
    """Orders with what lists and pages show."""
    return Redemption.objects.select_related(
        "reward__category", "member__key", "station", "item", "till", "requested_by"
    )


def open_orders(*, member_id: int, station: Station) -> list[Redemption]:
    """What a member, and whoever was merged into him, may still pick up or use at a station."""
    whose = Q(member=member_id) | Q(member__merged_into=member_id)
    rows = orders().filter(whose, station=station, state=State.RESERVED)
    return list(rows.order_by("pk")[:20])


def waiting_of(order: Redemption) -> Any:
    """The row that waits for another part, or None: coupon, top-up or partner's order."""
    name = {Kind.COUPON: "rewardcoupon", Kind.TOP_UP: "rewardtopup", Kind.PARTNER: "partnerorder"}
    return getattr(order, name[Kind(order.kind)], None) if order.kind in name else None
