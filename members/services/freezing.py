"""冻结: a member who may neither earn nor spend until a person looks at it."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from members.models import Member
from members.services.noting import about
from members.services.refusals import refuse_gone
from station.errors import Refusal
from station.models import User


class ReasonMissing(Refusal):
    """Who freezes a member says why."""


@transaction.atomic
def freeze(*, member: Member, reason: str, at: datetime, actor: User | None) -> None:
    """From this instant he neither earns nor spends. Twice is once. Refuses without a reason."""
    if len(reason.strip()) < 2:
        raise ReasonMissing("没有冻结：请写明原因，例如「卡被盗用，本人来电」。")
    _turn(member, Member.Status.FROZEN, "members.member.frozen", reason, at, actor)


@transaction.atomic
def unfreeze(*, member: Member, reason: str, at: datetime, actor: User | None) -> None:
    """He may earn and spend again. Twice is once. Refuses without a reason."""
    if len(reason.strip()) < 2:
        raise ReasonMissing("没有解冻：请写明原因，例如「本人带身份证来办」。")
    _turn(member, Member.Status.ACTIVE, "members.member.unfrozen", reason, at, actor)


def _turn(
    member: Member, to: Member.Status, action: str, reason: str, at: datetime, actor: User | None
) -> None:
    refuse_gone(member)
    before = Member.Status.ACTIVE if to == Member.Status.FROZEN else Member.Status.FROZEN
    if Member.objects.filter(pk=member.pk, status=before).update(status=to):
        about(member).note(
            action,
            at,
            actor,
            reason=reason,
            before={"状态": before.label},
            after={"状态": to.label},
        )
    member.refresh_from_db(fields=["status"])
