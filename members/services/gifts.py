"""会员礼遇: who gets a gift, once; its coupon and points are given by whoever takes the waiting row.

A welcome is for a person, not for an account: his phone, plate and device leave marks that stay when
the account is closed. Birthdays are found by the sealed index of month and day, by the set.
"""

from __future__ import annotations

from calendar import isleap
from collections.abc import Collection, Mapping, Sequence
from datetime import date, datetime, timedelta
from typing import Any

from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.utils.timezone import localtime

from members.models import (
    Consent,
    Gift,
    GiftCall,
    GiftPlan,
    Member,
    Occasion,
    PersonMark,
    PointsTxn,
    Vehicle,
)
from members.queries.consents import allows
from members.queries.earn_rules import active_program
from members.services import notices
from members.services import points as ledger
from members.services.points import Cause
from members.services.points_adjusting import demand_second
from station.errors import Refusal
from station.models import Station, User
from station.services import audit, sealing
from station.services.waking import wake

FIELDS = ("occasion", "tier", "template", "points", "days", "valid_days", "active")
LONGEST_LEAD = 60


class GiftRefused(Refusal):
    """A plan that cannot be as it was typed, or a call without a word."""


# ------------------------------------------------------------------------------ the plans


@transaction.atomic
def save_plan(
    *,
    row: GiftPlan | None,
    values: Mapping[str, Any],
    at: datetime,
    actor: User,
    station: Station | None,
    approver: User | None = None,
) -> GiftPlan:
    """Add or change a plan; what was given stays. Audited. Refuses GiftRefused.

    And AdjustmentRefused points above the limit of adjustments without a second person, whom the
    view checked; to stop a plan nobody else is asked.
    """
    occasion, days = values["occasion"], values["days"] or 0
    if not values["template"].strip() and not values["points"]:
        raise GiftRefused("没有保存：请填券编号或积分，至少一样。不想给就停用。")
    if values["tier"] is not None and occasion != Occasion.BIRTHDAY:
        raise GiftRefused("没有保存：只有生日礼按会员等级分。请把等级去掉。")
    if occasion == Occasion.BIRTHDAY and days > LONGEST_LEAD:
        raise GiftRefused(f"没有保存：生日礼最多提前 {LONGEST_LEAD} 天。")
    if occasion == Occasion.WAKE and days < 1:
        raise GiftRefused("没有保存：请填多少天没来算沉睡。")
    if values["active"]:
        demand_second(values["points"] or 0, station, actor, approver, undone="没有保存")
    plan = GiftPlan() if row is None else GiftPlan.objects.select_for_update().get(pk=row.pk)
    before = None if row is None else _told(plan)
    for name in FIELDS:
        setattr(plan, name, values[name])
    plan.template, plan.days, plan.points = values["template"].strip(), days, values["points"] or 0
    try:
        with transaction.atomic():
            plan.save()
    except IntegrityError as error:
        raise GiftRefused("没有保存：这种礼遇（和等级）已有方案，请在那一条上修改。") from error
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action="members.gift.plan_saved",
        document=f"gift-plan:{plan.pk}",
        before=before,
        after={**_told(plan), **({"审批": approver.name} if approver else {})},
    )
    return plan


def _told(plan: GiftPlan) -> dict[str, str]:
    labels = {name: str(GiftPlan._meta.get_field(name).verbose_name) for name in FIELDS}  # type: ignore[union-attr]
    return {labels[name]: str(getattr(plan, name)) for name in FIELDS}


# ------------------------------------------------------------------------------- welcome


def leave_marks(marks: Sequence[tuple[str, str]], at: datetime) -> bool:
    """Keep what shows a person to have been here; whether nothing of it was known. One statement.

    Two who bring the same mark at once wait for each other: one of them is new.
    """
    told = sorted({one for one in marks if one[1]})
    if not told:
        return False
    with connection.cursor() as cursor:
        rows = ", ".join(["(%s, %s, %s)"] * len(told))
        cursor.execute(
            f'INSERT INTO members_personmark (kind, "index", at) VALUES {rows}'
            " ON CONFLICT DO NOTHING",
            [part for kind, index in told for part in (kind, index, at)],
        )
        return bool(cursor.rowcount == len(told))


def welcome(*, member: Member, car: Vehicle | None, device: str, at: datetime) -> Gift | None:
    """The welcome gift of who has just joined; None where he was here before, or nothing is given.

    `device` is a secret of the phone he joined by. In the transaction of his joining.
    """
    marks: list[tuple[str, str]] = [(PersonMark.Kind.PHONE, member.phone_index)]
    if car is not None:
        marks.append((PersonMark.Kind.PLATE, car.plate_index))
    if device:
        marks.append((PersonMark.Kind.DEVICE, sealing.blind_index("device", device)))
    if not leave_marks(marks, at):
        return None
    plan = GiftPlan.objects.filter(occasion=Occasion.WELCOME, active=True).first()
    if plan is None:
        return None
    gift = Gift.objects.create(
        key=f"{Occasion.WELCOME}:{member.pk}",
        occasion=Occasion.WELCOME,
        member=member,
        plan=plan,
        station_id=member.home_station_id,
        template=plan.template,
        valid_days=plan.valid_days,
        points=plan.points,
        made_at=at,
    )
    wake(settings.GIVE_GIFTS)
    return gift


# ------------------------------------------------------------------- birthdays, and waking

_INTO = """
INSERT INTO members_gift (key, occasion, member_id, plan_id, station_id, template, valid_days, points,
 state, coupon, words, made_at)
"""
_BIRTHDAYS = f"""{_INTO}
SELECT DISTINCT ON (m.id) 'BIRTHDAY:' || d.year || ':' || m.id, 'BIRTHDAY', m.id, p.id,
 m.home_station_id, p.template, p.valid_days, p.points, 'PENDING', '', '', %(at)s
FROM UNNEST(%(indexes)s::text[], %(years)s::int[], %(ahead)s::int[]) AS d(index, year, ahead)
JOIN members_member m ON m.birthday_index = d.index AND m.status = 'ACTIVE'
JOIN LATERAL (
  SELECT * FROM members_giftplan p WHERE p.occasion = 'BIRTHDAY' AND (p.tier_id IS NULL
   OR p.tier_id = COALESCE(
    (SELECT t.tier_id FROM members_membertier t WHERE t.member_id = m.id AND t.until IS NULL),
    (SELECT l.id FROM members_tier l WHERE l.rank = 0)))
  ORDER BY p.tier_id NULLS LAST LIMIT 1
) p ON p.active AND d.ahead <= p.days
WHERE NOT EXISTS (SELECT 1 FROM members_gift g WHERE g.member_id = m.id
 AND g.occasion = 'BIRTHDAY' AND g.made_at > %(lately)s)
ORDER BY m.id, d.ahead
ON CONFLICT (key) DO NOTHING
"""
_ASLEEP = f"""{_INTO}
SELECT 'WAKE:' || m.id || ':' || last.date, 'WAKE', m.id, p.id, m.home_station_id, p.template,
 p.valid_days, p.points, 'PENDING', '', '', %(at)s
FROM members_giftplan p CROSS JOIN members_member m
JOIN LATERAL (SELECT MAX(t.date) AS date FROM members_tiermeasuredaily t
 WHERE t.member_id = m.id) last ON last.date < %(today)s - p.days
WHERE p.occasion = 'WAKE' AND p.active AND m.status = 'ACTIVE'
ON CONFLICT (key) DO NOTHING
"""


def give_birthdays(*, at: datetime) -> int:
    """A gift to everybody whose birthday is near, once a year; how many.

    A night that was missed is made up by the next. Who has moved his birthday gets no second one
    within 300 days.
    """
    told = birthday_keys(localtime(at).date())
    indexer = sealing.Indexer()
    return _written(
        _BIRTHDAYS,
        {
            "at": at,
            "lately": at - timedelta(days=300),
            "indexes": [indexer("birthday", key) for key, _, _ in told],
            "years": [year for _, year, _ in told],
            "ahead": [ahead for _, _, ahead in told],
        },
    )


def birthday_keys(today: date) -> list[tuple[str, int, int]]:
    """Month and day of the birthdays of the coming days, with their year and how far they are.

    Who was born on 29 February has his on the 28th where there is no 29th. Pure.
    """
    told = []
    for ahead in range(LONGEST_LEAD + 1):
        day = today + timedelta(days=ahead)
        told.append((f"{day:%m%d}", day.year, ahead))
        if (day.month, day.day) == (2, 28) and not isleap(day.year):
            told.append(("0229", day.year, ahead))
    return told


def wake_sleepers(*, at: datetime) -> int:
    """A gift to everybody who has bought nothing for so long, once per sleep; how many."""
    return _written(_ASLEEP, {"at": at, "today": localtime(at).date()})


@transaction.atomic
def _written(asked: str, told: Mapping[str, Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(asked, told)
        count: int = cursor.rowcount
    if count:
        wake(settings.GIVE_GIFTS)
    return count


# -------------------------------------------------------------------------------- giving


@transaction.atomic(savepoint=False)
def give(*, gift: Gift, member: Member, coupon: str, at: datetime) -> None:
    """A locked gift is given: its points booked, its coupon noted, and told to who agreed to be told.

    Refuses GiftRefused points without a programme.
    """
    program = active_program()
    if gift.points and program is None:
        raise GiftRefused("没有发出：还没有积分方案。请先建积分方案。")
    if gift.points and program is not None:
        account = ledger.locked_account(member_id=member.pk)
        cause = Cause(
            key=f"gift:{gift.pk}",
            at=at,
            date=localtime(at).date(),
            document=f"gift:{gift.pk}",
            station_id=gift.station_id,
            reason=gift.get_occasion_display(),
        )
        kind = PointsTxn.Kind.ADJUST
        ledger.issue(account=account, points=gift.points, program=program, cause=cause, kind=kind)
    Gift.objects.filter(pk=gift.pk, state=Gift.State.PENDING).update(
        state=Gift.State.GIVEN, coupon=coupon, words="", given_at=at
    )
    if allows(member, Consent.Purpose.SMS):
        what = "、".join(
            [*(["一张券"] if coupon else []), *([f"{gift.points} 积分"] if gift.points else [])]
        )
        notices.tell(
            member=member,
            key=f"gift:{gift.pk}",
            subject=gift.get_occasion_display(),
            text=f"{what}已放进您的账户，到站付款前出示会员码即可使用。",
            at=at,
        )


def void_for(*, members: Collection[int]) -> int:
    """Locked members are being closed: the gifts that wait for them are void; how many."""
    waiting = Gift.objects.filter(member__in=members, state=Gift.State.PENDING)
    return waiting.update(state=Gift.State.VOID, words="会员已注销")


def note_call(*, gift: Gift, outcome: str, words: str, actor: User, at: datetime) -> GiftCall:
    """What came of a call about a gift. Refuses GiftRefused without a word where it says something."""
    if outcome == GiftCall.Outcome.COMPLAINT and not words.strip():
        raise GiftRefused("没有登记：顾客有意见，请写下他说了什么。")
    return GiftCall.objects.create(
        gift=gift, outcome=outcome, words=words.strip()[:200], actor=actor, at=at
    )
