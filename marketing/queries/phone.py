"""A member's coupons on his phone: what each gives, until when, where, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db.models import Q, QuerySet
from django.urls import reverse
from django.utils.timezone import localdate

from marketing.models import Coupon
from marketing.queries import wording
from members.models import Member
from members.queries.merged import ids_of
from members.queries.phone import Fact

PAGE, MOST = 20, 100
State = Coupon.State
IN_HAND = (State.ISSUED, State.LOCKED)
GROUPS: Mapping[str, str] = {"usable": "可用", "used": "已用", "over": "过期或作废"}


@dataclass(frozen=True, slots=True)
class Owned:
    """A coupon as its member reads it. `last` is its last day; `note` what hinders it now."""

    pk: int
    code: str
    name: str
    gives: str
    covers: str
    days: str
    where: str
    together: str
    since: datetime
    last: date
    note: str
    usable: bool
    transferable: bool
    document: str


def figures(*, member: Member, at: datetime) -> list[Fact]:
    """How many coupons he can use, for the first page; nothing where he has none. Two statements."""
    count = _group("usable", member, at).count()
    return [Fact("可用优惠券", f"{count} 张", reverse("my_coupons:coupons"))] if count else []


def counts(*, member: Member, at: datetime) -> dict[str, int]:
    """How many of each group. Six statements."""
    return {key: _group(key, member, at).count() for key in GROUPS}


def coupons_page(
    *, member: Member, group: str, at: datetime, before: int = 0
) -> tuple[list[Owned], int]:
    """A group of a member's coupons, and the key to go on from (0: no more).

    Those to be used stand in the order in which they end, the others newest first.
    """
    rows = _told(_group(group, member, at))
    if group == "usable":
        return [owned(one, at) for one in rows.order_by("valid_until", "pk")[:MOST]], 0
    if before:
        rows = rows.filter(pk__lt=before)
    found = list(rows.order_by("-pk")[: PAGE + 1])
    shown = [owned(one, at) for one in found[:PAGE]]
    return shown, shown[-1].pk if len(found) > PAGE else 0


def coupons_of(member: Member) -> QuerySet[Coupon]:
    """Every coupon of a member and of whoever was merged into him, with what a page shows."""
    return _told(Coupon.objects.filter(member__in=ids_of(member)))


def owned(one: Coupon, at: datetime) -> Owned:
    """A coupon in words. No statement."""
    terms = one.template
    usable = one.state in IN_HAND and one.valid_until > at
    return Owned(
        pk=one.pk,
        code=one.code,
        name=terms.name,
        gives=wording.gives(terms),
        covers=wording.covers(terms),
        days=wording.days(terms),
        where="全部油站" if terms.everywhere else terms.station.name,
        together=wording.together(terms),
        since=one.valid_from,
        last=localdate(one.valid_until - timedelta(microseconds=1)),
        note=_note(one, at),
        usable=usable and one.valid_from <= at,
        transferable=terms.transferable,
        document=one.document,
    )


def _note(one: Coupon, at: datetime) -> str:
    if one.state in IN_HAND:
        if one.valid_until <= at:
            return State.EXPIRED.label
        if one.valid_from > at:
            return f"{localdate(one.valid_from)} 起可用"
        return "正在一张单上使用" if one.state == State.LOCKED else ""
    return str(one.get_state_display())


def _group(group: str, member: Member, at: datetime) -> QuerySet[Coupon]:
    mine = Coupon.objects.filter(member__in=ids_of(member))
    if group == "used":
        return mine.filter(state=State.USED)
    if group == "over":
        late = Q(state__in=IN_HAND, valid_until__lte=at)
        return mine.filter(late | Q(state__in=[State.EXPIRED, State.VOID]))
    return mine.filter(state__in=IN_HAND, valid_until__gt=at)


def _told(rows: QuerySet[Coupon]) -> QuerySet[Coupon]:
    return rows.select_related("template__station", "template__tier", "batch")
