"""Tiers, the versions of their rule, and what they give: changed by one, approved by another.

A change that takes something away from members needs a second person.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from django.db import IntegrityError, connection, transaction
from django.utils.timezone import localdate

from members.models import Tier, TierBenefit, TierRule, TierThreshold
from members.queries.tier_rules import LABELS, Limit, Terms, takes_away, terms_at
from station.errors import Refusal
from station.models import Station, User
from station.services.audit import Subject

MOST_TIERS = 8
Kind = TierBenefit.Kind


class RuleRefused(Refusal):
    """The rule cannot be so."""


class NeedsApproval(Refusal):
    """Something is taken away, and nobody else has signed for it."""


class TierNameTaken(Refusal):
    """Another tier has the name or the code."""


def about_tiers(station: Station | None) -> Subject:
    """The subject under which changes of tiers stand in the audit."""
    return Subject(station, "tiers")


@transaction.atomic
def set_rule(
    *,
    terms: Terms,
    valid_from: date,
    station: Station | None,
    at: datetime,
    actor: User | None,
    approver: User | None = None,
) -> TierRule:
    """A new version of the rule from a date on, today at the earliest. Again the same: no new one.

    Refuses RuleRefused (nothing asked, a higher tier that is easier, a window shorter than its
    notice) and NeedsApproval where `takes_away` finds something and no other person approves.
    """
    check_terms(terms, valid_from=valid_from, today=localdate(at))
    before = terms_at(valid_from)
    if before == terms:
        return TierRule.objects.filter(valid_from__lte=valid_from).order_by("-valid_from", "-pk")[0]
    taken = takes_away(before=before, after=terms)
    _needs_approval(taken, actor, approver)
    rule = _written(terms, valid_from, at, actor, approver if taken else None)
    if actor:
        about_tiers(station).note(
            "members.tier_rule.set",
            at,
            actor,
            reason="；".join(taken),
            before=_shown(before),
            after={"生效日期": valid_from.isoformat(), **_shown(terms), **_signed(taken, approver)},
        )
    return rule


def _written(
    terms: Terms, valid_from: date, at: datetime, actor: User | None, approver: User | None
) -> TierRule:
    rule = TierRule.objects.create(
        valid_from=valid_from,
        window=terms.window,
        days=terms.days,
        grace_days=terms.grace_days,
        notice_days=terms.notice_days,
        visits_a_day=terms.visits_a_day,
        points_per_yuan=terms.points_per_yuan,
        points_per_litre=terms.points_per_litre,
        points_per_visit=terms.points_per_visit,
        made_at=at,
        made_by=actor,
        approved_by=approver,
    )
    TierThreshold.objects.bulk_create(
        TierThreshold(
            rule=rule,
            tier_id=one.tier_id,
            spend=one.spend,
            litres=one.litres,
            visits=one.visits,
            points=one.points,
        )
        for one in terms.limits
    )
    return rule


def _needs_approval(taken: Sequence[str], actor: User | None, approver: User | None) -> None:
    if taken and (approver is None or approver == actor):
        raise NeedsApproval(
            f"没有保存：这次改动对会员更不利（{'；'.join(taken)}），"
            "须由另一位有权限的人输入账号和口令审批。"
        )


def _signed(taken: Sequence[str], approver: User | None) -> dict[str, str]:
    return {"审批人": approver.name} if taken and approver else {}


def _shown(terms: Terms | None) -> dict[str, str]:
    if terms is None:
        return {}
    asked = {
        f"{one.name}门槛": " 或 ".join(
            f"{label}{getattr(one, name)}{unit}"
            for name, label, unit in LABELS
            if getattr(one, name) is not None
        )
        for one in terms.limits
    }
    return {
        "统计期": terms.words,
        "宽限天数": str(terms.grace_days),
        "提醒天数": str(terms.notice_days),
        **asked,
    }


def check_terms(terms: Terms, *, valid_from: date, today: date) -> None:
    """Refuse (RuleRefused) a rule that asks nothing or contradicts itself."""
    if valid_from < today:
        raise RuleRefused("没有保存：生效日期已过。定级规则不追溯，最早从今天起。")
    if not terms.limits:
        raise RuleRefused("没有保存：没有一个等级写了门槛。请至少给一个等级填一项。")
    if not terms.is_year and terms.days <= terms.notice_days:
        raise RuleRefused("没有保存：统计天数应多于降级前提醒天数，否则一升级就在提醒降级。")
    asks_points = any(one.points is not None for one in terms.limits)
    gives_points = terms.points_per_yuan or terms.points_per_litre or terms.points_per_visit
    if asks_points and not gives_points:
        raise RuleRefused("没有保存：门槛里有等级分，但每元、每升、每次都不给等级分。")
    for lower, higher in zip(terms.limits, terms.limits[1:], strict=False):
        for name, label, unit in LABELS:
            less, more = getattr(lower, name), getattr(higher, name)
            if less is not None and more is not None and more <= less:
                raise RuleRefused(
                    f"没有保存：{higher.name}的门槛（{label}{more} {unit}）应高于"
                    f"{lower.name}的（{less} {unit}）。"
                )


# ------------------------------------------------------------------------ tiers, benefits


@dataclass(frozen=True)
class Gift:
    """A benefit as it is typed: its kind, figure, name, how often a month, and words."""

    kind: str
    amount: Decimal | None = None
    name: str = ""
    monthly: int | None = None
    words: str = ""

    @property
    def key(self) -> tuple[str, str]:
        return (self.kind, self.name)

    def is_less_than(self, other: Gift) -> bool:
        """Whether it gives less than another of its kind and name."""
        return (self.amount or 0) < (other.amount or 0) or (self.monthly or 0) < (
            other.monthly or 0
        )


@transaction.atomic
def save_tier(
    *,
    tier: Tier | None,
    code: str,
    name: str,
    active: bool,
    station: Station | None,
    at: datetime,
    actor: User,
) -> Tier:
    """Add a tier above the others (None), or rename one, or take it out of use.

    A code is kept for ever: prices and coupons are bound to it. Refuses TierNameTaken, more than
    eight tiers, and taking out of use the lowest tier or one that members hold.
    """
    before = {"等级": tier.name, "在用": tier.active} if tier else None
    if tier is None:
        count = Tier.objects.count()
        if count >= MOST_TIERS:
            raise RuleRefused(f"没有新增：最多 {MOST_TIERS} 个等级。")
        top = Tier.objects.order_by("-rank").first()
        tier = Tier(code=code.strip().upper(), rank=top.rank + 1 if top else 0)
    elif tier.active and not active:
        if tier.rank == 0:
            raise RuleRefused(f"没有停用：{tier.name}是每个人开始时的等级。")
        if tier.holders.filter(until=None).exists():
            raise RuleRefused(f"没有停用：还有会员是{tier.name}。请先调整他们的等级。")
    tier.name, tier.active = name.strip(), active
    try:
        with transaction.atomic():
            tier.save()
    except IntegrityError as error:
        raise TierNameTaken("没有保存：已有同名或同代码的等级。请换一个。") from error
    after = {"等级": tier.name, "在用": tier.active}
    if before != after:
        about_tiers(station).note("members.tier.saved", at, actor, before=before, after=after)
    return tier


@transaction.atomic
def save_tier_and_benefits(
    *,
    tier: Tier | None,
    code: str,
    name: str,
    active: bool,
    gifts: Sequence[Gift],
    station: Station | None,
    at: datetime,
    actor: User,
    approver: User | None = None,
) -> Tier:
    """`save_tier` and `set_benefits` in one: both or neither. Refuses what they refuse."""
    saved = save_tier(
        tier=tier, code=code, name=name, active=active, station=station, at=at, actor=actor
    )
    set_benefits(tier=saved, gifts=gifts, station=station, at=at, actor=actor, approver=approver)
    return saved


@transaction.atomic
def set_benefits(
    *,
    tier: Tier,
    gifts: Sequence[Gift],
    station: Station | None,
    at: datetime,
    actor: User | None,
    approver: User | None = None,
) -> None:
    """What a tier gives from now on; what stays the same goes on, the rest ends or begins now.

    Again the same: nothing changes. Refuses RuleRefused (one twice) and NeedsApproval where a
    benefit ends or becomes less and no other person approves.
    """
    Tier.objects.select_for_update(of=("self",), no_key=True).get(pk=tier.pk)
    wanted = {one.key: one for one in gifts}
    if len(wanted) < len(gifts):
        raise RuleRefused("没有保存：同一项权益写了两次。免费服务请写不同的名称。")
    living = {
        gift.key: (gift, row)
        for row in TierBenefit.objects.filter(tier=tier, until=None)
        for gift in [Gift(row.kind, row.amount, row.name, row.monthly, row.words)]
    }
    taken = [
        f"{tier.name}「{old.words}」{'不再有' if new is None else f'改为「{new.words}」'}"
        for key, (old, _) in living.items()
        for new in [wanted.get(key)]
        if new is None or new.is_less_than(old)
    ]
    _needs_approval(taken, actor, approver)
    ended = [row.pk for key, (old, row) in living.items() if wanted.get(key) != old]
    begun = [one for key, one in wanted.items() if key not in living or living[key][0] != one]
    TierBenefit.objects.filter(pk__in=ended).update(until=at)
    _give(tier, begun, at, actor)
    if actor and (ended or begun):
        about_tiers(station).note(
            "members.tier.benefits_set",
            at,
            actor,
            reason="；".join(taken),
            before={"等级": tier.name, "权益": "；".join(old.words for old, _ in living.values())},
            after={
                "等级": tier.name,
                "权益": "；".join(one.words for one in gifts),
                **_signed(taken, approver),
            },
        )


def _give(tier: Tier, begun: Sequence[Gift], at: datetime, actor: User | None) -> None:
    TierBenefit.objects.bulk_create(
        TierBenefit(
            tier=tier,
            kind=one.kind,
            amount=one.amount,
            name=one.name,
            monthly=one.monthly,
            words=one.words,
            since=at,
            given_by=actor,
        )
        for one in begun
    )


def gift(
    kind: str, amount: Decimal | None = None, name: str = "", monthly: int | None = None
) -> Gift:
    """A benefit with its words."""
    figure = f"{(amount or Decimal(0)).normalize():f}"
    words = {
        Kind.LITRE_CUT: f"每升优惠 {amount or 0:.2f} 元",
        Kind.MULTIPLIER: f"{figure} 倍积分",
        Kind.BIRTHDAY: f"生日礼包：{name}",
        Kind.PRIORITY: "优先加油",
        Kind.SERVICE: f"免费{name}，每月 {monthly} 次",
    }
    return Gift(kind, amount, name, monthly, words[Kind(kind)])


# ------------------------------------------------------------------------------- defaults

STANDARD: tuple[dict[str, Any], ...] = (
    {"code": "BASE", "name": "普通", "asks": {}, "gives": ()},
    {
        "code": "SILVER",
        "name": "银卡",
        "asks": {"spend": Decimal("6000.00"), "visits": 24},
        "gives": (gift(Kind.LITRE_CUT, Decimal("0.05")), gift(Kind.MULTIPLIER, Decimal("1.20"))),
    },
    {
        "code": "GOLD",
        "name": "金卡",
        "asks": {"spend": Decimal("15000.00"), "visits": 60},
        "gives": (
            gift(Kind.LITRE_CUT, Decimal("0.10")),
            gift(Kind.MULTIPLIER, Decimal("1.50")),
            gift(Kind.BIRTHDAY, name="礼品一份"),
            gift(Kind.PRIORITY),
            gift(Kind.SERVICE, name="洗车", monthly=1),
        ),
    },
)


@transaction.atomic
def found_tiers(
    *, station: Station | None, at: datetime, actor: User | None, but: Collection[str] = ()
) -> bool:
    """普通, 银卡 and 金卡 with a rule and benefits, where there is no tier yet; tells whether.

    Again, or where somebody has made tiers: nothing. `but` are kinds of benefits left out for now.
    """
    with connection.cursor() as cursor:  # two at once: the second finds what the first made
        cursor.execute("LOCK TABLE members_tier IN SHARE ROW EXCLUSIVE MODE")
    if Tier.objects.exists():
        return False
    limits = []
    for rank, one in enumerate(STANDARD):
        tier = Tier.objects.create(code=one["code"], name=one["name"], rank=rank)
        if one["asks"]:
            limits.append(Limit(tier.pk, rank, tier.name, **one["asks"]))
        gives = [given for given in one["gives"] if given.kind not in but]
        set_benefits(tier=tier, gifts=gives, station=station, at=at, actor=None)
    set_rule(
        terms=Terms(
            window=TierRule.Window.ROLLING,
            days=365,
            grace_days=30,
            notice_days=30,
            visits_a_day=1,
            points_per_yuan=Decimal("0.00"),
            points_per_litre=Decimal("0.00"),
            points_per_visit=Decimal("0.00"),
            limits=tuple(limits),
        ),
        valid_from=localdate(at),
        station=station,
        at=at,
        actor=None,
    )
    if actor:
        about_tiers(station).note("members.tiers.founded", at, actor)
    return True
