"""充值单, asked: what of one may be given back and on which terms, and what stands on its paper."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import F, QuerySet, Sum

from members.models import Purchase, ValueAccount
from members.queries.value import share_back
from sales.models import Payment, TopUp
from sales.queries.receipts import Paper, Row, stamp
from station.models import Station
from station.money import ZERO, Yuan


@dataclass(frozen=True)
class Back:
    """What giving up so much principal means: paid out, bonus taken back, and principal kept for it."""

    paid_out: Yuan
    bonus: Yuan
    withheld: Yuan


@dataclass(frozen=True)
class RefundTerms:
    """What of a top-up may still be given back, and how. Yuan."""

    principal: Yuan  # of the top-up
    bonus: Yuan  # given with it
    gone: Yuan  # principal that refunds used up already
    in_account: Yuan  # principal in the account now
    bonus_in_account: Yuan
    free_until: datetime
    is_free: bool
    bought_before: bool

    @property
    def most(self) -> Yuan:
        """The most principal that can be given up."""
        return max(min(self.principal - self.gone, self.in_account), ZERO)

    def of(self, amount: Yuan) -> Back:
        """The parts for an amount of principal: bonus first, by the rule that was printed."""
        owed = share_back(whole=self.principal, part=self.bonus, before=self.gone, now=amount)
        bonus = min(owed, self.bonus_in_account)
        withheld = ZERO if self.is_free else min(owed - bonus, amount)
        return Back(amount - withheld, bonus, withheld)


def top_ups() -> QuerySet[TopUp]:
    """Top-ups and their refunds with what pages show."""
    return TopUp.objects.select_related(
        "station", "account__member", "account__station", "tender", "cashier", "plan",
        "session__till", "original", "approved_by", "buyer", "day",
    )  # fmt: skip


def top_ups_of(stations: Iterable[Station]) -> QuerySet[TopUp]:
    """The same of some stations."""
    return top_ups().filter(station__in=list(stations))


def terms_of(*, top: TopUp, account: ValueAccount, days: int, at: datetime) -> RefundTerms:
    """The terms of a refund now. `days` is how long principal comes back whole. Two statements.

    The first days count from the payment; that the member bought something before his top-up is
    said, since the right by law then does not hold, but the station may still give it.
    """
    gone = top.refunds.aggregate(gone=Sum(F("principal") + F("withheld"), default=ZERO))["gone"]
    until = top.occurred_at + timedelta(days=days)
    before = Purchase.objects.filter(member=account.member_id or 0, occurred_at__lt=top.occurred_at)
    return RefundTerms(
        principal=top.principal,
        bonus=top.bonus,
        gone=gone,
        in_account=account.principal,
        bonus_in_account=account.bonus,
        free_until=until,
        is_free=at <= until,
        bought_before=account.member_id is not None and before.exists(),
    )


def paper_of(*, top: TopUp) -> Paper:
    """The receipt of a top-up or of money given back. One statement."""
    paid = Payment.objects.filter(document=top.number).order_by("pk").first()
    return Paper(tuple(_rows(top, paid)), code=top.number)


def _rows(top: TopUp, paid: Payment | None) -> Iterator[Row]:
    is_refund = top.kind == TopUp.Kind.REFUND
    yield Row(top.station.name, big=True, centre=True)
    yield Row("储值退款小票" if is_refund else "储值充值小票", centre=True)
    yield Row(rule=True)
    yield Row(f"单号 {top.number}")
    if top.original is not None:
        yield Row(f"充值单 {top.original.number}")
    yield Row(f"时间 {stamp(top.occurred_at)}")
    yield Row(top.session.till.name, f"收银员 {top.cashier.name}")
    yield Row(f"账户 {top.account.number}", top.account.get_kind_display())
    if top.account.expires_on is not None:
        yield Row("有效期至", f"{top.account.expires_on}")
    yield Row(rule=True)
    if top.plan is not None:
        yield Row(f"档位 {top.plan.name}")
    if top.bonus:
        yield Row("收回赠金" if is_refund else "赠送", f"{top.bonus}")
    if top.withheld:
        yield Row("抵扣已用赠金", f"-{top.withheld}")
    yield Row("应退" if is_refund else "充值", f"¥{top.principal}", big=True)
    yield Row(top.tender.name, f"{top.principal}")
    if paid is not None and paid.reference:
        yield Row(f"  凭证 {paid.reference}")
    yield Row(rule=True)
    yield Row("储值是预收款，不是消费；加油时开票。")
    if top.account.expires_on is not None:
        yield Row("过了有效期余额还在，来站激活或换卡再用。")
    yield Row(top.rule)
