"""Personal data in full: only with a reason, and never without its audit row."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from members.models import Company, Member
from members.queries.cards import Card, card_of, card_of_company
from members.services.noting import about
from station.errors import Refusal
from station.models import User


class ReasonMissing(Refusal):
    """Who looks at somebody's data says why."""


@transaction.atomic
def unmask(*, subject: Member | Company, reason: str, at: datetime, actor: User) -> Card:
    """The full card of a member or company, shown this once. Refuses with ReasonMissing."""
    if len(reason.strip()) < 2:
        raise ReasonMissing("没有显示：请写明查看原因，例如「顾客要求核对手机号」。")
    is_member = isinstance(subject, Member)
    action = "members.member.unmasked" if is_member else "members.company.unmasked"
    about(subject).note(action, at, actor, reason=reason.strip())
    if isinstance(subject, Member):
        return card_of(subject, full=True)
    return card_of_company(subject, full=True)
