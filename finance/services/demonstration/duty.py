"""The shift on duty of the demo: what its till and its members do, by the services of their pages.

Sales with the price of a tier, coupons, points and stored value, a refund, top-ups, orders of the
mall in every state, and what the limits against abuse find. Everything happens between two
instants of the open shift, one act after the other.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import suppress
from datetime import datetime, timedelta
from decimal import Decimal

from finance.services.demonstration import groups
from finance.services.demonstration.build import Demo, Live
from finance.services.demonstration.site import Site
from inventory.models import StockBalance
from inventory.services.balances import NotEnoughStock
from marketing.models import Coupon
from marketing.services import rewards as coupons_of_rewards
from members.models import Member, Redemption, Reward, TopUpPlan, ValueAccount
from members.queries.earn_rules import active_program
from members.queries.present_codes import code_for
from members.services import (
    presence,
    present_codes,
    profiles,
    redemption_endings,
    redemptions,
    value_accounts,
    value_rewards,
)
from members.services.redemptions import Wish
from members.services.risk import OverTheLimit
from sales.models import Sale, TopUp
from sales.queries.points_payment import most_points, worth
from sales.queries.tickets import Tendered, Ticket, TicketLine
from sales.services import offering, refunds, settling, topping
from sales.services.refunds import RefundLine
from station.models import TillSession
from station.money import ZERO, Yuan

ORDERS, TOP_UPS = 36, 4
POINTS_FROM = 500  # so many points pay a part, where they are there
STEP = timedelta(seconds=1)


class Duty:
    """What happens at the open till, from `since` to `until`; `scale` is the station's size."""

    def __init__(
        self, site: Site, *, since: datetime, until: datetime, seed: int, scale: float
    ) -> None:
        self.site = site
        self.session = TillSession.objects.select_related(
            "station", "till", "shift__day", "cashier"
        ).get(station=site.station, status=TillSession.Status.OPEN)
        self.cashier = self.session.cashier
        self.chance = random.Random(seed + 11)
        self.scale = scale
        self._times = _spread(since, until)
        self._keys = 0
        program = active_program()
        assert program is not None  # comes with a migration
        self.program = program

    def at(self) -> datetime:
        """The next instant."""
        return next(self._times)

    def key(self) -> str:
        """A page's own key."""
        self._keys += 1
        return f"demo:duty:{self._keys}"

    def many(self, count: int) -> int:
        """So many acts at a station of this size, at least one."""
        return max(1, round(count * self.scale))

    # -- at the till ----------------------------------------------------------------------------

    def sell(
        self, live: Sequence[Live], members: Sequence[int], purses: list[ValueAccount]
    ) -> None:
        """The fills that wait are sold, at the instant when each car pays; most to members.

        Whose car it is nobody said: it is of the last one of `members`, then of the one before.
        """
        known = list(members)
        for one in sorted(live, key=lambda one: one.car.paid):
            line = TicketLine(kind="FUEL", fill_id=one.fill)
            purse = purses.pop() if purses and self.chance.random() < 0.25 else None
            buyer = purse.member_id if purse else one.member or (known.pop() if known else None)
            points = self.chance.random() < 0.4
            self.settle(line, buyer, purse, points=points, at=one.car.paid)

    def sell_goods(self, purses: Sequence[ValueAccount]) -> list[Sale]:
        """Drinks and snacks, paid with stored value."""
        return [self.settle(self.in_stock(), one.member_id, one) for one in purses[: self.many(4)]]

    def item(self, code: str) -> TicketLine:
        """A piece of goods or a service on the ticket."""
        item = next(one for one in self.site.items if one.code == code)
        return TicketLine(kind=item.kind, item_id=item.pk)

    def in_stock(self) -> TicketLine:
        """A piece of what the shelf has most of, and that costs enough for stored value to matter."""
        most = StockBalance.objects.filter(
            station=self.site.station, place__selling=True, item__price__gte=5
        )
        return self.item(most.latest("quantity").item.code)

    def settle(
        self,
        line: TicketLine,
        member: int | None,
        purse: ValueAccount | None = None,
        *,
        points: bool = False,
        plate: str = "",
        at: datetime | None = None,
    ) -> Sale:
        """Quote a ticket, pay it to the fen, and settle it."""
        at = at or self.at()
        ticket = Ticket(key=self.key(), lines=(line,), tenders=(), member_id=member, plate=plate)
        quoted = offering.quote(ticket=ticket, session=self.session, actor=self.cashier, at=at)
        due = sum((one.net for one in quoted.offer.lines), ZERO)
        spent = self._points(member, due) if points and member else 0
        due -= worth(spent, self.program)
        told = {"coupons": quoted.offer.coupons, "points": spent}
        paid = Ticket(
            key=ticket.key, lines=ticket.lines, tenders=self._tenders(due, purse), member_id=member,
            plate=plate, **told,  # type: ignore[arg-type]
        )  # fmt: skip
        return settling.settle(paid, session=self.session, actor=self.cashier, at=at)

    def _points(self, member: int, due: Yuan) -> int:
        """Some hundreds of points, where he has them; fewer than want him to show himself."""
        held = Member.objects.select_related("points").get(pk=member)
        if held.status != Member.Status.ACTIVE or held.points.balance < POINTS_FROM:
            return 0
        return most_points(net=due, balance=POINTS_FROM, program=self.program) // 100 * 100

    def _tenders(self, due: Yuan, purse: ValueAccount | None) -> tuple[Tendered, ...]:
        """Stored value as far as it goes, the rest by phone."""
        parts = []
        if purse is not None:
            purse.refresh_from_db()
            part = min(due, purse.balance, Decimal("300.00"))
            if part:
                parts.append(Tendered("MEMBER", part, purse.number))
                due -= part
        if due or not parts:
            parts.append(Tendered(self.chance.choice(("WECHAT", "WECHAT", "ALIPAY")), due))
        return tuple(parts)

    def give_back(self, sales: Sequence[Sale]) -> None:
        """Bottles that nobody wanted after all."""
        for sale in sales[:2]:
            refunds.refund(
                sale=sale, lines=[RefundLine(1, quantity=Decimal(1))], reason="顾客退货，未拆封",
                session=self.session, actor=self.cashier, at=self.at(), key=self.key(),
                approver=self.site.manager,
            )  # fmt: skip

    def top_up(self, accounts: Sequence[ValueAccount]) -> None:
        """Named accounts and one bearer's card; a part of one is paid out again."""
        plans = list(TopUpPlan.objects.order_by("position"))
        tops = []
        for number, account in enumerate(accounts[: self.many(TOP_UPS)]):
            plan = plans[number % 2]
            asked = topping.Asked(plan.amount, self.site.tenders["WECHAT"], plan=plan)
            tops.append(self._top_up(account, asked))
        card = value_accounts.open_bearer(
            card="66880001", station=self.site.station, at=self.at(), actor=self.cashier
        )
        self._top_up(card, topping.Asked(Decimal("300.00"), self.site.tenders["CASH"]))
        for top in tops[:1]:
            topping.refund(
                top=top, amount=Decimal("200.00"), reference="", reason="顾客要求退回部分余额",
                session=self.session, actor=self.cashier, at=self.at(), key=self.key(),
                approver=self.site.manager,
            )  # fmt: skip

    def _top_up(self, account: ValueAccount, asked: topping.Asked) -> TopUp:
        return topping.top_up(
            account=account, asked=asked, session=self.session, actor=self.cashier, at=self.at(), key=self.key()
        )  # fmt: skip

    # -- at the mall ----------------------------------------------------------------------------

    def order(self, members: Sequence[Member]) -> list[Redemption]:
        """Orders of every kind; some handed out, some waiting, some taken back."""
        shelf = list(Reward.objects.select_related("item").order_by("pk"))
        made = []
        for number, member in enumerate(members[: self.many(ORDERS)]):
            able = [one for one in shelf if one.cost_points <= member.points.balance]
            if able:  # the shelf from one end to the other
                with suppress(NotEnoughStock):
                    made.append(self._order(member, able[number % len(able)], number))
        coupons_of_rewards.issue_waiting(at=self.at())
        value_rewards.top_up_waiting(at=self.at())
        self._end(made)
        return made

    def _order(self, member: Member, reward: Reward, number: int) -> Redemption:
        """The member shows his phone's code and takes a reward; every third one comes for it later."""
        at = self.at()
        present_codes.arrive(
            code=code_for(member_id=member.pk, at=at), station=self.site.station, at=at, actor=self.cashier
        )  # fmt: skip
        seen = presence.by_reading(member=member, session=self.session, at=at)
        wish = Wish(self.key(), member, reward, self.site.station, till=self.session.till)
        return redemptions.redeem(
            wish=wish, presence=seen, at=at, actor=self.cashier, hand_out=number % 3 != 0
        )

    def _end(self, made: Sequence[Redemption]) -> None:
        """Codes of services are used up, some orders are taken back, the rest waits to be fetched."""
        for number, order in enumerate(made):
            order.refresh_from_db()
            if order.state != Redemption.State.RESERVED:
                continue
            if order.code and number % 2:
                redemption_endings.verify(
                    code=order.code, station=self.site.station, at=self.at(), actor=self.cashier
                )
            elif number % 5 == 3:
                redemption_endings.cancel(
                    order=order, reason="会员改主意，不要了", at=self.at(), actor=self.cashier
                )

    # -- what the limits find -------------------------------------------------------------------

    def provoke(self, members: Sequence[Member]) -> None:
        """One card at two cars within the hour, and points that are wanted just after a new phone."""
        two_cars, new_phone = members[:2]
        for plate in ("云AT7001", "云AT7002"):
            self.settle(self.item("9001"), two_cars.pk, plate=plate)
        profiles.change(
            member=new_phone, phone="13800009527", at=self.at(), actor=self.site.manager
        )
        reward = Reward.objects.earliest("cost_points")
        with suppress(OverTheLimit):  # its case is kept
            self._order(new_phone, reward, 1)


def keep_the_shift(demo: Demo, *, seed: int, scale: float) -> None:
    """Let everything happen in the open shift, once the club is open. Call it once."""
    site, live, until = demo.site, demo.live, demo.until
    session = TillSession.objects.get(station=site.station, status=TillSession.Status.OPEN)
    duty = Duty(site, since=live[-1].car.paid if live else session.opened_at, until=until, seed=seed, scale=scale)  # fmt: skip
    accounts = list(
        ValueAccount.objects.filter(status="ACTIVE", principal__gte=50).order_by("-principal")
    )
    comes = list(dict.fromkeys(one.member for one in live if one.member))
    active = Member.objects.filter(status=Member.Status.ACTIVE).select_related("points", "key")
    rich = list(
        active.filter(points__balance__gte=200)
        .exclude(pk__in=comes)
        .exclude(value_accounts__in=accounts)
        .order_by("pk")
    )
    duty.chance.shuffle(rich)
    # Who comes in this shift is in the pools, so that they have a share of something.
    known = active.filter(value_accounts=None).in_bulk(comes)
    places = [known[pk] for pk in comes if pk in known][:5]
    places += [rich.pop() for _ in range(min(9 - len(places), len(rich)))]
    groups.gather(site, members=places, at=demo.opens)
    coupons = Coupon.objects.filter(state=Coupon.State.ISSUED, member__isnull=False)
    with_coupons = list(coupons.order_by("pk").values_list("member_id", flat=True).distinct())
    drivers = [one.pk for one in places[3:5]]
    duty.sell(live, [*with_coupons, *drivers], accounts[4:])
    duty.give_back(duty.sell_goods(accounts[4:8]))
    duty.top_up(accounts[-4:])
    # Who can afford anything comes first; some have paid with points since.
    left = active.filter(pk__in=[one.pk for one in rich], points__balance__gte=200)
    comers = list(left.order_by("pk"))
    duty.chance.shuffle(comers)
    comers.sort(key=lambda one: one.points.balance < 1000)
    if len(comers) > 2:
        duty.provoke(comers[:2])
    duty.order(comers[2:])
    groups.set_targets(site, at=until, members=Member.objects.count())


def _spread(since: datetime, until: datetime) -> Iterator[datetime]:
    """Instants one after the other, ever closer to the end, which none passes."""
    at = since
    while True:
        yield at
        at += min(timedelta(seconds=20), (until - at) / 50)
