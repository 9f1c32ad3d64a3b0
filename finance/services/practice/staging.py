"""An attempt from its start to its outcome; the scene is advanced by a worker every two seconds."""

from __future__ import annotations

from datetime import datetime, timedelta

import structlog
from django.db import IntegrityError, transaction

from devices.models import Fill, NozzleState
from finance.queries.practice.scene import Finding, Scene
from finance.queries.practice.table import BY_SLUG, TITLES, Scenario, points
from finance.services.practice.clearing import clear_up
from finance.services.practice.forecourt import ForecourtAway
from finance.services.practice.scenes import SCENES
from station.errors import Refusal
from station.models import Nozzle, PracticeAttempt, Station, TillSession, User
from station.services import practice

log = structlog.get_logger(__name__)


class NotStarted(Refusal):
    """The scene cannot be set now."""


class NotRunning(Refusal):
    """The attempt is over."""


@transaction.atomic
def start(*, slug: str, station: Station, actor: User, at: datetime) -> PracticeAttempt:
    """Set the scene of a scenario for a trainee who sits at a till.

    Refuses NotStarted: without an open session, with another attempt running, while somebody
    practises what moves the whole forecourt, or where no dispenser is free; and ForecourtAway.
    """
    scenario = BY_SLUG[slug]
    Station.objects.select_for_update(of=("self",), no_key=True).get(pk=station.pk)
    session = TillSession.objects.filter(
        cashier=actor, station=station, status=TillSession.Status.OPEN
    ).first()
    if session is None:
        raise NotStarted(
            f"没有开始：先在收银台“开收银班”，口令是 {practice.PIN}，再回来开始这个科目。"
        )
    running = PracticeAttempt.objects.filter(station=station, ended_at=None)
    _refuse_crossing(scenario, list(running.select_related("user")), actor)
    nozzle = _free_nozzle(station) if scenario.at_pump else None
    try:
        with transaction.atomic():
            attempt = PracticeAttempt.objects.create(
                station=station,
                user=actor,
                scenario=slug,
                dispenser=nozzle.dispenser.number if nozzle else None,
                started_at=at,
                facts={"session": session.pk, **(_marks(nozzle) if nozzle else {})},
            )
    except IntegrityError as error:
        raise NotStarted("没有开始：你已经在做一个科目，先交卷。") from error
    _step(attempt, at)
    return attempt


def _refuse_crossing(scenario: Scenario, running: list[PracticeAttempt], actor: User) -> None:
    if any(one.user_id == actor.pk for one in running):
        raise NotStarted("没有开始：你已经在做一个科目，先交卷。")
    others = [one for one in running if scenario.alone or BY_SLUG[one.scenario].alone]
    if others:
        who, what = others[0].user, TITLES[others[0].scenario]
        raise NotStarted(
            f"没有开始：{who} 正在练「{what}」，和「{scenario.title}」会互相影响。等他交卷再开始。"
        )


def _free_nozzle(station: Station) -> Nozzle:
    """The first nozzle of a dispenser where nobody practises and nothing moves."""
    taken = PracticeAttempt.objects.filter(station=station, ended_at=None, dispenser__isnull=False)
    busy = NozzleState.objects.filter(nozzle__station=station).exclude(state=NozzleState.State.IDLE)
    free = (
        Nozzle.objects.select_related("dispenser")
        .filter(station=station, active=True, position=1, state__state=NozzleState.State.IDLE)
        .exclude(dispenser__number__in=taken.values("dispenser"))
        .exclude(dispenser__in=busy.values("nozzle__dispenser"))
    )
    found = free.order_by("number").first()
    if found is None:
        raise NotStarted("没有开始：没有空闲的加油机。加油机刚上电要等几秒，再试一次。")
    return found


def _marks(nozzle: Nozzle) -> dict[str, int]:
    last = Fill.objects.filter(nozzle=nozzle).order_by("-pk").values_list("pk", flat=True).first()
    return {"nozzle": nozzle.pk, "last_fill": last or 0}


def advance(*, at: datetime) -> int:
    """Let every running scene go on as far as it is due; how many stages came. Called by a worker."""
    running = PracticeAttempt.objects.filter(ended_at=None).order_by("pk")
    return sum(_advance_one(pk, at) for pk in list(running.values_list("pk", flat=True)))


def _advance_one(pk: int, at: datetime) -> int:
    try:
        with transaction.atomic():
            return _advance(pk, at)
    except Refusal as refusal:  # it is tried again: the forecourt may be starting
        log.warning("scene_waits", attempt=pk, why=str(refusal))
        return 0


def _advance(pk: int, at: datetime) -> int:
    attempt = _held(pk, skip=True)
    if attempt is None:
        return 0
    if at > deadline(attempt):
        _end(attempt, at)
        return 0
    return _step(attempt, at)


def deadline(attempt: PracticeAttempt) -> datetime:
    """When the time of an attempt is up."""
    return attempt.started_at + timedelta(minutes=BY_SLUG[attempt.scenario].minutes)


def _step(attempt: PracticeAttempt, at: datetime) -> int:
    stages, scene, came = SCENES[attempt.scenario], Scene(attempt), 0
    while attempt.stage < len(stages) and stages[attempt.stage].due(scene, at):
        words = stages[attempt.stage].act(scene, at)
        attempt.told = [*attempt.told, {"at": at.isoformat(), "text": words}]
        attempt.stage += 1
        came += 1
    if came:
        attempt.save(update_fields=["told", "stage", "facts"])
    return came


@transaction.atomic
def hint(*, attempt: PracticeAttempt, actor: User, at: datetime) -> int:
    """Show one hint more, for ten points; how many are shown. Refuses NotRunning."""
    held = _mine(attempt, actor)
    if held.hints < len(BY_SLUG[held.scenario].hints):
        held.hints += 1
        held.save(update_fields=["hints"])
    return held.hints


@transaction.atomic
def finish(*, attempt: PracticeAttempt, actor: User, at: datetime) -> PracticeAttempt:
    """交卷: look at what was done, keep the outcome, clear the scene up. Refuses NotRunning."""
    return _end(_mine(attempt, actor), at)


def _end(attempt: PracticeAttempt, at: datetime) -> PracticeAttempt:
    scenario = BY_SLUG[attempt.scenario]
    findings = scenario.check(Scene(attempt))
    if at > deadline(attempt):
        findings.append(Finding(False, f"没有在 {scenario.minutes} 分钟内做完"))
    attempt.ended_at = at
    attempt.passed = all(one.ok for one in findings)
    attempt.points = points(findings, attempt.hints)
    attempt.findings = [{"ok": one.ok, "text": one.text} for one in findings]
    try:
        with transaction.atomic():
            clear_up(Scene(attempt), at=at)
    except ForecourtAway as away:  # the outcome stands; the simulator starts mended
        log.warning("scene_not_cleared", attempt=attempt.pk, why=str(away))
    attempt.save(update_fields=["ended_at", "passed", "points", "findings"])
    return attempt


def _mine(attempt: PracticeAttempt, actor: User) -> PracticeAttempt:
    held = _held(attempt.pk)
    if held is None or held.user_id != actor.pk:
        raise NotRunning("这个科目已经交卷，结果在下面；要重做，按“再来一次”。")
    return held


def _held(pk: int, *, skip: bool = False) -> PracticeAttempt | None:
    rows = PracticeAttempt.objects.select_for_update(of=("self",), skip_locked=skip)
    return rows.select_related("user", "station").filter(pk=pk, ended_at=None).first()


def report(*, at: datetime) -> int:
    """Leave the signed papers of what has ended, for the live station to fetch."""
    return practice.report(titles=TITLES, at=at)
