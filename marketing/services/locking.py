"""券 from the hand to the document: held for a basket, used, let go, returned, expired.

Every change of state is one conditional UPDATE: two baskets that want a coupon are one that has it
and one that is told so.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.db.models import F, QuerySet

from marketing.models import Coupon, CouponEvent
from members.models import Member
from members.queries.standing import standing_of
from station.errors import Refusal
from station.models import Station, User
from station.queries import settings

GONE = "会员已注销，退回的券作废"
State = Coupon.State
Kind = CouponEvent.Kind


class CouponTaken(Refusal):
    """A coupon was used, ran out, or is held by another basket."""


def hold(
    *, ids: Collection[int], key: str, station: Station, actor: User | None, at: datetime
) -> bool:
    """Hold exactly these coupons for a basket and let the others of it go; whether all were free.

    Held for `marketing.lock_minutes`, again from now on. A hold of another basket that ran out is
    no hold; one of a member who may not spend is not free. One statement where the basket has and wants none.
    """
    release(key=key, but=ids, actor=actor, at=at)
    if not ids:
        return True
    until = at + timedelta(minutes=settings.whole("marketing.lock_minutes", station))
    # By number, so that two baskets that want the same coupons do not wait in a ring.
    rows = Coupon.objects.select_for_update(of=("self",)).select_related("member__merged_into")
    wanted = [one for one in rows.filter(pk__in=ids).order_by("pk") if _may_be_spent(one)]
    mine = {one.pk for one in wanted if one.state == State.LOCKED and one.lock_key == key}
    free = {one.pk for one in wanted if _is_free(one, at)} - mine
    if len(mine | free) < len(set(ids)):
        return False
    Coupon.objects.filter(pk__in=ids).update(state=State.LOCKED, lock_key=key, locked_until=until)
    _tell(free, Kind.LOCKED, at, actor, key)
    return True


def _may_be_spent(coupon: Coupon) -> bool:
    """Whether it is nobody's, or a member's who may spend; a merged one as whom he became."""
    member = coupon.member
    return member is None or standing_of(member.merged_into or member).may_spend


def _is_free(coupon: Coupon, at: datetime) -> bool:
    if not coupon.valid_from <= at < coupon.valid_until:
        return False
    left = coupon.locked_until is not None and coupon.locked_until < at
    return coupon.state == State.ISSUED or (coupon.state == State.LOCKED and left)


@transaction.atomic
def release(*, key: str, actor: User | None, at: datetime, but: Collection[int] = ()) -> int:
    """Let go what a basket holds, but for some; how many. Again, it lets go none."""
    rows = Coupon.objects.filter(state=State.LOCKED, lock_key=key).exclude(pk__in=but)
    return _let_go(rows, at, actor, key)


@transaction.atomic
def release_stale(*, at: datetime, limit: int = 1000) -> int:
    """Let go the coupons of baskets that were left standing; how many."""
    rows = Coupon.objects.filter(state=State.LOCKED, locked_until__lt=at)
    return _let_go(rows, at, None, "", limit)


def _let_go(
    rows: QuerySet[Coupon], at: datetime, actor: User | None, key: str, limit: int | None = None
) -> int:
    # Locked and looked at again: one that was used meanwhile is not among them any more.
    free = rows.select_for_update(of=("self",), skip_locked=limit is not None).order_by("pk")
    ids = [one.pk for one in free[:limit]]
    if ids:
        Coupon.objects.filter(pk__in=ids, state=State.LOCKED).update(
            state=State.ISSUED, lock_key="", locked_until=None
        )
    _tell(ids, Kind.RELEASED, at, actor, key)
    return len(ids)


def use(*, ids: Sequence[int], key: str, document: str, actor: User | None, at: datetime) -> None:
    """Spend coupons on a document, each once. One statement.

    Refuses CouponTaken unless each is held by this basket, or is free and in time. One that ran
    out while its basket held it is still good.
    """
    told = {
        "ids": list(ids),
        "key": key,
        "document": document,
        "actor": actor.pk if actor else None,
        "at": at,
    }
    with connection.cursor() as cursor:
        cursor.execute(_USE, told)
        (used,) = cursor.fetchone()
    if used != len(set(ids)):
        raise CouponTaken(
            "没有收款：单上的券刚在别处用掉，或已过期。请重新算一次优惠，看清金额再收。"
        )


# Held by the basket, held by one that left it standing, or free.
_USE = """
WITH used AS (
  UPDATE marketing_coupon SET state = 'USED', lock_key = '', locked_until = NULL,
   document = %(document)s
  WHERE id = ANY(%(ids)s) AND (
   (state = 'LOCKED' AND lock_key = %(key)s AND (locked_until >= %(at)s OR valid_until > %(at)s))
   OR (state = 'LOCKED' AND locked_until < %(at)s AND valid_until > %(at)s)
   OR (state = 'ISSUED' AND valid_from <= %(at)s AND valid_until > %(at)s))
  RETURNING id
), told AS (
  INSERT INTO marketing_couponevent (coupon_id, kind, at, document, actor_id, words)
  SELECT id, 'USED', %(at)s, %(document)s, %(actor)s, '' FROM used ORDER BY id
)
SELECT COUNT(*) FROM used
"""


def give_back(
    *, document: str, back_by: str, station: Station, actor: User | None, at: datetime
) -> int:
    """Return the coupons of a document that was taken back whole; how many.

    With the time that was left; one that ran out since is good for `marketing.coupon_grace_days`
    from now. One of a member who is closed comes back void, and says so. Again, none.
    """
    used = list(
        Coupon.objects.filter(document=document, state=State.USED)
        .order_by("pk")
        .values_list("pk", "valid_until", "member__status")
    )
    if not used:
        return 0
    grace = timedelta(days=settings.whole("marketing.coupon_grace_days", station))
    back, gone = [], []
    for pk, valid_until, status in used:
        until = valid_until if valid_until > at else at + grace
        dead = status == Member.Status.CLOSED
        if Coupon.objects.filter(pk=pk, state=State.USED, document=document).update(
            state=State.VOID if dead else State.ISSUED,
            document="",
            returned=F("returned") + 1,
            valid_until=until,
        ):
            back.append(pk)
            gone += [pk] if dead else []
    _tell(back, Kind.RETURNED, at, actor, back_by)
    _tell(gone, Kind.VOIDED, at, actor, back_by, GONE)
    return len(back)


def void(*, coupon: Coupon, actor: User, at: datetime, reason: str) -> None:
    """Void an unused coupon. Refuses one that is held, used, over, or voided, and no reason."""
    if not reason.strip():
        raise CouponTaken("没有作废：请写明原因。")
    rows = Coupon.objects.filter(pk=coupon.pk, state=State.ISSUED)
    if not rows.update(state=State.VOID):
        coupon.refresh_from_db()
        raise CouponTaken(f"没有作废：{coupon.code} {coupon.get_state_display()}。")
    _tell([coupon.pk], Kind.VOIDED, at, actor, "", reason.strip())


def void_all(*, ids: Collection[int], actor: User | None, at: datetime, reason: str) -> None:
    """Void coupons that the caller has locked, held by a basket or not. Two statements."""
    Coupon.objects.filter(pk__in=ids, state__in=[State.ISSUED, State.LOCKED]).update(
        state=State.VOID, lock_key="", locked_until=None
    )
    _tell(ids, Kind.VOIDED, at, actor, "", reason)


@transaction.atomic
def expire(*, at: datetime, limit: int = 5000) -> int:
    """Expire coupons whose time is over and that no basket holds; how many. Again, none."""
    over = Coupon.objects.filter(state=State.ISSUED, valid_until__lte=at).order_by("pk")
    ids = [one.pk for one in over.select_for_update(skip_locked=True)[:limit]]
    Coupon.objects.filter(pk__in=ids, state=State.ISSUED).update(state=State.EXPIRED)
    _tell(ids, Kind.EXPIRED, at, None, "")
    return len(ids)


def _tell(
    ids: Collection[int],
    kind: str,
    at: datetime,
    actor: User | None,
    document: str,
    words: str = "",
) -> None:
    """What happened to coupons, for ever. One statement; none for none."""
    if ids:
        CouponEvent.objects.bulk_create(
            CouponEvent(
                coupon_id=pk, kind=kind, at=at, actor=actor, document=document, words=words[:200]
            )
            for pk in sorted(ids)
        )
