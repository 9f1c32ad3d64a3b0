"""异常名单: somebody looks at a case, clears it or confirms it, and says why.

Points that wait are released when every case that holds them is cleared, and taken back with the
first that is confirmed.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Sum
from django.utils.timezone import localtime

from members.models import PointsAccount, PointsLot, PointsTxn, RiskCase, RiskStep
from members.queries.earn_rules import active_program
from members.queries.points import employees_of
from members.queries.points_expiry import HELD
from members.queries.standing import held_standing
from members.services import points as ledger
from members.services.points import Cause
from members.services.points_adjusting import write_off_gone
from members.services.points_clawing import claw_back
from station.errors import Refusal
from station.models import User
from station.services import audit

State = RiskCase.State


class CaseRefused(Refusal):
    """A decision without a reason, about one's own case, or about one that is decided."""


@transaction.atomic
def look(*, case: RiskCase, actor: User, at: datetime) -> None:
    """Say that somebody works on a new case. Twice is once; a decided one stays as it is."""
    if RiskCase.objects.filter(pk=case.pk, state=State.NEW).update(state=State.SEEN):
        RiskStep.objects.create(case=case, state=State.SEEN, actor=actor, at=at)


@transaction.atomic
def decide(*, case: RiskCase, confirm: bool, reason: str, actor: User, at: datetime) -> None:
    """Clear a case, or confirm it; points that wait for it move with that.

    Refuses CaseRefused without a reason, who is concerned himself, and what was decided before.
    """
    if len(reason.strip()) < 2:
        raise CaseRefused("没有登记：请写明理由，例如「已核对监控，是本人两辆车」。")
    _refuse_own(case, actor)
    state = State.CONFIRMED if confirm else State.CLEARED
    if case.held_id and case.member_id:  # a merge moves what waits: it comes before, or after
        held_standing(case.member_id)
    row = RiskCase.objects.select_for_update(no_key=True).get(pk=case.pk)
    if row.state not in (State.NEW, State.SEEN):
        raise CaseRefused(f"没有登记：这一条{row.get_state_display()}。请刷新后看是谁办的。")
    accounts = _lock_accounts(row.held) if row.held else []
    RiskCase.objects.filter(pk=row.pk).update(state=state)
    RiskStep.objects.create(case=row, state=state, actor=actor, at=at, reason=reason.strip())
    moved = ""
    if row.held is not None:
        moved = _take(row, actor, at) if confirm else _release(row.held, accounts, actor, at)
    audit.record(
        at=at,
        actor=actor,
        station=row.station,
        action="members.risk.confirmed" if confirm else "members.risk.cleared",
        document=f"risk:{row.pk}",
        reason=reason.strip(),
        after={"异常": row.words, "积分": moved or "不动"},
    )


def _refuse_own(case: RiskCase, actor: User) -> None:
    own = employees_of(case.member_id) if case.member_id else set()
    if actor.pk in {case.staff_id, *own}:
        raise CaseRefused("没有登记：这一条涉及你本人。请由其他人处理。")


def _lock_accounts(held: PointsTxn) -> list[PointsAccount]:
    """Where the points are that wait: one account, or another after a merge. In the order of ids.

    Ask with the member locked, so that nothing moves between looking and locking.
    """
    waiting = PointsLot.objects.filter(root=held, pending=True, active_from=HELD)
    rows = PointsAccount.objects.select_for_update(no_key=True).order_by("pk")
    return list(rows.filter(pk__in={held.account_id, *waiting.values_list("account", flat=True)}))


def _release(held: PointsTxn, accounts: list[PointsAccount], actor: User, at: datetime) -> str:
    open_ = RiskCase.objects.filter(held=held).exclude(state=State.CLEARED)
    if open_.exists():
        return ""
    told = 0
    for account in accounts:
        cause = _cause(held, at, actor, "核实后放行")
        ledger.sweep(account, cause)
        lots = PointsLot.objects.filter(account=account, root=held, pending=True, active_from=HELD)
        points = lots.aggregate(total=Sum("remaining"))["total"] or 0
        lots.update(pending=False)
        if not points:
            continue
        account.pending -= points
        account.balance += points
        kind, suffix = PointsTxn.Kind.MATURE, f":free:{account.pk}"
        ledger.note(account, kind, cause, amount=points, suffix=suffix, delta=0)
        ledger.keep(account)
        told += points
    return f"放行 {told}"


def _take(case: RiskCase, actor: User, at: datetime) -> str:
    held, program = case.held, active_program()
    if held is None or program is None:
        return ""
    account = ledger.locked(account_id=held.account_id)
    cause = _cause(held, at, actor, f"核实后扣回（{case.words}）")
    row = claw_back(account=account, earned=held, upto=held.amount, program=program, cause=cause)
    write_off_gone(ids=[account.pk], cause=cause)
    return f"扣回 {row.amount}" if row else "已由退款扣回"


def _cause(held: PointsTxn, at: datetime, actor: User | None, reason: str) -> Cause:
    return Cause(
        key=f"risk:{held.pk}",
        at=at,
        date=localtime(at).date(),
        document=f"risk:{held.pk}",
        station_id=held.station_id,
        actor=actor,
        reason=reason,
    )
