"""Rewards that a partner gives (保险、还款、充话费): asked for by his adapter until he says yes or no.

He is asked under the order's number with no transaction open, and asked again with the same number:
his answer ends the order once. A refusal gives the points back once.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

import structlog
from django.db import transaction
from django.db.models import F

from members.models import PartnerOrder, Redemption
from members.services.redemption_endings import (
    FAILED,
    PENDING,
    SUCCEEDED,
    AlreadyEnded,
    ReasonMissing,
    ReferenceMissing,
    fulfil,
    give_up,
)
from station.models import User
from station.queries.waiting import walked

log = structlog.get_logger(__name__)


@dataclass(frozen=True)
class Answer:
    """What a partner said: PENDING, SUCCEEDED with his number, or FAILED with why."""

    status: str
    reference: str = ""
    words: str = ""


class Partner(Protocol):
    """An adapter. `ask` is idempotent: the same number is the same order at his side."""

    def ask(self, *, number: str, member: str, reward: str, attempt: int) -> Answer: ...


class Counter:
    """本站代办: people at the station do it by hand and note the outcome on the order's page."""

    def ask(self, *, number: str, member: str, reward: str, attempt: int) -> Answer:
        return Answer(PENDING)


class Sandbox:
    """沙箱: answers at the second asking; a reward whose code ends in FAIL is refused."""

    def ask(self, *, number: str, member: str, reward: str, attempt: int) -> Answer:
        if attempt < 2:
            return Answer(PENDING)
        if reward.upper().endswith("FAIL"):
            return Answer(FAILED, words="沙箱：对方拒绝")
        return Answer(SUCCEEDED, reference=f"SB-{number}")


COUNTER = "COUNTER"
PARTNERS: Mapping[str, Partner] = {COUNTER: Counter(), "SANDBOX": Sandbox()}
PARTNER_NAMES: Mapping[str, str] = {
    COUNTER: "本站代办（人工登记结果）",
    "SANDBOX": "沙箱（试用）",
}


def ask_waiting(*, at: datetime, size: int = 100) -> int:
    """Ask the partners of what waits, oldest first and to the end; how many answered.

    Nobody answers at the counter: its orders are not asked for. An order whose adapter fails waits on.
    """
    rows = PartnerOrder.objects.filter(status=PENDING).exclude(partner=COUNTER)
    return sum(_ask(pk, at) for pk in walked(rows, size=size))


def _ask(pk: int, at: datetime) -> bool:
    row = (
        PartnerOrder.objects.select_related("redemption__member", "redemption__reward")
        .filter(pk=pk, status=PENDING)
        .first()
    )
    if row is None or row.partner not in PARTNERS:
        return False
    order = row.redemption
    try:
        told = PARTNERS[row.partner].ask(
            number=order.number,
            member=order.member.number,
            reward=order.reward.code,
            attempt=row.attempts + 1,
        )
    except Exception:  # whatever an adapter of somebody else's raises, the others are asked
        log.exception("partner_failed", document=order.number, partner=row.partner)
        told = Answer(PENDING)
    PartnerOrder.objects.filter(pk=pk).update(attempts=F("attempts") + 1)
    if told.status == PENDING:
        return False
    try:
        answer(order=order, told=told, at=at, actor=None)
    except AlreadyEnded:  # another worker heard it first
        log.info("partner_answered_twice", document=order.number)
        return False
    return True


@transaction.atomic
def answer(*, order: Redemption, told: Answer, at: datetime, actor: User | None) -> Redemption:
    """What the partner said ends the order: fulfilled, or cancelled with its points back. Once.

    Refuses AlreadyEnded, ReferenceMissing for a success without a number, ReasonMissing for a
    failure without words.
    """
    if told.status == SUCCEEDED and not told.reference.strip():
        raise ReferenceMissing("没有登记：请填写合作方的凭证号。")
    if told.status == FAILED and not told.words.strip():
        raise ReasonMissing("没有登记：请写明合作方为什么没有办成。")
    if told.status == FAILED:  # points first: locks go accounts before orders
        order = give_up(order=order, reason=f"合作方未办成：{told.words}", at=at, actor=actor)
        _settle(order, told, at, was="VOID")
        return order
    Redemption.objects.select_for_update(no_key=True).get(pk=order.pk)  # orders before their rows
    _settle(order, told, at, was=PENDING)
    return fulfil(order=order, at=at, actor=actor, reference=told.reference)


def _settle(order: Redemption, told: Answer, at: datetime, *, was: str) -> None:
    moved = PartnerOrder.objects.filter(redemption=order, status=was).update(
        status=told.status,
        reference=told.reference.strip()[:60],
        words=told.words.strip()[:200],
        done_at=at,
    )
    if not moved:
        raise AlreadyEnded(f"没有登记：{order.number} 合作方的结果已登记过。请刷新页面。")
