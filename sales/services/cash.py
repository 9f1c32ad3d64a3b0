"""The drawer besides sales: safe drops, paid-ins, paid-outs; and what goes to the bank."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from django.db import IntegrityError, transaction

from sales.models import CashMovement, Deposit, DepositLine
from sales.queries.sessions import takings
from sales.services.keys import check_key
from station.errors import Refusal
from station.models import BusinessDay, Station, TillSession, User
from station.money import ZERO, Yuan
from station.queries.calendar import open_day
from station.services import audit
from station.services.numbering import next_number

Kind = CashMovement.Kind


class KeyMissing(Refusal):
    """Without a key of its own, a second click would be a second movement, or be lost as the first."""


class BadAmount(Refusal):
    """The amount is not what the movement needs."""


class WitnessMissing(Refusal):
    """Nobody else saw it."""


class DrawerCounted(Refusal):
    """The session was counted; its drawer does not move any more."""


class NothingToDeposit(Refusal):
    """The cash was deposited already, or is not accepted yet."""


class SlipKnown(Refusal):
    """A deposit with this bank's slip is there already."""


class SumDiffers(Refusal):
    """What was chosen is not what the bank received."""


@transaction.atomic
def move(
    *,
    session: TillSession,
    kind: str,
    amount: Yuan,
    at: datetime,
    actor: User,
    client_key: str,
    reason: str = "",
    witness: User | None = None,
) -> CashMovement:
    """中途缴款 into the safe, 零星收入 or 零星支出, in yuan above zero. Twice is once.

    Refuses KeyMissing, BadAmount, DrawerCounted, and a paid-in or paid-out without a reason (BadAmount) or
    without somebody else who saw it (WitnessMissing); a drop is seen when the safe is counted.
    """
    check_key(client_key, refused=KeyMissing, undone="没有登记")
    if amount <= 0:
        raise BadAmount("金额必须大于零，请重新填写。")
    if kind != Kind.DROP:
        _refuse_silent(reason, witness, actor)
    held = _locked(session)
    known = CashMovement.objects.filter(client_key=client_key).first()
    if known is not None:
        return _same(known, kind, amount)
    _refuse_counted(held)
    day = held.shift.day
    movement = CashMovement.objects.create(
        station=held.station,
        number=next_number(station=held.station, kind="C", day=day.date, till=held.till.number),
        session=held,
        day=day,
        kind=kind,
        amount=amount if kind == Kind.PAID_IN else -amount,
        reason=reason.strip(),
        client_key=client_key,
        actor=actor,
        witness=witness,
        occurred_at=at,
    )
    audit.record(
        at=at,
        actor=actor,
        action=f"sales.cash.{kind.lower()}",
        station=held.station,
        document=movement.number,
        reason=reason,
        after={"amount": str(movement.amount), "witness": witness.name if witness else ""},
    )
    return movement


def _locked(session: TillSession) -> TillSession:
    return (
        TillSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("station", "till", "shift__day")
        .get(pk=session.pk)
    )


def _same(known: CashMovement, kind: str, amount: Yuan) -> CashMovement:
    """What this key made; another amount under it is a page gone back to, not a second click."""
    if (known.kind, abs(known.amount)) != (kind, amount):
        raise KeyMissing(f"没有登记：这一页已用来登记 {known.number}。请刷新后重新填写。")
    return known


def _refuse_counted(session: TillSession) -> None:
    if session.status not in (TillSession.Status.OPEN, TillSession.Status.ENDED):
        raise DrawerCounted(f"{session.till} 的收银班已点款，现金不能再变动，请记到当班的收银班。")


def _refuse_silent(reason: str, witness: User | None, actor: User) -> None:
    if not reason.strip():
        raise BadAmount("零星收支必须写明原因。")
    if witness is None or witness == actor:
        raise WitnessMissing("零星收支须有另一人见证，请见证人输入账号和口令。")


def deposit(
    *,
    station: Station,
    sessions: Sequence[TillSession],
    drops: Sequence[CashMovement],
    amount: Yuan,
    bank: str,
    slip_no: str,
    at: datetime,
    actor: User,
    client_key: str,
) -> Deposit:
    """存行: bring accepted takings and safe drops to the bank under the slip's number. Twice is once.

    The amount the bank stamped must equal what was chosen. Refuses with KeyMissing,
    NothingToDeposit, SumDiffers, or SlipKnown for a slip that was entered before.
    """
    check_key(client_key, refused=KeyMissing, undone="没有登记")
    known = Deposit.objects.filter(client_key=client_key).first()
    if known is not None:
        return known
    try:
        with transaction.atomic():
            return _deposit(station, sessions, drops, amount, bank, slip_no, at, actor, client_key)
    except IntegrityError as error:
        return _deposited_meanwhile(client_key, bank, slip_no, error)


def _deposited_meanwhile(
    client_key: str, bank: str, slip_no: str, error: IntegrityError
) -> Deposit:
    """Another request was first: the same one twice, the same slip, or the same cash."""
    twin = Deposit.objects.filter(client_key=client_key).first()
    if twin is not None:
        return twin
    if "one_deposit_per_bank_slip" in str(error):
        raise SlipKnown(
            f"没有登记：{bank.strip()} 的缴款单 {slip_no.strip()} 已登记过，请核对回单上的单号。"
        ) from error
    if "sales_depositline" in str(error):
        raise NothingToDeposit("所选款项刚被别处登记存行，请刷新页面后重新勾选。") from error
    raise error


def _deposit(
    station: Station,
    sessions: Sequence[TillSession],
    drops: Sequence[CashMovement],
    amount: Yuan,
    bank: str,
    slip_no: str,
    at: datetime,
    actor: User,
    client_key: str,
) -> Deposit:
    if not bank.strip() or not slip_no.strip():
        raise BadAmount("请填写银行和缴款单号，单号在银行盖章的回单上。")
    day = _day_to_book(station)
    lines = _lines(station, sessions, drops)
    _refuse_sum(lines, amount)
    made = Deposit.objects.create(
        station=station,
        number=next_number(station=station, kind="CD", day=day.date),
        day=day,
        amount=amount,
        bank=bank.strip(),
        slip_no=slip_no.strip(),
        actor=actor,
        client_key=client_key,
        occurred_at=at,
    )
    for line in lines:
        line.deposit = made
    DepositLine.objects.bulk_create(lines)
    audit.record(
        at=at,
        actor=actor,
        action="sales.cash.deposited",
        station=station,
        document=made.number,
        after={"amount": str(amount), "bank": made.bank, "slip_no": made.slip_no},
    )
    return made


def _refuse_sum(lines: Sequence[DepositLine], amount: Yuan) -> None:
    total = sum((line.amount for line in lines), ZERO)
    if total != amount or total <= 0:
        raise SumDiffers(
            f"所选款项合计 {total} 元，与填写的 {amount} 元不符：请核对勾选的项目和回单金额。"
        )


def _day_to_book(station: Station) -> BusinessDay:
    day = open_day(station)
    if day is None:
        raise NothingToDeposit("油站还没有开始营业，不能登记存行。")
    return day


def _lines(
    station: Station, sessions: Sequence[TillSession], drops: Sequence[CashMovement]
) -> list[DepositLine]:
    """The chosen cash as lines, locked. Refuses what was deposited already or is not accepted."""
    held = list(
        TillSession.objects.select_for_update(of=("self",), no_key=True)
        .select_related("count", "till", "cashier")
        .filter(station=station, pk__in=[session.pk for session in sessions])
        .filter(status=TillSession.Status.CLOSED, deposit_line=None)
        .order_by("pk")
    )
    moved = list(
        CashMovement.objects.select_for_update(of=("self",), no_key=True)
        .filter(station=station, kind=Kind.DROP, pk__in=[row.pk for row in drops])
        .filter(deposit_line=None)
        .order_by("pk")
    )
    if len(held) != len(sessions) or len(moved) != len(drops) or not (held or moved):
        raise NothingToDeposit("所选款项里有的尚未接收、或已经存行，请刷新页面后重新勾选。")
    return [
        *(DepositLine(session=session, amount=takings(session)) for session in held),
        *(DepositLine(drop=row, amount=-row.amount) for row in moved),
    ]
