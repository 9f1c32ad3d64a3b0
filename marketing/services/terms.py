"""The terms of an offer planned, approved by another person, sent back and stopped.

The same for promotions and for templates of coupons. What is approved never changes: a change is
another version, which takes the place of the one in force when it is approved.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, TypeVar

from django.db import transaction

from marketing.models import Benefit, Status, Terms
from marketing.models.terms import IN_YUAN
from station.errors import Refusal
from station.models import Station, User
from station.money import FEN
from station.queries import wording
from station.services import audit

TermsT = TypeVar("TermsT", bound=Terms)
# Each version is a row of its own; these say which row, and the rest is what was agreed.
OWN = {
    "id", "station", "code", "version", "status", "planned_by", "planned_at", "approved_by",
    "approved_at", "ended_at",
}  # fmt: skip


class OfferRefused(Refusal):
    """Terms that are no offer, or a decision that is not this person's to take."""


class OfferDecided(Refusal):
    """The offer was decided on, replaced or stopped."""


def check(values: Mapping[str, Any], *, allowed: Collection[Benefit], noun: str) -> None:
    """Refuses OfferRefused for terms that say too little, too much, or that nobody could meet."""
    kind = values["benefit"]
    undone = f"没有保存{noun}"
    if kind not in allowed:
        raise OfferRefused(f"{undone}：优惠方式不对，请重新选择。")
    amount, percent = values.get("amount"), values.get("percent")
    if kind in IN_YUAN and (amount is None or (amount <= 0 and kind != Benefit.EXCHANGE)):
        raise OfferRefused(f"{undone}：{Benefit(kind).label}须填大于零的金额。")
    if kind not in IN_YUAN and (percent is None or not Decimal(0) < percent <= 1):
        raise OfferRefused(f"{undone}：{Benefit(kind).label}须填减让比例，1% 到 100%。")
    if amount is not None and amount != amount.quantize(FEN):
        raise OfferRefused(f"{undone}：金额最多两位小数。")
    if kind == Benefit.THRESHOLD and values.get("threshold", 0) < (amount or 0):
        raise OfferRefused(f"{undone}：满减的门槛不能低于减的金额。")
    if (values.get("from_time") is None) != (values.get("to_time") is None):
        raise OfferRefused(f"{undone}：时段须同时填开始和结束。")
    if kind in (Benefit.GIFT, Benefit.SERVICE, Benefit.EXCHANGE, Benefit.BUNDLE) and not (
        values.get("products") or values.get("categories")
    ):
        raise OfferRefused(f"{undone}：{Benefit(kind).label}须选定商品或分类，否则什么都会减。")


def check_times(*times: datetime | None, undone: str) -> None:
    """Refuses OfferRefused for a time that is a slip of the finger: before 2000 or after 2099."""
    if any(one is not None and not 2000 <= one.year <= 2099 for one in times):
        raise OfferRefused(f"{undone}：时间不对，年份须在 2000 到 2099 之间。")


def version_after(model: type[TermsT], *, station: Station, code: str) -> int:
    """The number of the next version of an offer. One statement."""
    rows = model._default_manager.filter(station=station, code=code)
    last = rows.order_by("-version").values_list("version", flat=True).first()
    return (last or 0) + 1


@transaction.atomic
def approve(*, offer: TermsT, actor: User, at: datetime) -> TermsT:
    """Approve a planned offer; the version in force before ends at the same instant.

    Refuses OfferRefused who planned it, OfferDecided what no longer waits.
    """
    # The version in force and the one that takes its place are locked in the order of their keys.
    rows = type(offer)._default_manager.filter(station=offer.station_id, code=offer.code)
    held = {one.pk: one for one in rows.select_for_update(of=("self",)).order_by("pk")}
    mine = held[offer.pk]
    if mine.status != Status.PLANNED:
        raise OfferDecided(f"没有审批：{mine} {mine.get_status_display()}，请刷新页面。")
    if mine.planned_by_id == actor.pk:
        raise OfferRefused(f"没有审批：{mine} 是你制定的，请换一人审批。")
    rows.filter(status=Status.APPROVED).update(status=Status.REPLACED)
    rows.filter(pk=mine.pk).update(status=Status.APPROVED, approved_by=actor, approved_at=at)
    mine.refresh_from_db()
    _note(mine, "approved", at=at, actor=actor)
    return mine


@transaction.atomic
def reject(*, offer: TermsT, actor: User, at: datetime, reason: str) -> None:
    """Send a planned offer back. Refuses without a reason, or what no longer waits."""
    _move(offer, Status.PLANNED, Status.REJECTED, reason, "没有驳回")
    _note(offer, "rejected", at=at, actor=actor, reason=reason)


@transaction.atomic
def stop(*, offer: TermsT, actor: User, at: datetime, reason: str) -> None:
    """Stop an offer in force at once. Refuses without a reason, or what is not in force."""
    _move(offer, Status.APPROVED, Status.STOPPED, reason, "没有停止")
    _note(offer, "stopped", at=at, actor=actor, reason=reason)


def _move(offer: TermsT, before: Status, after: Status, reason: str, undone: str) -> None:
    if not reason.strip():
        raise OfferRefused(f"{undone}：请写明原因。")
    rows = type(offer)._default_manager.filter(pk=offer.pk, status=before)
    if not rows.update(status=after):
        offer.refresh_from_db()
        raise OfferDecided(f"{undone}：{offer} {offer.get_status_display()}，请刷新页面。")


def planned(offer: Terms, *, at: datetime, actor: User) -> None:
    """Leave the audit row of a new version, with its terms."""
    _note(offer, "planned", at=at, actor=actor, after=said(offer))


def said(offer: Terms) -> dict[str, str]:
    """What was agreed, in the words of the columns, for the audit and for comparing versions."""
    words = {}
    for one in offer._meta.concrete_fields:
        value = getattr(offer, one.attname)
        if one.name in OWN or value in (None, "", [], False):
            continue
        shown = getattr(offer, f"get_{one.name}_display", None)
        words[str(one.verbose_name)] = _in_words(shown() if shown else value)
    return words


def _in_words(value: object) -> str:
    if isinstance(value, datetime):
        return wording.local(value)
    if isinstance(value, list):
        return "、".join(str(one) for one in value)
    return "是" if value is True else str(value)


def _note(
    offer: Terms,
    verb: str,
    *,
    at: datetime,
    actor: User,
    reason: str = "",
    after: Mapping[str, Any] | None = None,
) -> None:
    audit.record(
        at=at,
        actor=actor,
        station=offer.station,
        action=f"marketing.{offer._meta.model_name}.{verb}",
        document=offer.code,
        reason=reason.strip(),
        after={"版本": offer.version, **(after or {})},
    )
