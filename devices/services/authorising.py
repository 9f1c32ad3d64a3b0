"""Let fuel flow, and stop it: authorisations, presets, single stops and the stop of everything."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from decimal import Decimal

from django.db import IntegrityError, transaction
from django.db.models import Q, QuerySet

from devices.models import Authorisation, Command, NozzleState
from devices.queries.commands import last_stop
from devices.queries.holds import hold_of
from devices.queries.standing import refusal_of
from devices.services import commands
from station.errors import Refusal
from station.models import Nozzle, Station, User
from station.money import FEN, Litres, Yuan
from station.queries.prices import price_at
from station.services import audit

MOST_YUAN = Decimal("9999.99")
MOST_LITRES = Decimal("2000.00")
LIVE = (
    Authorisation.Status.WAITING,
    Authorisation.Status.SENT,
    Authorisation.Status.FUELLING,
)
State = NozzleState.State
ASK_AGAIN = timedelta(minutes=1)  # a pump that does not answer, for what has run out


class NotAuthorised(Refusal):
    """The nozzle cannot be let loose now."""


class PresetRefused(Refusal):
    """The preset is no figure that a pump can hold."""


class NotStopped(Refusal):
    """There is nothing to stop, suspend, resume or cancel."""


@transaction.atomic
def authorise(
    *,
    nozzle: Nozzle,
    actor: User | None,
    at: datetime,
    amount: Yuan | None = None,
    litres: Litres | None = None,
    price: Yuan | None = None,
    document: str = "",
    seconds: int = 120,
) -> Authorisation:
    """Authorise a nozzle, up to `amount` yuan or `litres`, or to the full when neither is given.

    `price` (元/升) is for a price that differs from the posted one. Refuses with PresetRefused a
    preset no pump can hold; with NotAuthorised a nozzle that is closed, silent, stopped, fuelling,
    already authorised, without a price, or whose pump does not yet hold the posted price.
    """
    _check_preset(amount=amount, litres=litres)
    posted = refuse_unready(nozzle=nozzle, at=at, own_price=price)
    authorisation = _keep(
        Authorisation(
            station=nozzle.station,
            nozzle=nozzle,
            limit_amount=amount,
            limit_litres=litres,
            unit_price=price if price is not None else posted,
            document=document,
            valid_until=at + timedelta(seconds=seconds),
            asked_by=actor,
            asked_at=at,
        )
    )
    _send_down(authorisation)
    figures = _arguments(authorisation)
    _record(
        actor=actor,
        at=at,
        action="devices.authorise",
        nozzle=nozzle,
        document=document,
        figures=figures,
    )
    return authorisation


def refuse_unready(*, nozzle: Nozzle, at: datetime, own_price: Yuan | None = None) -> Yuan:
    """The posted price (元/升) of a nozzle that may be let loose now; refuses NotAuthorised others,
    and one without a valid verification where the station says so."""
    if unverified := refusal_of(nozzle=nozzle, at=at):
        raise NotAuthorised(
            f"{nozzle} 未授权：{unverified}，本站设定为停止授权。请换一把枪，检定合格后在“检定与自校”登记"
        )
    posted = price_at(station=nozzle.station, grade=nozzle.tank.grade, at=at)
    return _check_nozzle(nozzle=nozzle, posted=posted, own_price=own_price)


def _send_down(authorisation: Authorisation) -> None:
    """Queue the order for the line."""
    commands.queue(
        kind=Command.Kind.AUTHORISE,
        station=authorisation.station,
        nozzle=authorisation.nozzle,
        authorisation=authorisation,
        arguments=_arguments(authorisation),
        document=authorisation.document,
        actor=authorisation.asked_by,
        at=authorisation.asked_at,
    )


@transaction.atomic
def cancel(*, authorisation: Authorisation, actor: User | None, at: datetime) -> Authorisation:
    """Take an authorisation back before fuel flows; it is over when the pump has said so.

    One whose order no poller took is over at once. Returns it as it stands then: while it is still
    live, fuel may flow under it. Refuses one that is fuelling or over.
    """
    orders = Command.objects.filter(authorisation=authorisation)
    unsent = _withdraw(orders, why="授权已取消", at=at)  # commands first, as the poller locks them
    held = (
        Authorisation.objects.select_for_update(of=("self",))
        .select_related("nozzle", "station")
        .get(pk=authorisation.pk)
    )
    nozzle = held.nozzle
    if held.status == Authorisation.Status.FUELLING:
        raise NotStopped(f"{nozzle} 的授权未取消：已经在加油，请用停枪")
    if held.status not in LIVE:
        raise NotStopped(f"{nozzle} 的授权未取消：它{held.get_status_display()}，不需要再取消")
    if unsent:
        held.status = Authorisation.Status.CANCELLED
        held.save(update_fields=["status"])
    elif not take_back(authorisation=held, actor=actor, at=at):
        return held
    _record(actor=actor, at=at, action="devices.cancel", nozzle=nozzle, document=held.document)
    return held


def take_back(
    *,
    authorisation: Authorisation,
    actor: User | None,
    at: datetime,
    pause: timedelta = timedelta(0),
) -> bool:
    """Ask the pump to give an authorisation back; False while it is asked, or was within `pause`.

    Nothing is over by asking: what becomes of the authorisation is the line's word. Never refuses.
    """
    asked = Command.objects.filter(authorisation=authorisation, kind=Command.Kind.CANCEL)
    if asked.filter(Q(status__in=commands.UNDER_WAY) | Q(asked_at__gt=at - pause)).exists():
        return False
    commands.queue(
        kind=Command.Kind.CANCEL,
        station=authorisation.station,
        nozzle=authorisation.nozzle,
        authorisation=authorisation,
        document=authorisation.document,
        actor=actor,
        at=at,
    )
    return True


def _withdraw(orders: QuerySet[Command], *, why: str, at: datetime) -> list[int]:
    """Void orders that no poller has taken; the authorisations of which no pump can know."""
    unsent = orders.filter(kind=Command.Kind.AUTHORISE, status=Command.Status.WAITING)
    held = dict(unsent.select_for_update().order_by("pk").values_list("pk", "authorisation_id"))
    Command.objects.filter(pk__in=held).update(
        status=Command.Status.VOID, answer=why, finished_at=at
    )
    return [pk for pk in held.values() if pk is not None]


@transaction.atomic
def stop(*, nozzle: Nozzle, actor: User | None, at: datetime) -> Command:
    """停枪: end the delivery of one nozzle. Refuses a nozzle that is silent."""
    _refuse_state(nozzle, {State.OFFLINE}, "未停枪：加油机没有应答，请按加油机上的急停按钮")
    return _order(Command.Kind.STOP, nozzle=nozzle, actor=actor, at=at)


@transaction.atomic
def suspend(*, nozzle: Nozzle, actor: User | None, at: datetime) -> Command:
    """暂停: hold the delivery. Refuses a nozzle that does not deliver."""
    _demand_state(nozzle, {State.FUELLING, State.AUTHORISED}, "未暂停：它不在加油")
    return _order(Command.Kind.SUSPEND, nozzle=nozzle, actor=actor, at=at)


@transaction.atomic
def resume(*, nozzle: Nozzle, actor: User | None, at: datetime) -> Command:
    """继续: let a held delivery go on. Refuses a nozzle that is not suspended."""
    _refuse_stopped(nozzle.station, str(nozzle))
    _demand_state(nozzle, {State.SUSPENDED}, "未继续：它没有被暂停")
    return _order(Command.Kind.RESUME, nozzle=nozzle, actor=actor, at=at)


@transaction.atomic
def stop_all(*, station: Station, actor: User | None, at: datetime, reason: str = "") -> Command:
    """急停: void everything queued, take back every authorisation, stop every nozzle. Never refuses.

    What a pump may already know of ends when its line says so. The page sends it to the poller's local socket first, which needs no database; this row is
    the record, and the second way there.
    """
    unsent = _withdraw(Command.objects.filter(station=station), why="急停，已作废", at=at)
    commands.void_waiting(station=station, why="急停，已作废", at=at)
    Authorisation.objects.filter(pk__in=unsent).update(status=Authorisation.Status.CANCELLED)
    command = commands.queue(
        kind=Command.Kind.STOP_ALL, station=station, actor=actor, at=at, seconds=60
    )
    audit.record(
        at=at,
        actor=actor,
        action="devices.stop_all",
        station=station,
        document="急停",
        reason=reason,
    )
    return command


@transaction.atomic
def release_all(*, station: Station, actor: User | None, at: datetime, reason: str = "") -> Command:
    """解除急停: nozzles may be authorised again. Refuses when no stop holds."""
    if last_stop(station) is None:
        raise NotStopped("未解除急停：当前没有急停")
    command = commands.queue(
        kind=Command.Kind.RELEASE_ALL, station=station, actor=actor, at=at, seconds=60
    )
    audit.record(
        at=at,
        actor=actor,
        action="devices.release_all",
        station=station,
        document="急停",
        reason=reason,
    )
    return command


@transaction.atomic
def expire(*, at: datetime) -> int:
    """End authorisations nobody used in time; one that a pump may hold ends when the pump says so.

    Returns how many ended or were asked back. An answer that does not come is asked for again
    each minute.
    """
    unused = [Authorisation.Status.WAITING, Authorisation.Status.SENT]
    over = Authorisation.objects.filter(status__in=unused, valid_until__lt=at)
    count = 0
    for authorisation in over.select_related("nozzle", "station").order_by("pk"):
        orders = Command.objects.filter(authorisation=authorisation)
        if unsent := _withdraw(orders, why="授权已过期", at=at):
            ended = Authorisation.objects.filter(pk__in=unsent)
            count += ended.update(status=Authorisation.Status.EXPIRED)
        else:
            count += take_back(authorisation=authorisation, actor=None, at=at, pause=ASK_AGAIN)
    return count


def _keep(authorisation: Authorisation) -> Authorisation:
    try:
        with transaction.atomic():
            authorisation.save(force_insert=True)
    except IntegrityError as error:
        if "one_live_authorisation_per_nozzle" not in str(error):
            raise
        raise NotAuthorised(
            f"{authorisation.nozzle} 未再次授权：已有一个授权在等待或加油中，请先取消它"
        ) from error
    return authorisation


def _check_preset(*, amount: Yuan | None, litres: Litres | None) -> None:
    if amount is not None and litres is not None:
        raise PresetRefused("未预置：金额和升数只能填一个")
    for figure, most, unit in ((amount, MOST_YUAN, "元"), (litres, MOST_LITRES, "升")):
        if figure is None:
            continue
        if not 0 < figure <= most:
            raise PresetRefused(f"未预置：{figure} {unit}不在 0.01 到 {most} {unit}之间")
        if figure != figure.quantize(FEN):
            raise PresetRefused(f"未预置：加油机只认两位小数，{figure} {unit}请改成两位")


def _check_nozzle(*, nozzle: Nozzle, posted: Yuan | None, own_price: Yuan | None) -> Yuan:
    if not nozzle.active:
        raise NotAuthorised(f"{nozzle} 未授权：它已停用，请换一把枪")
    _refuse_stopped(nozzle.station, str(nozzle))
    _refuse_held(nozzle)
    state = NozzleState.objects.filter(nozzle=nozzle).first()
    if state is None or state.state == State.OFFLINE:
        raise NotAuthorised(f"{nozzle} 未授权：加油机离线，请检查通讯后再试")
    if state.state in {State.FUELLING, State.SUSPENDED, State.STOPPED, State.CLOSED}:
        raise NotAuthorised(f"{nozzle} 未授权：它正处于{state.get_state_display()}状态")
    if posted is None:
        raise NotAuthorised(f"{nozzle} 未授权：{nozzle.tank.grade} 还没有执行中的价格")
    held = state.unit_price
    if own_price is None and held is not None and held != posted:
        raise NotAuthorised(
            f"{nozzle} 未授权：加油机上仍是 {held} 元/升，挂牌价已是 {posted} 元/升，等新价下发成功后再试"
        )
    return posted


def _refuse_stopped(station: Station, subject: str) -> None:
    stopped = last_stop(station)
    if stopped is not None:
        who = stopped.actor.name if stopped.actor else "系统"
        raise NotAuthorised(f"{subject} 未授权：{who}按了急停，请站长解除急停后再试")


def _refuse_held(nozzle: Nozzle) -> None:
    held = hold_of(nozzle.tank)
    if held is not None:
        raise NotAuthorised(
            f"{nozzle} 未授权：{nozzle.tank}停售，罐内水高 {held.water_height:.1f} mm，"
            f"超过上限 {held.water_limit:.1f} mm。请排水，或由站长写明原因后解除"
        )


def _refuse_state(nozzle: Nozzle, states: set[State], text: str) -> None:
    state = NozzleState.objects.filter(nozzle=nozzle).values_list("state", flat=True).first()
    if state is None or state in states:
        raise NotStopped(f"{nozzle} {text}")


def _demand_state(nozzle: Nozzle, states: set[State], text: str) -> None:
    if not NozzleState.objects.filter(nozzle=nozzle, state__in=states).exists():
        raise NotStopped(f"{nozzle} {text}")


def _order(kind: Command.Kind, *, nozzle: Nozzle, actor: User | None, at: datetime) -> Command:
    command = commands.queue(kind=kind, station=nozzle.station, nozzle=nozzle, actor=actor, at=at)
    _record(actor=actor, at=at, action=f"devices.{kind.lower()}", nozzle=nozzle)
    return command


def _record(
    *,
    actor: User | None,
    at: datetime,
    action: str,
    nozzle: Nozzle,
    document: str = "",
    figures: Mapping[str, str] | None = None,
) -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=nozzle.station,
        document=document or f"{nozzle}",
        after={"nozzle": nozzle.number, **(figures or {})},
    )


def _arguments(authorisation: Authorisation) -> dict[str, str]:
    figures = {
        "amount": authorisation.limit_amount,
        "litres": authorisation.limit_litres,
        "price": authorisation.unit_price,
    }
    return {name: str(figure) for name, figure in figures.items() if figure is not None}
