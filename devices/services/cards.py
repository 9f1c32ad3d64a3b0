"""Cards and read rules: issued, lost, found again, cancelled; and what a pattern means."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from devices.models import Card, ReadRule
from station.errors import Refusal
from station.models import Station, User
from station.services import audit

Status = Card.Status
# From which states a card may go to which, and the words of the act.
MOVES = {
    Status.LOST: ((Status.ACTIVE,), "挂失"),
    Status.ACTIVE: ((Status.LOST,), "解除挂失"),
    Status.CANCELLED: ((Status.ACTIVE, Status.LOST), "注销"),
}


class CardRefused(Refusal):
    """The card is somebody's already, or not in a state for this."""


class RuleRefused(Refusal):
    """The rule is none."""


@transaction.atomic
def issue(*, station: Station, number: str, holder: User, actor: User, at: datetime) -> Card:
    """Issue a card to one of the staff. Refuses a number that is in use or reported lost."""
    card = Card(
        station=station,
        number=number.strip(),
        meaning=ReadRule.Meaning.STAFF_CARD,
        holder=holder,
        issued_at=at,
    )
    _hand_out(card, actor=actor, at=at)
    return card


@transaction.atomic
def issue_by_document(
    *,
    station: Station,
    number: str,
    document: str,
    medium: str,
    actor: User | None,
    at: datetime,
    replaces: Card | None = None,
    meaning: ReadRule.Meaning = ReadRule.Meaning.MEMBER_CARD,
) -> Card:
    """Issue a card to who has that document (a member by his number); with `replaces` instead of one.

    The old card is void in the same instant. Refuses a number that is in use or reported lost, and
    an old card that is void already.
    """
    if not re.fullmatch(r"[0-9A-Za-z-]{4,40}", number.strip()):
        raise CardRefused("未发卡：卡号应为 4 到 40 位数字或字母，请刷卡读入或照卡面输入。")
    if replaces is not None:
        live = Card.objects.filter(pk=replaces.pk, status__in=[Status.ACTIVE, Status.LOST])
        if not live.update(status=Status.CANCELLED):
            raise CardRefused(f"未补卡：卡 {replaces.number} 已经注销，请刷新页面。")
    card = Card(
        station=station,
        number=number.strip(),
        meaning=meaning,
        medium=medium,
        document=document,
        replaces=replaces,
        issued_at=at,
    )
    _hand_out(card, actor=actor, at=at)
    return card


def _hand_out(card: Card, *, actor: User | None, at: datetime) -> None:
    try:
        with transaction.atomic():
            card.save(force_insert=True)
    except IntegrityError as error:
        if "one_card_per_number" not in str(error):
            raise
        raise CardRefused(f"未发卡：卡 {card.number} 已经发出，请先注销原来的那一张") from error
    _record(card, "devices.card.issued", actor=actor, at=at)


@transaction.atomic
def move(*, card: Card, to: Card.Status, actor: User | None, at: datetime) -> None:
    """挂失, 解除挂失 or 注销 a card. Refuses one that is not in a state for it."""
    allowed, word = MOVES[to]
    moved = Card.objects.filter(pk=card.pk, status__in=allowed).update(status=to)
    if not moved:
        card.refresh_from_db()
        raise CardRefused(
            f"未{word}：卡 {card.number} 现在是{card.get_status_display()}，请刷新页面"
        )
    _record(card, f"devices.card.{to.lower()}", actor=actor, at=at, before=card.status)


@transaction.atomic
def save_rule(
    *, row: ReadRule | None, values: Mapping[str, Any], at: datetime, actor: User, station: Station
) -> ReadRule:
    """Add or change a read rule. Refuses a pattern that is none, and a place that is taken."""
    try:
        re.compile(values["pattern"])
    except re.error as error:
        raise RuleRefused(f"未保存：格式不是有效的正则表达式（{error}）") from error
    before = {name: getattr(row, name) for name in values} if row else None
    try:
        with transaction.atomic():
            if row is None:
                saved = ReadRule.objects.create(station=station, **values)
            else:
                ReadRule.objects.filter(pk=row.pk).update(**values)
                saved = ReadRule.objects.get(pk=row.pk)
    except IntegrityError as error:
        if "one_read_rule_per_position" not in str(error):
            raise
        raise RuleRefused("未保存：这个顺序已有一条规则，请换一个数字") from error
    audit.record(
        at=at,
        actor=actor,
        action="devices.rule.saved",
        station=station,
        document=f"读取规则 {saved.pk}",
        before=before,
        after=dict(values),
    )
    return saved


def _record(card: Card, action: str, *, actor: User | None, at: datetime, before: str = "") -> None:
    audit.record(
        at=at,
        actor=actor,
        action=action,
        station=card.station,
        document=f"卡 {card.number}",
        before={"status": before} if before else None,
        after={"holder": card.holder.name if card.holder else card.document},
    )
