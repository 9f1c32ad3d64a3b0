"""Coupons to be looked at, and the members that a list means."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from marketing.models import Coupon, CouponBatch, OfferUse
from members.models import Member
from members.queries.finding import find
from station.errors import Refusal
from station.models import Station

NEWEST = 200


class WhoIsMeant(Refusal):
    """Nobody, or several, are meant by what was typed."""


@dataclass(frozen=True)
class Row:
    """A coupon in a list."""

    pk: int
    code: str
    member: str
    state: str
    source: str
    document: str
    issued_at: datetime
    valid_until: datetime


def coupons_of_batch(*, batch: CouponBatch, with_codes: bool) -> list[Row]:
    """The newest coupons of a batch; codes but for their last four letters where not `with_codes`."""
    rows = Coupon.objects.filter(batch=batch).select_related("member").order_by("-pk")[:NEWEST]
    return [
        Row(
            pk=one.pk,
            code=one.code if with_codes else masked(one.code),
            member=one.member.number if one.member else "不记名",
            state=one.get_state_display() + ("（退回）" if one.returned else ""),
            source=one.get_source_display(),
            document=one.document,
            issued_at=one.issued_at,
            valid_until=one.valid_until,
        )
        for one in rows
    ]


def masked(code: str) -> str:
    """A code that can be told apart and not used."""
    return f"{'*' * (len(code) - 4)}{code[-4:]}"


def void_by(*, document: str) -> int:
    """How many coupons a correction gave back to members who are closed: void. One statement."""
    void = Q(coupon__state=Coupon.State.VOID, coupon__member__status=Member.Status.CLOSED)
    return OfferUse.objects.filter(void, document=document).values("coupon").distinct().count()


def coupons_at(stations: Iterable[Station]) -> QuerySet[Coupon]:
    """Coupons issued by some stations, or good everywhere."""
    here = Q(batch__station__in=list(stations)) | Q(template__everywhere=True)
    return Coupon.objects.filter(here).select_related("template", "member", "batch")


def meant_by(text: str) -> Q:
    """Coupons of a code or of a member by number, phone or plate."""
    code = "".join(one for one in text.upper() if one.isalnum())[:20]
    members = [one.member_id for one in find(text=text)]
    return Q(code=code) | Q(member__in=members)


def members_meant(told: Sequence[str]) -> tuple[list[Member], list[str]]:
    """The members that a list names, and what of it names nobody or several."""
    by_number = {one.number: one for one in Member.objects.filter(number__in=told)}
    members, unknown = [], []
    for text in told:
        try:
            members.append(by_number.get(text) or one_meant(text))
        except WhoIsMeant:
            unknown.append(text)
    return [one for one in members if one.status == Member.Status.ACTIVE], unknown


def one_meant(text: str) -> Member:
    """The one member of a number, phone or plate. Refuses WhoIsMeant nobody and several."""
    hits = find(text=text)
    if len(hits) != 1 or not hits[0].exact:
        raise WhoIsMeant(f"没有办：“{text}”找不到唯一的会员。请输完整的会员号、手机或车牌。")
    return Member.objects.get(pk=hits[0].member_id)
