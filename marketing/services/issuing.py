"""发券: given to members, claimed by an open code, printed for a bearer; never above a limit.

Quota and limits are counter rows moved by conditional UPDATEs in the transaction of the issue: the
database holds them whoever asks at the same moment.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction
from django.db.models import F
from django.utils.timezone import localtime

from marketing.models import Coupon, CouponBatch, CouponEvent, CouponTemplate, Status
from marketing.services.codes import new_code
from members.models import Action, Member, Metric, Vehicle
from members.queries.risk import Hit, rule_of
from members.services.risk import ASK, Act, OverTheLimit, kept, record
from station.errors import Refusal
from station.models import User
from station.services import audit

Source = Coupon.Source


class NoneLeft(Refusal):
    """The batch has none left, is closed, or its time is over."""


class LimitReached(Refusal):
    """This member or device has had his share, or is not meant."""


@dataclass(frozen=True)
class Given:
    """What became of a list: the coupons, and who got none with the reason."""

    coupons: list[Coupon]
    passed_over: list[tuple[Member, str]]


@transaction.atomic
def give(
    *, batch: CouponBatch, members: Sequence[Member], actor: User | None, at: datetime
) -> Given:
    """Give one coupon of a batch to each member of a list; those at their limit are passed over.

    Refuses NoneLeft when fewer are left than members are to have one, and then gives none.
    """
    passed: list[tuple[Member, str]] = []
    served: list[Member | None] = []
    for member in sorted(set(members), key=lambda one: one.pk):
        try:
            with transaction.atomic():
                _count(batch, member, at, device="")
            served.append(member)
        except LimitReached as refusal:
            passed.append((member, str(refusal)))
    coupons = _issue(batch, served, Source.GIVEN, actor, at)
    return Given(coupons, passed)


@transaction.atomic
def print_codes(*, batch: CouponBatch, count: int, actor: User, at: datetime) -> list[Coupon]:
    """Issue coupons to whoever bears their code. Refuses NoneLeft when fewer are left."""
    if not 0 < count <= 1000:
        raise NoneLeft("没有发券：一次 1 到 1000 张。")
    return _issue(batch, [None] * count, Source.PRINTED, actor, at)


@transaction.atomic
def redeem(
    *,
    batch: CouponBatch,
    member: Member,
    at: datetime,
    source: str = Source.REWARD,
    days: int | None = None,
) -> Coupon:
    """The coupon that a member's points bought or that is a gift, of a batch kept for that.

    How many one member may have is the reward's limit, not the batch's. `days` is how long it is
    good where the gift says so. Refuses NoneLeft.
    """
    return _issue(batch, [member], source, None, at, days)[0]


@kept()
@transaction.atomic
def claim(
    *, open_code: str, member: Member, device: str, actor: User | None, at: datetime
) -> Coupon:
    """A member claims a coupon by an open code, from a device where one is known.

    Refuses NoneLeft for an unknown code, one whose time or quota is over; LimitReached for who has
    had his share, and for who is not as new a member as the batch is for; OverTheLimit for who had
    this new member's coupon under another account.
    """
    batch = (
        CouponBatch.objects.select_related("template", "station")
        .filter(open_code=open_code)
        .first()
    )
    if batch is None:
        raise NoneLeft("没有领到：没有这个领券码。请核对后再输。")
    if batch.claim_until is not None and at >= batch.claim_until:
        raise NoneLeft(f"没有领到：{batch.template.name} 的领取时间已过。")
    if member.status != Member.Status.ACTIVE:
        raise LimitReached(f"没有领到：会员 {member.number} {member.get_status_display()}。")
    days = batch.new_within_days
    if days is not None and at - member.joined_at > timedelta(days=days):
        raise LimitReached(f"没有领到：{batch.template.name} 只给入会 {days} 天内的新会员。")
    _count(batch, member, at, device)
    if days is not None:
        _once_per_person(batch, member, at, device, actor)
    return _issue(batch, [member], Source.CLAIMED, actor, at)[0]


def _once_per_person(
    batch: CouponBatch, member: Member, at: datetime, device: str, actor: User | None
) -> None:
    """Coupons for new members, counted by phone, plates and device: an account that was closed and
    joined again is the same person. Refuses OverTheLimit; the counts stay when the account goes.
    """
    rule = rule_of(Metric.NEW_COUPON)
    if rule is None:
        return
    plates = Vehicle.objects.filter(member=member, active=True).exclude(plate_index="")
    subjects = [f"phone:{member.phone_index}"] if member.phone_index else []
    subjects += [f"plate:{one}" for one in sorted(plates.values_list("plate_index", flat=True))]
    if device and batch.per_device is None:  # else the batch says itself how many a device has
        subjects.append(f"known:{device}")
    with connection.cursor() as cursor:
        for subject in subjects:
            told: dict[str, Any] = {
                "batch": batch.pk,
                "subject": subject[:80],
                "most": rule.limit,
            }
            cursor.execute(_COUNT, told)
            if cursor.fetchone() is not None:
                continue
            hit = Hit(rule.pk, rule.metric, rule.action, rule.limit + 1, rule.limit, None)
            act = Act(at, batch.station_id, batch.number, member.pk, actor)
            tag = f"{batch.number}:{member.pk}"
            if rule.action == Action.BLOCK:
                raise OverTheLimit(f"没有领到：{hit.words}。{ASK}", [hit], act, tag)
            record(hits=[hit], act=act, tag=tag)


_COUNT = """
INSERT INTO marketing_claimcount (batch_id, subject, used) VALUES (%(batch)s, %(subject)s, 1)
ON CONFLICT (batch_id, subject) DO UPDATE SET used = marketing_claimcount.used + 1
 WHERE marketing_claimcount.used < %(most)s
RETURNING used
"""


def _count(batch: CouponBatch, member: Member, at: datetime, device: str) -> None:
    limits = [
        (f"member:{member.pk}", batch.per_member, f"{member.number} 已领满 {batch.per_member} 张"),
    ]
    if batch.per_member_day is not None:
        day = f"day:{localtime(at).date()}:{member.pk}"
        limits.append((day, batch.per_member_day, f"{member.number} 今天已领满"))
    if device and batch.per_device is not None:
        limits.append((f"device:{device}"[:80], batch.per_device, "这台设备已领满"))
    with connection.cursor() as cursor:
        for subject, most, words in limits:
            cursor.execute(_COUNT, {"batch": batch.pk, "subject": subject, "most": most})
            if cursor.fetchone() is None:
                raise LimitReached(f"没有领到：{words}。")


def _issue(
    batch: CouponBatch,
    members: Sequence[Member | None],
    source: str,
    actor: User | None,
    at: datetime,
    days: int | None = None,
) -> list[Coupon]:
    """Take from the quota, then make the coupons. The quota row is locked last: it is the hottest."""
    count = len(members)
    if not count:
        return []
    template = batch.template
    _take_from_quota(batch, count, source)
    since, until = _time(template, at, days)
    if until <= at:
        raise NoneLeft(f"没有发出：{template} 的有效期已过。")
    coupons = Coupon.objects.bulk_create(
        Coupon(
            code=new_code(),
            batch=batch,
            template=template,
            member=member,
            source=source,
            valid_from=since,
            valid_until=until,
            issued_at=at,
        )
        for member in members
    )
    CouponEvent.objects.bulk_create(
        CouponEvent(coupon=one, kind=CouponEvent.Kind.ISSUED, at=at, actor=actor) for one in coupons
    )
    if source != Source.CLAIMED:
        audit.record(
            at=at,
            actor=actor,
            station=batch.station,
            action="marketing.coupon.issued",
            document=batch.number,
            after={"张数": count, "方式": Source(source).label},
        )
    return coupons


def _take_from_quota(batch: CouponBatch, count: int, source: str) -> None:
    template = batch.template
    if batch.for_rewards != (source in (Source.REWARD, Source.GIFT)):
        raise NoneLeft(
            f"没有发出：{batch.number} {template.name} 留给积分商城和礼遇。请用别的批次。"
        )
    open_ = CouponBatch.objects.filter(pk=batch.pk, closed_at=None, issued__lte=F("quota") - count)
    if not open_.update(issued=F("issued") + count):
        raise NoneLeft(f"没有发出：{batch.number} {template.name} 只剩不足 {count} 张，或已停发。")
    if not CouponTemplate.objects.filter(
        pk=template.pk, status__in=[Status.APPROVED, Status.REPLACED]
    ).exists():
        raise NoneLeft(f"没有发出：{template} 已停用。")


def _time(template: CouponTemplate, at: datetime, days: int | None) -> tuple[datetime, datetime]:
    """From when until when (exclusive) a coupon issued now is good: days end at local midnight."""
    valid_days = days or template.valid_days
    if valid_days is None:
        assert template.valid_from is not None
        assert template.valid_until is not None
        return template.valid_from, template.valid_until
    last = localtime(at) + timedelta(days=valid_days)
    return at, last.replace(hour=0, minute=0, second=0, microsecond=0)
