"""Stored value that members bring from an older system: two columns of the import."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from decimal import Decimal, InvalidOperation

from django.db.models import Q, QuerySet, Sum

from members.models import ImportBatch, Member, ValueAccount, ValueTxn
from members.services import value_moving
from members.services.import_rows import Extra
from members.services.value_keeping import Kind, Status, ValueRefused, locked, post
from station.models import BusinessDay, Station, User
from station.money import FEN, ZERO, Yuan
from station.queries.calendar import open_day

PRINCIPAL, BONUS = "储值本金", "储值赠金"
MOST = Decimal("999999.99")


def amount_of(text: str) -> Yuan | None:
    """A balance as typed, in yuan; zero for an empty cell, None for what is none."""
    try:
        amount = Decimal(text.strip().replace(",", "") or "0")
        if not amount.is_finite() or not 0 <= amount <= MOST or amount != amount.quantize(FEN):
            return None
    except InvalidOperation:
        return None
    return amount.quantize(FEN)


def check(values: Mapping[str, str], *, at: datetime) -> str:
    """What is wrong with a row's balances."""
    for name in (PRINCIPAL, BONUS):
        if amount_of(values.get(name, "")) is None:
            return f"{name}看不懂：应为 0 到 {MOST} 的金额，最多两位小数。"
    return ""


def totals(values: Mapping[str, str]) -> dict[str, Decimal]:
    """A row's balances."""
    return {name: amount_of(values.get(name, "")) or ZERO for name in (PRINCIPAL, BONUS)}


def booked(batch: ImportBatch) -> dict[str, Decimal]:
    """What of a batch's balances is in the ledger: brought in, less what was taken out again."""
    brought = Q(idem__startswith=f"import:{batch.pk}:") | Q(
        idem__startswith=f"unimport:{batch.pk}:"
    )
    sums = ValueTxn.objects.filter(brought).aggregate(
        principal=Sum("principal", default=ZERO), bonus=Sum("bonus", default=ZERO)
    )
    return {PRINCIPAL: sums["principal"], BONUS: sums["bonus"]}


def ready(batch: ImportBatch) -> str:
    """Why balances cannot be booked now: there are some, and no business day to book them on."""
    if not any(Decimal(batch.sums.get(name, "0")) for name in (PRINCIPAL, BONUS)):
        return ""
    return "" if open_day(batch.station) else "本站还没有营业日，储值不能入账。请先开始营业日。"


def take(
    *,
    pairs: Sequence[tuple[Member, Mapping[str, str]]],
    batch: ImportBatch,
    at: datetime,
    actor: User,
) -> None:
    """Open an account for each new member with a balance and book it. Refuses without a day."""
    told = [(member, totals(values)) for member, values in pairs]
    told = [(member, sums) for member, sums in told if any(sums.values())]
    day = _day(batch.station) if told else None
    for member, sums in told:
        assert day is not None
        value_moving.bring_in(
            member=member,
            principal=sums[PRINCIPAL],
            bonus=sums[BONUS],
            source=f"{batch.pk}:{member.number}",
            day=day,
            at=at,
            actor=actor,
        )


def touched(batch: ImportBatch) -> QuerySet[ValueTxn, int]:
    """Members of a batch whose stored value moved since."""
    moved = ValueTxn.objects.filter(account__member__batch=batch)
    return moved.exclude(kind=Kind.IMPORT).values_list("account__member", flat=True)


def give_back(*, ids: Sequence[int], batch: ImportBatch, at: datetime, actor: User | None) -> None:
    """Take out what untouched members brought and close their accounts. Refuses without a day."""
    rows = ValueAccount.objects.filter(member__in=ids).exclude(status=Status.CLOSED)
    held = locked(rows.values_list("pk", flat=True))
    day = _day(batch.station) if held else None
    for pk, account in held.items():
        assert day is not None
        if account.balance:
            post(
                account=account,
                kind=Kind.ADJUST,
                document=f"导入 {batch.pk}",
                idem=f"unimport:{batch.pk}:{pk}",
                principal=-account.principal,
                bonus=-account.bonus,
                day=day,
                at=at,
                actor=actor,
                words="撤销导入",
            )
        account.status = Status.CLOSED
        account.save(update_fields=["status"])


def _day(station: Station) -> BusinessDay:
    day = open_day(station)
    if day is None:
        raise ValueRefused("没有入账：本站还没有营业日。请先开始营业日。")
    return day


VALUE = Extra((PRINCIPAL, BONUS), check, take, totals, booked, ready, touched, give_back)
