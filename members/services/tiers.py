"""定级: tiers gained at once, lost gently, and set by hand.

`evaluate` is the one function: the sale calls it for its member, the night for everybody. The
member's row is locked first (in the order of ids), then decided anew, then written.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from django.db import connection, transaction
from django.utils.timezone import localdate

from members.models import Member, MemberTier, Tier, TierNotice
from members.queries.tier_rules import Terms, terms_at
from members.queries.tier_standings import Decision, Whose, decisions, reached_between
from members.services.noting import about
from station.errors import Refusal
from station.models import User
from station.queries import wording
from station.services.waking import wake

RANGE = 50_000  # members decided in one statement at night
# A tier begins just after the sale that earned it: the sale itself was made under the one before.
JUST_AFTER = timedelta(microseconds=1)
TELL_TIERS = "members.tasks.tell_tiers"
LONGEST_LOCK = timedelta(days=366 * 3)


class TierRefused(Refusal):
    """The tier cannot be set so."""


@dataclass(frozen=True)
class Moved:
    """How many members went up, were renewed, went down and were warned."""

    up: int = 0
    renewed: int = 0
    down: int = 0
    warned: int = 0

    def __add__(self, other: Moved) -> Moved:
        return Moved(
            self.up + other.up,
            self.renewed + other.renewed,
            self.down + other.down,
            self.warned + other.warned,
        )

    @property
    def total(self) -> int:
        """How many rows of members changed."""
        return self.up + self.renewed + self.down + self.warned


def evaluate_all(*, at: datetime) -> Moved:
    """Evaluate every member, in ranges of ids that commit one by one. Again: nothing changes."""
    terms = terms_at(localdate(at))
    last = Member.objects.order_by("-pk").values_list("pk", flat=True).first()
    if terms is None or last is None:
        return Moved()
    total = Moved()
    for first in range(1, last + 1, RANGE):
        whose = Whose(first=first, last=first + RANGE - 1)
        total += evaluate(terms=terms, whose=whose, at=at)
    return total


def evaluate(*, terms: Terms, whose: Whose, at: datetime) -> Moved:
    """Bring the tiers of some members to what the rule says at an instant. Again: nothing changes.

    One statement where nothing follows.
    """
    found = decisions(terms=terms, today=localdate(at), whose=whose)
    total = Moved()
    while found:  # what a change brings with it is done at once, so that no second run finds it
        ids = tuple(one.member_id for one in found)
        with transaction.atomic():
            lock(ids)
            again = Whose(ids=ids)
            found = decisions(terms=terms, today=localdate(at), whose=again)
            total += _apply(found, terms, at)
            found = decisions(terms=terms, today=localdate(at), whose=again) if found else []
    return total


def lock(member_ids: Sequence[int]) -> None:
    """Hold members until the transaction ends: their tiers are decided by one at a time."""
    rows = Member.objects.filter(pk__in=member_ids).order_by("pk")
    list(rows.select_for_update(no_key=True, of=("self",)).values_list("pk", flat=True))


def _apply(found: Sequence[Decision], terms: Terms, at: datetime) -> Moved:
    if not found:
        return Moved()
    today = localdate(at)
    tiers = {one.rank: one for one in Tier.objects.filter(active=True)}
    by_act = {
        act: [one for one in found if one.act == act] for act in ("UP", "RENEW", "DOWN", "WARN")
    }
    for held in {one.holds_until or today for one in by_act["RENEW"]}:
        ids = [one.row_id or 0 for one in by_act["RENEW"] if one.holds_until == held]
        MemberTier.objects.filter(pk__in=ids).update(
            holds_until=terms.renewed_until(held, today),
            counted_from=terms.counted_from(held),
            renewed_on=today,
            warned_on=None,
        )
    MemberTier.objects.filter(pk__in=[one.row_id or 0 for one in by_act["WARN"]]).update(
        warned_on=today
    )
    _tell([_warning(one, terms, tiers, at) for one in by_act["WARN"]])
    begun = [_up(one, terms, tiers, at) for one in by_act["UP"]]
    begun += [_down(one, terms, tiers, at) for one in by_act["DOWN"]]
    begin(begun)
    return Moved(*(len(by_act[act]) for act in ("UP", "RENEW", "DOWN", "WARN")))


def _up(one: Decision, terms: Terms, tiers: dict[int, Tier], at: datetime) -> MemberTier:
    tier = tiers[one.reached]
    return MemberTier(
        member_id=one.member_id,
        tier=tier,
        since=after(at, one.since),
        reason=MemberTier.Reason.UPGRADE,
        words=f"{terms.words}{_counted(one)}，升为{tier.name}",
        holds_until=terms.earned_until(localdate(at)),
        counted_from=terms.counted_from(localdate(at)),
    )


def _down(one: Decision, terms: Terms, tiers: dict[int, Tier], at: datetime) -> MemberTier:
    tier = tiers[_below(tiers, one.rank)]
    return MemberTier(
        member_id=one.member_id,
        tier=tier,
        since=after(at, one.since),
        reason=MemberTier.Reason.DOWNGRADE,
        words=f"保级期 {one.holds_until} 已过，宽限 {terms.grace_days} 天内未补足，降为{tier.name}",
        holds_until=terms.period_end(localdate(at)) if tier.rank else None,
    )


def _warning(one: Decision, terms: Terms, tiers: dict[int, Tier], at: datetime) -> TierNotice:
    last = last_day(one.holds_until or localdate(at), localdate(at), terms)
    below = tiers[_below(tiers, one.rank)].name
    return TierNotice(
        member_id=one.member_id,
        key=f"WARNING:{one.row_id}:{one.holds_until}",
        kind=TierNotice.Kind.WARNING,
        words=f"等级保留到 {last}，到时没有补足消费将降为{below}",
        made_at=at,
    )


def last_day(holds_until: date, warned_on: date, terms: Terms) -> date:
    """The last date on which buying still keeps a tier: grace and notice are over after it."""
    return max(
        holds_until + timedelta(days=terms.grace_days),
        warned_on + timedelta(days=terms.notice_days - 1),
    )


def _counted(one: Decision) -> str:
    return f"消费 {wording.yuan(one.spend)}、加油 {wording.litres(one.litres)} 升、{one.visits} 次"


def _below(tiers: dict[int, Tier], rank: int) -> int:
    return max((other for other in tiers if other < rank), default=min(tiers))


def after(at: datetime, since: datetime | None) -> datetime:
    """When a tier begins that follows one held since an instant."""
    return (max(at, since) if since else at) + JUST_AFTER


def begin(rows: Sequence[MemberTier]) -> None:
    """End what the members held and begin what they hold now, with a notice each. Two statements.

    By arrays, since a night may move hundreds of thousands.
    """
    if not rows:
        return
    with connection.cursor() as cursor:
        cursor.execute(
            _END, {"members": [r.member_id for r in rows], "since": [r.since for r in rows]}
        )
        cursor.execute(_BEGIN, {name: [getattr(row, name) for row in rows] for name in _BEGUN})
    wake(TELL_TIERS)


_BEGUN = (
    "member_id",
    "tier_id",
    "since",
    "reason",
    "words",
    "holds_until",
    "counted_from",
    "locked_until",
    "set_by_id",
)
_END = """
UPDATE members_membertier own SET until = ended.since
FROM UNNEST(%(members)s::bigint[], %(since)s::timestamptz[]) AS ended (member_id, since)
WHERE own.member_id = ended.member_id AND own.until IS NULL
"""
_BEGIN = """
WITH begun AS (
    INSERT INTO members_membertier (member_id, tier_id, since, reason, words, holds_until,
        counted_from, locked_until, set_by_id)
    SELECT * FROM UNNEST(%(member_id)s::bigint[], %(tier_id)s::bigint[],
        %(since)s::timestamptz[], %(reason)s::text[], %(words)s::text[], %(holds_until)s::date[],
        %(counted_from)s::date[], %(locked_until)s::date[], %(set_by_id)s::bigint[])
    RETURNING id, member_id, reason, words, holds_until, since)
INSERT INTO members_tiernotice (member_id, key, kind, words, made_at)
SELECT member_id, 'TIER:' || id, reason, LEFT(words || COALESCE('，保级到 '
    || TO_CHAR(holds_until, 'YYYY-MM-DD'), ''), 200), since
FROM begun ON CONFLICT (key) DO NOTHING
"""


def lowest() -> Tier | None:
    """The tier everybody starts with; None where there are no tiers."""
    return Tier.objects.filter(active=True).order_by("rank").first()


def _tell(notices: Sequence[TierNotice]) -> None:
    TierNotice.objects.bulk_create(notices, ignore_conflicts=True, batch_size=5_000)
    if notices:
        wake(TELL_TIERS)


# ---------------------------------------------------------------------------- after a refund


def take_back(*, terms: Terms, member_id: int, at: datetime) -> bool:
    """After a refund: a tier whose purchases are gone falls to the one before, or to what is left.

    What was bought since still counts for it. A tier that was renewed falls by one. Locked and
    imported tiers, and those set by hand, stay. The caller holds the member. Tells whether it fell.
    """
    own = MemberTier.objects.select_related("tier").filter(member=member_id, until=None).first()
    today = localdate(at)
    if own is None or not own.tier.rank or own.counted_from is None or _is_locked(own, today):
        return False
    if terms.limit_of(own.tier_id) is None:
        return False
    reached = reached_between(terms=terms, member_id=member_id, first=own.counted_from, last=today)
    if reached >= own.tier.rank:
        return False
    begin([_fallen(own, reached, terms, at)])
    return True


def _is_locked(own: MemberTier, today: date) -> bool:
    return own.locked_until is not None and own.locked_until >= today


def _fallen(own: MemberTier, reached: int, terms: Terms, at: datetime) -> MemberTier:
    tiers = {one.rank: one for one in Tier.objects.filter(active=True)}
    rows = MemberTier.objects.select_related("tier").filter(member=own.member_id)
    before = rows.exclude(pk=own.pk).order_by("-since", "-pk").first()
    if own.renewed_on:
        rank = _below(tiers, own.tier.rank)
    else:
        rank = min(before.tier.rank if before else 0, _below(tiers, own.tier.rank))
    tier = tiers.get(max(rank, reached)) or tiers[_below(tiers, max(rank, reached))]
    today = localdate(at)
    known = before if before and before.tier_id == tier.pk and not own.renewed_on else None
    held = known.holds_until if known and known.holds_until else None
    return MemberTier(
        member_id=own.member_id,
        tier=tier,
        since=after(at, own.since),
        reason=MemberTier.Reason.REFUND,
        words=f"退款后不再达到{own.tier.name}，重新评定为{tier.name}",
        holds_until=max(held or terms.period_end(today), today) if tier.rank else None,
        counted_from=known.counted_from if known else own.counted_from,
        locked_until=known.locked_until if known else None,
    )


# ---------------------------------------------------------------------------------- by hand


@transaction.atomic
def set_tier(
    *,
    member: Member,
    tier: Tier,
    locked_until: date | None,
    reason: str,
    at: datetime,
    actor: User,
) -> MemberTier:
    """Give a member a tier by hand; until `locked_until` the rule leaves it alone, up and down.

    Again with the same tier and lock, the same row. Refuses TierRefused: no reason, a closed
    member, a tier out of use, a lock in the past or longer than three years.
    """
    today = localdate(at)
    if not reason.strip():
        raise TierRefused("没有调整：请写明原因，例如「投诉补偿」「集团大客户」。")
    if member.status == Member.Status.CLOSED:
        raise TierRefused(f"没有调整：会员 {member.number} 已注销。")
    if not tier.active:
        raise TierRefused(f"没有调整：{tier.name} 已停用，请选在用的等级。")
    if locked_until and not today <= locked_until <= today + LONGEST_LOCK:
        raise TierRefused("没有调整：锁定日期应从今天起，最长三年。不锁定就留空。")
    lock([member.pk])
    own = MemberTier.objects.select_related("tier").filter(member=member, until=None).first()
    if own and own.tier_id == tier.pk and own.locked_until == locked_until:
        return own
    terms = terms_at(today)
    held = locked_until or (terms.period_end(today) if terms else None)
    row = MemberTier(
        member=member,
        tier=tier,
        since=after(at, own.since if own else None),
        reason=MemberTier.Reason.MANUAL,
        words=reason.strip()[:200],
        holds_until=held if tier.rank else None,
        locked_until=locked_until,
        set_by=actor,
    )
    begin([row])
    about(member).note(
        "members.tier.set",
        at,
        actor,
        reason=reason.strip(),
        before={"等级": own.tier.name if own else "", "锁定到": _iso(own)},
        after={"等级": tier.name, "锁定到": _iso(row)},
    )
    return row


def _iso(row: MemberTier | None) -> str:
    return row.locked_until.isoformat() if row and row.locked_until else ""


@transaction.atomic
def tell(*, notice: TierNotice, at: datetime, actor: User) -> None:
    """The member was told. Twice is once."""
    TierNotice.objects.filter(pk=notice.pk, told_at=None).update(told_at=at, told_by=actor)
