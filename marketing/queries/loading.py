"""Rows turned into rules: the promotions in force, and the coupons that a basket may use."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.timezone import localtime

from marketing.models import Benefit, Coupon, CouponTemplate, DayLitres, Promotion, Status, Terms
from marketing.queries.rules import ANYTHING, Rule, Scope, When, Work
from members.models import Member, Tier
from members.queries.tier_benefits import Held
from station.models import Station
from station.money import ZERO
from station.queries.written import Part, Written

ACTIVE = Member.Status.ACTIVE
TIER_COST = "会员等级权益"
WORKS = {
    Benefit.BUNDLE: Work.UNITS,
    Benefit.GIFT: Work.UNITS,
    Benefit.SERVICE: Work.UNITS,
    Benefit.EXCHANGE: Work.UNITS_AT,
}


def promotions_at(*, station: Station, at: datetime) -> QuerySet[Promotion]:
    """The promotions that hold at a station at an instant, whatever their days and hours.

    Also one that is over since: a prepaid fill may wait for an open session.
    """
    here = Q(everywhere=True) | Q(station=station)
    held = [Status.APPROVED, Status.ENDED]
    return Promotion.objects.filter(
        here, status__in=held, valid_from__lte=at, valid_until__gt=at
    ).select_related("tier")


def rules_in_force(*, station: Station, member: int | None, at: datetime) -> list[Rule]:
    """The promotions in force as rules, with what a member's daily caps leave him. One statement."""
    rows = promotions_at(station=station, at=at)
    if member is not None:
        rows = rows.annotate(had=_litres_had(member, localtime(at).date()))
    return [_promotion(row) for row in rows.order_by("pk")]


def _litres_had(member: int, day: date) -> Subquery:
    had = DayLitres.objects.filter(promotion=OuterRef("pk"), member=member, date=day)
    return Subquery(had.values("litres")[:1])


def _promotion(row: Promotion) -> Rule:
    left = None
    if row.cap_litres_day is not None:
        left = row.cap_litres_day - (getattr(row, "had", None) or Decimal(0))
    return _rule(
        row,
        key=f"P{row.pk:012d}",
        when=when_of(row, row.valid_from, row.valid_until),
        litres_left=left,
    )


def coupons_in_hand(*, member: int | None, key: str, codes: Sequence[str] = ()) -> QuerySet[Coupon]:
    """The coupons that a basket may use: the member's own, and those whose codes were read.

    Those that another basket holds are among them: what is said of them is that they are held. Of a
    member who may not spend there are none.
    """
    wanted = Q(code__in=codes, member=None) | Q(code__in=codes, template__transferable=True)
    if member is not None:
        wanted |= _his(member)
    return _to_use(wanted | Q(lock_key=key, member=None))


def codes_known(*, codes: Sequence[str]) -> set[str]:
    """Those of these codes that are coupons'. One statement."""
    return set(Coupon.objects.filter(code__in=codes).values_list("code", flat=True))


_NAMED = Written(
    """
SELECT {columns} FROM marketing_coupon c
JOIN marketing_coupontemplate t ON t.id = c.template_id
LEFT JOIN members_tier r ON r.id = t.tier_id
LEFT JOIN members_member m ON m.id = c.member_id
LEFT JOIN members_member became ON became.id = m.merged_into_id
WHERE c.id = ANY(%(ids)s) AND c.state IN ('ISSUED', 'LOCKED')
 AND (c.lock_key = %(key)s OR m.id = %(member)s OR m.merged_into_id = %(member)s)
 AND (c.member_id IS NULL OR m.status = 'ACTIVE' OR became.status = 'ACTIVE')
ORDER BY c.valid_until, c.id
""",
    Part(Coupon, "c"),
    Part(CouponTemplate, "t"),
    Part(Tier, "r"),
)


def coupons_named(*, ids: Sequence[int], member: int | None, key: str) -> list[Coupon]:
    """Those of these coupons that a basket may settle with: held by it, or the member's own.

    The same as `coupons_in_hand` gives, of these. One statement.
    """
    found = []
    for (coupon, template, tier), _ in _NAMED.rows(
        {"ids": list(ids), "member": member, "key": key}
    ):
        template.tier = tier
        coupon.template = template
        found.append(coupon)
    return found


def _his(member: int) -> Q:
    """A member's own, and what came back to a number that was merged into him."""
    return Q(member=member) | Q(member__merged_into=member)


def _to_use(wanted: Q) -> QuerySet[Coupon]:
    live = Q(state__in=[Coupon.State.ISSUED, Coupon.State.LOCKED])
    active = Q(member__status=ACTIVE) | Q(member__merged_into__status=ACTIVE)
    return (
        Coupon.objects.filter(wanted & live & (Q(member=None) | active))
        .select_related("template__tier", "template__station")
        .order_by("valid_until", "pk")
    )


def rules_of(coupons: Sequence[Coupon], *, station: Station, key: str, at: datetime) -> list[Rule]:
    """Coupons as rules. One that cannot be used at all comes with the reason in words."""
    return [_coupon(one, station=station, key=key, at=at) for one in coupons]


def _coupon(coupon: Coupon, *, station: Station, key: str, at: datetime) -> Rule:
    template = coupon.template
    held = coupon.state == Coupon.State.LOCKED
    mine = held and coupon.lock_key == key
    refused = ""
    if held and not mine and coupon.locked_until is not None and coupon.locked_until >= at:
        refused = "正在另一单上使用"
    elif not template.everywhere and template.station_id != station.pk:
        refused = f"限{template.station.name}使用"
    # One that ran out while its basket holds it is good until the hold ends.
    holds = mine and coupon.locked_until is not None and coupon.locked_until >= at
    until = max(coupon.valid_until, coupon.locked_until) if holds else coupon.valid_until  # type: ignore[type-var]
    return _rule(
        template,
        key=f"C{coupon.pk:012d}",
        when=when_of(template, coupon.valid_from, until),
        # Of one kind of coupon one is used in a basket, unless its group says otherwise.
        group=template.group or f"券{template.code}",
        coupon=coupon.pk,
        refused=refused,
        tenders=frozenset(template.tenders),
        paid_by=template.paid_by,
    )


def when_of(terms: Terms, since: datetime | None, until: datetime | None) -> When:
    """When an offer holds, as a value."""
    return When(
        since=since,
        until=until,
        weekdays=frozenset(terms.weekdays),
        month_days=frozenset(terms.month_days),
        dates=frozenset(date.fromisoformat(one) for one in terms.dates),
        from_time=terms.from_time,
        to_time=terms.to_time,
    )


def _rule(
    terms: Terms,
    *,
    key: str,
    when: When,
    litres_left: Decimal | None = None,
    group: str = "",
    coupon: int | None = None,
    refused: str = "",
    tenders: frozenset[str] = ANYTHING,
    paid_by: str = "",
) -> Rule:
    return Rule(
        key=key,
        name=terms.name,
        work=WORKS.get(Benefit(terms.benefit)) or Work(terms.benefit),
        campaign=terms.campaign,
        value=terms.amount or ZERO,
        percent=terms.percent or Decimal(0),
        threshold=terms.threshold,
        needs_fuel=terms.needs_fuel,
        units=terms.units,
        cap_litres=terms.cap_litres,
        litres_left=litres_left,
        scope=Scope(frozenset(terms.kinds), frozenset(terms.products), frozenset(terms.categories)),
        when=when,
        members_only=terms.members_only or litres_left is not None or terms.tier is not None,
        tier_rank=terms.tier.rank if terms.tier else 0,
        tier_name=terms.tier.name if terms.tier else "",
        group=group or terms.group,
        exclusive=terms.exclusive,
        alone=terms.alone,
        priority=terms.priority,
        coupon=coupon,
        refused=refused,
        tenders=tenders,
        paid_by=paid_by,
    )


def tier_rules(held: Held) -> list[Rule]:
    """What a member's tier takes off a litre, as a rule: an offer on the price like any other.

    None where the tier gives nothing of that kind, and for a member who is frozen or gone.
    """
    gives = held.benefits
    if gives.litre_cut is None or not held.active:
        return []
    return [
        Rule(
            key=f"T{gives.litre_cut_id:012d}",
            name=f"{held.name}每升减 {gives.litre_cut:.2f}"[:30],
            work=Work.PER_LITRE,
            campaign=TIER_COST,
            value=gives.litre_cut,
            scope=Scope(kinds=frozenset({"FUEL"})),
            members_only=True,
        )
    ]
