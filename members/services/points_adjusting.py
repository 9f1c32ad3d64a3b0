"""人工调整: points by hand, with a reason, a second person above the limit, never on one's own account."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from django.db import transaction
from django.utils.timezone import localtime

from members.models import Action, Member, PointsAccount, PointsProgram, PointsTxn
from members.queries.earn_rules import active_program
from members.queries.points import accounts_of, employees_of, fifo
from members.services import points as ledger
from members.services import risk
from members.services.noting import about
from members.services.points import Cause
from members.services.risk import Act, kept
from station.errors import Refusal
from station.models import Station, User
from station.queries import settings

LIMIT = "members.points_adjust_limit"
MOST = 10**9


class AdjustmentRefused(Refusal):
    """An adjustment without a reason or a second person, on one's own account, or of nothing."""


@kept()
@transaction.atomic
def adjust(
    *,
    member: Member,
    points: int,
    reason: str,
    station: Station,
    actor: User,
    at: datetime,
    key: str,
    approver: User | None = None,
) -> PointsTxn:
    """Give (positive) or take (negative) points of a member by hand; again with the same key, once.

    What is given lives as long as points earned now. Refuses AdjustmentRefused, NotEnoughPoints,
    and OverTheLimit who adjusts too often. `approver` was checked by the view.
    """
    _check(points, reason, station, actor, approver)
    program = active_program()
    if program is None:
        raise AdjustmentRefused("没有调整：还没有积分方案。请先建积分方案。")
    account = ledger.locked_account(member_id=member.pk)
    _refuse_own(member, account, actor, approver)
    act = Act(at, station.pk, member.number, member.pk, actor)
    cause = Cause(
        key=f"adjust:{account.pk}:{key}"[:90],
        at=at,
        date=localtime(at).date(),
        station_id=station.pk,
        actor=actor,
        approver=approver,
        reason=reason.strip(),
    )
    twin = ledger.known(cause)
    if twin is not None:
        return twin
    txn = _adjusted(account, points, program, cause, act)
    about(member).note(
        "members.points.adjusted",
        at,
        actor,
        reason=reason.strip(),
        after={"积分": f"{points:+d}", "审批": approver.name if approver else ""},
    )
    return txn


def _adjusted(
    account: PointsAccount, points: int, program: PointsProgram, cause: Cause, act: Act
) -> PointsTxn:
    """The row of an adjustment, with the limit of adjustments by one person; given ones may wait."""
    assert act.staff is not None
    hits = risk.judge_adjustment(actor=act.staff, act=act, tag=cause.key)
    kind, gives = PointsTxn.Kind.ADJUST, points > 0
    if gives:
        held = any(hit.action == Action.HOLD for hit in hits)
        txn = ledger.issue(
            account=account, points=points, program=program, cause=cause, kind=kind, held=held
        )
    else:
        txn = ledger.redeem(account=account, points=-points, cause=cause, kind=kind)
    risk.record(hits=hits, act=act, tag=cause.key, points=abs(points), held=txn if gives else None)
    return txn


def _check(points: int, reason: str, station: Station, actor: User, approver: User | None) -> None:
    if not points or abs(points) > MOST:
        raise AdjustmentRefused("没有调整：分数不对。加分填正数，减分填负数。")
    if len(reason.strip()) < 2:
        raise AdjustmentRefused("没有调整：请写明原因，例如「补 4 月 2 日漏记」。")
    demand_second(points, station, actor, approver, undone="没有调整")


def demand_second(
    points: int, station: Station | None, actor: User, approver: User | None, *, undone: str
) -> None:
    """Refuses AdjustmentRefused points above the limit without another person's approval.

    For whatever gives points by somebody's decision: adjustments, events, gifts.
    """
    limit = settings.whole(LIMIT, station) if station else int(settings.declared(LIMIT).default)
    if abs(points) > limit and (approver is None or approver.pk == actor.pk):
        raise AdjustmentRefused(f"{undone}：超过 {limit} 分须另一位有权限的人输入账号和口令审批。")


def _refuse_own(member: Member, account: PointsAccount, actor: User, approver: User | None) -> None:
    hands = {actor.pk, approver.pk if approver else None}
    asked = {member.pk, account.member_id or member.pk}
    if employees_of(*asked) & hands:
        raise AdjustmentRefused("没有调整：这是经手人或审批人本人的账户。请由其他人办理。")


@transaction.atomic
def write_off(
    *, member: Member, key: str, reason: str, at: datetime, actor: User | None
) -> PointsTxn | None:
    """Take everything that a member has or owes, as one adjustment; None where there is nothing.

    For who is closed or was brought in by mistake. Again with the same key, the same row.
    """
    rows = PointsAccount.objects.select_for_update(no_key=True)
    account = rows.filter(member=member, moved_to=None).first()
    if account is None:
        return None
    cause = Cause(
        key=key,
        at=at,
        date=localtime(at).date(),
        document=member.number,
        station_id=member.home_station_id,
        actor=actor,
        reason=reason,
    )
    return ledger.known(cause) or _written_off(account, cause)


def write_off_gone(*, ids: Iterable[int], cause: Cause) -> None:
    """What an act gave to closed members, or made them owe, is written off in its transaction.

    `ids` are accounts; call it after the act. Again with the same key, once. One statement where
    nobody is closed.
    """
    rows = PointsAccount.objects.select_for_update(of=("self",), no_key=True)
    gone = rows.select_related("member").filter(
        pk__in=set(ids), moved_to=None, member__status=Member.Status.CLOSED
    )
    for account in gone.order_by("pk"):
        assert account.member is not None
        why = replace(
            cause,
            key=f"{cause.key}:gone:{account.pk}",
            document=account.member.number,
            actor=None,
            reason="注销后清零",
        )
        if ledger.known(why) is None:
            _written_off(account, why)


def _written_off(account: PointsAccount, cause: Cause) -> PointsTxn | None:
    """Take everything of a locked account; None where there is nothing."""
    ledger.sweep(account, cause)
    wanted, debt = account.balance + account.pending, account.debt
    if not wanted and not debt:
        return None
    parts = ledger.consume(account, list(fifo(account)), wanted)
    account.debt = 0
    txn = ledger.note(
        account,
        PointsTxn.Kind.ADJUST,
        cause,
        amount=wanted or debt,
        delta=debt - wanted,
        debt_delta=-debt,
    )
    ledger.allocate(txn, parts, -1)
    ledger.keep(account)
    return txn


@transaction.atomic
def name_staff(*, member: Member, user: User | None, at: datetime, actor: User) -> None:
    """Say that a member's account is an employee's own (None: nobody's), so that he cannot adjust it.

    It holds for all who are one with him. Refuses AdjustmentRefused to strike out or change it for
    one's own account.
    """
    ledger.locked_account(member_id=member.pk)
    if actor.pk in employees_of(member.pk):
        raise AdjustmentRefused("没有修改：这是你本人的账户。请由其他人办理。")
    named = accounts_of(member.pk).filter(staff__isnull=False).select_related("staff").first()
    before = named.staff if named else None
    accounts_of(member.pk).exclude(member=member).update(staff=None)
    PointsAccount.objects.filter(member=member).update(staff=user)
    about(member).note(
        "members.points.staff_named",
        at,
        actor,
        before={"员工": before.name if before else ""},
        after={"员工": user.name if user else ""},
    )


@transaction.atomic
def set_frozen(*, member: Member, frozen: bool, reason: str, at: datetime, actor: User) -> None:
    """Stop a member's points from being spent, or let them be spent again. Twice is once."""
    if len(reason.strip()) < 2:
        raise AdjustmentRefused("没有修改：请写明原因，例如「手机被盗，本人要求」。")
    account = ledger.locked_account(member_id=member.pk)
    if PointsAccount.objects.filter(pk=account.pk, frozen=not frozen).update(frozen=frozen):
        action = "members.points.frozen" if frozen else "members.points.unfrozen"
        about(member).note(action, at, actor, reason=reason.strip())
