"""改牌: the price sign before the pumps on a rise, after them on a fall, so that nobody pays more
than the sign says.

A rise of a grade that a sign shows is `held`: it is no price yet. The sign is set (or a person sets
it and says so), and from the instant that every sign of the grade shows it the price holds and goes
to the pumps. A fall is a price at its second; the sign follows when every pump has read it back. A
person may let a rise go to the pumps, or a sign change, without waiting: with a reason, audited.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, QuerySet
from django.urls import reverse

from devices.models import Alarm, Command, PriceSign, SignRow
from devices.queries.signs import rows_in_use
from devices.services import alarms, commands
from sales.models import PriceDownload, SignStep
from sales.services import price_downloads
from station.errors import Refusal
from station.models import Alert, PriceChange, PriceLine, Station, User
from station.money import Yuan
from station.queries import settings
from station.queries.prices import prices_at
from station.services import alerts, audit

Status, Order = SignStep.Status, SignStep.Order
LIVE = (Status.WAITING, Status.ASKED)
ORDER_SECONDS = 10
RETRY_SECONDS = 5
FRESH = timedelta(seconds=10)  # what a sign said longer ago is not what it shows
DRIFT_AGAIN = timedelta(seconds=30)


class StepOver(Refusal):
    """The sign shows it, somebody decided, or a later price has taken its place."""


class NotByHand(Refusal):
    """A sign on a line says itself what it shows."""


class ReasonMissing(Refusal):
    """To go on without the sign takes a reason."""


@transaction.atomic
def begin(*, change: PriceChange, before: Mapping[int, Yuan], at: datetime) -> Sequence[PriceLine]:
    """Start the steps of a change that comes into force; the lines that wait for a sign.

    `before` are the prices (by grade id) until now. Never refuses. A step of an earlier change that
    is still under way is overtaken, and its price never holds.
    """
    lines = list(change.lines.select_related("grade").order_by("pk"))
    _overtake(change.station, [line.grade_id for line in lines], at)
    rows: dict[int, list[SignRow]] = {}
    # Steps before rows, as everywhere; nobody puts a row right while its price changes.
    for row in _locked(rows_in_use(change.station)):
        assert row.grade_id is not None
        rows.setdefault(row.grade_id, []).append(row)
    lines = [line for line in lines if line.grade_id in rows]
    held = [line for line in lines if _rises(line, before)]
    PriceLine.objects.filter(pk__in=[line.pk for line in held]).update(held=True)
    for line in lines:
        first = line in held
        for row in rows[line.grade_id]:
            step = SignStep.objects.create(
                change=change,
                row=row,
                grade=line.grade,
                price=line.price,
                order=Order.SIGN_FIRST if first else Order.PUMPS_FIRST,
                status=Status.WAITING,
            )
            if first:
                _ask(step, at)
    return held


def _locked(rows: QuerySet[SignRow]) -> QuerySet[SignRow]:
    return rows.select_for_update(of=("self",), no_key=True).order_by("pk")


def _rises(line: PriceLine, before: Mapping[int, Yuan]) -> bool:
    old = before.get(line.grade_id)
    return old is not None and line.price > old


def _overtake(station: Station, grades: Sequence[int], at: datetime) -> None:
    """A later price of the grade: what was under way for an earlier one is over."""
    over = SignStep.objects.select_for_update(of=("self",)).filter(
        change__station=station, grade__in=grades, status__in=LIVE
    )
    for step in over.select_related("change__station", "row__sign").order_by("pk"):
        SignStep.objects.filter(pk=step.pk).update(status=Status.SUPERSEDED, done_at=at)
        _rest(step, at)


def _ask(step: SignStep, at: datetime) -> None:
    """Have the sign changed: by the line, or by whoever reads the alert."""
    sign = step.row.sign
    command = None
    if sign.kind == PriceSign.Kind.LINE:
        command = _order(step.row, step.price, step.change.number, at)
    SignStep.objects.filter(pk=step.pk).update(
        status=Status.ASKED,
        command=command,
        attempts=F("attempts") + 1,
        asked_at=step.asked_at or at,
    )
    if sign.kind == PriceSign.Kind.MANUAL:
        then = "确认后油枪才执行新价" if step.order == Order.SIGN_FIRST else "油枪已是新价"
        _alert(
            step,
            f"请把{step.row}（{step.grade}）改成 {step.price}，改好后在调价单上确认；{then}",
            at,
        )


def _order(row: SignRow, price: Yuan, document: str, at: datetime) -> Command:
    return commands.queue(
        kind=Command.Kind.SIGN,
        station=row.sign.station,
        arguments={"line": row.sign.line_id, "row": row.row, "price": str(price)},
        document=document,
        actor=None,
        at=at,
        seconds=ORDER_SECONDS,
    )


@transaction.atomic
def follow_up(*, at: datetime) -> int:
    """Go on with every step under way; the number looked at. Several workers may run this at once."""
    under_way = (
        SignStep.objects.select_for_update(skip_locked=True, of=("self",))
        .filter(status__in=LIVE)
        .select_related("change__station", "row__sign__station", "grade", "command")
        .order_by("pk")
    )
    count = 0
    for step in under_way:
        if step.status == Status.WAITING:
            if _pumps_done(step):
                _ask(step, at)
        else:
            _answered(step, at)
        count += 1
    return count


def _pumps_done(step: SignStep) -> bool:
    """Every pump in use has read the lower price back."""
    return not (
        PriceDownload.objects.filter(
            change=step.change, nozzle__tank__grade=step.grade, nozzle__active=True
        )
        .exclude(status=PriceDownload.Status.DONE)
        .exists()
    )


def _answered(step: SignStep, at: datetime) -> None:
    command = step.command
    if command is not None and command.status == Command.Status.DONE:
        _shown(step, by=None, at=command.finished_at or at)
        return
    late = command is not None and command.valid_until < at
    if command is not None and (
        command.status in (Command.Status.FAILED, Command.Status.VOID) or late
    ):
        why = command.answer or "没有得到确认"
        SignStep.objects.filter(pk=step.pk).update(last_error=why[:200])
        ended = command.finished_at or command.valid_until
        if ended + timedelta(seconds=RETRY_SECONDS) <= at:
            _ask(step, at)
    _too_long(step, at)


def _too_long(step: SignStep, at: datetime) -> None:
    limit = timedelta(minutes=settings.whole("sales.sign_minutes", step.change.station))
    if step.asked_at is None or step.asked_at + limit > at:
        return
    if Alert.objects.filter(key=_key(step), level=Alert.Level.CRITICAL).exists():
        return  # said once
    kept = "油枪仍按原价" if step.order == Order.SIGN_FIRST else "油枪已是新价，牌上还是高价"
    _alert(
        step,
        f"{step.row}（{step.grade}）还没有改成 {step.price}，{kept}。"
        f"请修好价格牌；等不及就在调价单 {step.change.number} 上写明原因放行",
        at,
        level=Alert.Level.CRITICAL,
    )


@transaction.atomic
def confirm(*, step: SignStep, actor: User, at: datetime) -> None:
    """A person has changed the digits. Audited. Twice is the same as once.

    Refuses NotByHand a sign on a line, StepOver what is overtaken or not yet to be changed.
    """
    held = _held(step)
    if held.row.sign.kind != PriceSign.Kind.MANUAL:
        raise NotByHand(f"没有确认：{held.row}是联机的，以它读回的价格为准")
    if held.status == Status.SHOWN:
        return
    if held.status == Status.WAITING:
        raise StepOver(f"没有确认：{held.grade} 降价要等油枪都改完再改牌，请稍等")
    _refuse_over(held)
    _shown(held, by=actor, at=at)
    _note(held, "sales.sign.confirmed", actor, at)


@transaction.atomic
def override(*, step: SignStep, reason: str, actor: User, at: datetime) -> None:
    """Go on without waiting: a rise to the pumps without the sign, a fall to the sign without the pumps.

    Audited. Refuses ReasonMissing, and StepOver what is done or overtaken.
    """
    reason = reason.strip()[:200]
    if not reason:
        raise ReasonMissing("没有放行：请写明为什么不等，例如“价格牌坏了，已贴纸公示新价”")
    held = _held(step)
    _refuse_over(held)
    if held.order == Order.PUMPS_FIRST and held.status == Status.WAITING:
        _ask(held, at)
        _note(held, "sales.sign.not_waited", actor, at, reason)
        return
    SignStep.objects.filter(pk=held.pk).update(
        status=Status.OVERRIDDEN, done_at=at, done_by=actor, reason=reason
    )
    _rest(held, at)
    _note(held, "sales.sign.overridden", actor, at, reason)
    _release(held, at)


def _held(step: SignStep) -> SignStep:
    return (
        SignStep.objects.select_for_update(of=("self",))
        .select_related("change__station", "row__sign__station", "grade")
        .get(pk=step.pk)
    )


def _refuse_over(step: SignStep) -> None:
    if step.status not in LIVE:
        raise StepOver(f"没有办理：{step.row}{step.get_status_display()}，请刷新页面")


def _shown(step: SignStep, *, by: User | None, at: datetime) -> None:
    SignStep.objects.filter(pk=step.pk).update(
        status=Status.SHOWN, done_at=at, done_by=by, last_error=""
    )
    # The line has read it back; where a person changed the digits, his word is what they show.
    SignRow.objects.filter(pk=step.row_id).update(shown=step.price, heard_at=at)
    _rest(step, at)
    _release(step, at)


def _release(step: SignStep, at: datetime) -> None:
    """The price of a rise holds, once every sign of its grade is through; then the pumps get it.

    Steps are locked before the line. Of two signs that end in the same instant the second waits
    here for the first and finds it done.
    """
    if step.order != Order.SIGN_FIRST:
        return
    lines = PriceLine.objects.select_for_update(of=("self",))
    line = lines.filter(change=step.change, grade=step.grade, held=True).first()
    waiting = SignStep.objects.filter(change=step.change, grade=step.grade, status__in=LIVE)
    if line is None or waiting.exists():
        return
    before = prices_at(station=step.change.station, at=at)
    PriceLine.objects.filter(pk=line.pk).update(held=False, since=at)
    price_downloads.start(
        change=step.change, prices={line.grade_id: line.price}, before=before, at=at
    )


@transaction.atomic
def keep_right(*, at: datetime) -> int:
    """Set again what a sign on a line shows wrong, dark after a power cut or new; how many rows.

    A row that a change is under way for is the change's own.
    """
    rows = SignRow.objects.select_for_update(skip_locked=True, of=("self",), no_key=True).filter(
        sign__active=True,
        sign__kind=PriceSign.Kind.LINE,
        sign__station__active=True,
        grade__isnull=False,
        heard_at__gte=at - FRESH,
    )
    found = list(rows.select_related("sign__station", "grade").order_by("pk"))
    # Asked only now, with the rows in hand: whoever starts a change waits for them.
    busy = set(SignStep.objects.filter(status__in=LIVE).values_list("row", flat=True))
    wrong = set(_wrong().values_list("subject", flat=True))
    posted: dict[int, dict[int, Yuan]] = {}
    count = 0
    for row in found:
        station = row.sign.station
        if station.pk not in posted:
            posted[station.pk] = prices_at(station=station, at=at)
        wanted = posted[station.pk].get(row.grade_id or 0)
        if row.pk in busy or wanted is None:
            continue
        if row.shown != wanted:
            count += _put_right(row, wanted, at, said=str(row) in wrong)
        elif str(row) in wrong:
            alarms.clear_alarm(station=station, kind=Alarm.Kind.SIGN, subject=str(row), at=at)
    return count


def _wrong() -> QuerySet[Alarm]:
    return Alarm.objects.filter(kind=Alarm.Kind.SIGN, status__in=alarms.LIVE)


def _put_right(row: SignRow, wanted: Yuan, at: datetime, *, said: bool) -> bool:
    """Order the row anew; where that has just been tried in vain, say so. False without an order."""
    tried = Command.objects.filter(
        kind=Command.Kind.SIGN,
        station=row.sign.station,
        asked_at__gte=at - DRIFT_AGAIN,
        arguments__line=row.sign.line_id,
        arguments__row=row.row,
    )
    last = tried.order_by("-pk").first()
    if last is None:
        _order(row, wanted, "", at)
        return True
    if not said and last.status in (Command.Status.FAILED, Command.Status.VOID):
        shown = "全暗" if row.shown is None else f"{row.shown}"
        alarms.raise_alarm(
            station=row.sign.station,
            kind=Alarm.Kind.SIGN,
            subject=str(row),
            text=f"{row}显示 {shown}，应为 {row.grade} {wanted}：{last.answer}",
            at=at,
        )
    return False


def _alert(
    step: SignStep, text: str, at: datetime, *, level: Alert.Level = Alert.Level.WARNING
) -> None:
    alerts.raise_alert(
        station=step.change.station,
        key=_key(step),
        kind="sales.sign",
        level=level,
        text=text,
        at=at,
        url=reverse("sales:price_change", args=[step.change.number]),
    )


def _rest(step: SignStep, at: datetime) -> None:
    alerts.clear_alert(station=step.change.station, key=_key(step), at=at)


def _key(step: SignStep) -> str:
    return f"sign:{step.pk}"


def _note(step: SignStep, action: str, actor: User, at: datetime, reason: str = "") -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=step.change.station,
        document=step.change.number,
        reason=reason,
        after={
            "价格牌": str(step.row),
            step.grade.code: str(step.price),
            "次序": step.get_order_display(),
        },
    )
