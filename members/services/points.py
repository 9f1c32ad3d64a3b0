"""The points ledger: every act locks the account, sweeps what is due of it, then acts. Once per key.

Points are whole numbers. What is taken comes from lots, first to expire first; what is given back
goes to the lots it came from. An account that owes points has none: the next ones pay the debt.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from django.db import connection, transaction
from django.db.models import F, QuerySet

from members.models import PointsAccount, PointsAlloc, PointsLot, PointsProgram, PointsTxn
from members.queries.points import fifo, one_at_a_time
from members.queries.points_expiry import HELD, active_from, expires_at
from members.services import points_sweeping
from station.errors import Refusal
from station.models import User

Kind = PointsTxn.Kind


class NotEnoughPoints(Refusal):
    """The account holds fewer points than are to be spent."""


class PointsFrozen(Refusal):
    """The account spends nothing while it is frozen."""


class MoreThanWas(Refusal):
    """More would be given or taken back than was ever spent or earned."""


@dataclass(frozen=True)
class Cause:
    """Why a row is written: the key that makes it once, when, on which accounting date, by whom."""

    key: str
    at: datetime
    date: date
    document: str = ""
    station_id: int | None = None
    actor: User | None = None
    approver: User | None = None
    reason: str = ""


def held_rows(beside: str = "") -> QuerySet[PointsAccount]:
    """Accounts that are locked when they are read; with `beside`, that before them."""
    rows = PointsAccount.objects.select_for_update(no_key=True)
    return rows.annotate(beside=one_at_a_time(beside)) if beside else rows


def locked_account(*, member_id: int, beside: str = "") -> PointsAccount:
    """A member's account, locked; opened where he has none. Follows a merge to where it went.

    `beside` is what else may be in one hand at a time until the end: a plate that several bring.
    """
    rows = held_rows(beside)
    found = rows.filter(member=member_id).first()
    if found is None:
        with connection.cursor() as cursor:
            cursor.execute(
                "INSERT INTO members_pointsaccount (member_id, holder, balance, pending, debt, frozen, version)"
                " VALUES (%s, '', 0, 0, 0, FALSE, 0) ON CONFLICT DO NOTHING",
                [member_id],
            )
        found = rows.get(member=member_id)
    while found.moved_to_id is not None:
        found = rows.get(pk=found.moved_to_id)
    return found


def locked(*, account_id: int) -> PointsAccount:
    """An account by its id, locked; follows a merge to where it went."""
    rows = PointsAccount.objects.select_for_update(no_key=True)
    found = rows.get(pk=account_id)
    while found.moved_to_id is not None:
        found = rows.get(pk=found.moved_to_id)
    return found


def known(cause: Cause, suffix: str = "") -> PointsTxn | None:
    """The row that this cause made before. Ask it with the account locked."""
    return PointsTxn.objects.filter(idem=cause.key + suffix).first()


def sweep(account: PointsAccount, cause: Cause) -> None:
    """Expire and mature what is due of a locked account. One statement where nothing is."""
    if points_sweeping.sweep_one(account_id=account.pk, at=cause.at):
        account.refresh_from_db(fields=["balance", "pending", "version"])


def _met(account: PointsAccount, cause: Cause) -> PointsTxn | None:
    twin, due = points_sweeping.known_or_due(account_id=account.pk, keys=[cause.key], at=cause.at)
    if twin is not None:
        return PointsTxn.objects.get(pk=twin)
    if due:
        sweep(account, cause)
    return None


def note(
    account: PointsAccount, kind: str, cause: Cause, *, amount: int, suffix: str = "", **more: Any
) -> PointsTxn:
    """A row of the ledger; the account in memory is already as it will be."""
    return PointsTxn.objects.create(
        account=account,
        kind=kind,
        amount=amount,
        balance_after=account.balance,
        idem=cause.key + suffix,
        document=cause.document,
        station_id=cause.station_id,
        actor=cause.actor,
        approver=cause.approver,
        reason=cause.reason[:200],
        date=cause.date,
        occurred_at=cause.at,
        **more,
    )


def keep(account: PointsAccount) -> None:
    """Write the sums of a locked account. One statement."""
    PointsAccount.objects.filter(pk=account.pk).update(
        balance=account.balance,
        pending=account.pending,
        debt=account.debt,
        version=F("version") + 1,
    )


def consume(
    account: PointsAccount, lots: Sequence[PointsLot], wanted: int
) -> list[tuple[PointsLot, int]]:
    """Take up to so many points out of lots, in their order; what was taken of which."""
    taken = []
    for lot in lots:
        part = min(lot.remaining, wanted)
        if part <= 0:
            continue
        lot.remaining -= part
        PointsLot.objects.filter(pk=lot.pk).update(remaining=F("remaining") - part)
        if lot.pending:
            account.pending -= part
        else:
            account.balance -= part
        wanted -= part
        taken.append((lot, part))
    return taken


def allocate(txn: PointsTxn, parts: Sequence[tuple[PointsLot, int]], sign: int) -> None:
    """Say which lots a row took from (−1) or gave back to (+1)."""
    PointsAlloc.objects.bulk_create(
        PointsAlloc(txn=txn, lot=lot, qty=sign * part) for lot, part in parts
    )


def add_lot(account: PointsAccount, txn: PointsTxn, points: int, **more: Any) -> PointsLot:
    """A new lot of an account, counted into its sums."""
    lot = PointsLot.objects.create(
        account=account, txn=txn, issued=points, remaining=points, **{"root": txn, **more}
    )
    if lot.pending:
        account.pending += points
    else:
        account.balance += points
    return lot


def offset_debt(account: PointsAccount, cause: Cause) -> None:
    """Points that have just come pay what is owed first. Nothing to do without a debt."""
    if not account.debt:
        return
    parts = consume(account, list(fifo(account)), account.debt)
    paid = sum(part for _, part in parts)
    if not paid:
        return
    account.debt -= paid
    txn = note(
        account, Kind.DEBT_OFFSET, cause, amount=paid, suffix=":debt", delta=0, debt_delta=-paid
    )
    allocate(txn, parts, -1)


@transaction.atomic(savepoint=False)
def issue(
    *,
    account: PointsAccount,
    points: int,
    program: PointsProgram,
    cause: Cause,
    kind: str = Kind.EARN,
    breakdown: Mapping[str, Any] | None = None,
    fresh: bool = False,
    held: bool = False,
) -> PointsTxn:
    """Give points to a locked account; again with the same key, the same row.

    They become usable and expire as the programme says from `cause.at` on. `fresh`: the account is
    swept and the key new. `held`: they wait until somebody decides.
    """
    if not fresh and (twin := _met(account, cause)):
        return twin
    begins = active_from(program=program, at=cause.at)
    pending = held or (kind == Kind.EARN and begins > cause.at)
    account.pending += points if pending else 0
    account.balance += 0 if pending else points
    with connection.cursor() as cursor:
        cursor.execute(
            ISSUE,
            {
                **_told(account, points, cause, kind, breakdown),
                "pending": pending,
                "from": HELD if held else begins if pending else cause.at,
                "until": expires_at(program=program, at=cause.at),
                "balance": account.balance,
                "waiting": account.pending,
                # Who owes has no points until they have paid: his sums are written after that.
                "owes": account.debt > 0,
            },
        )
        (pk,) = cursor.fetchone()
    if account.debt:
        offset_debt(account, cause)
        keep(account)
    told = {"kind": kind, "delta": points, "amount": points, "idem": cause.key}
    return PointsTxn(pk=pk, account=account, document=cause.document, **told)


ISSUE = """
WITH t AS (
  INSERT INTO members_pointstxn (account_id, kind, delta, amount, debt_delta, forgiven, balance_after,
   idem, document, station_id, actor_id, approver_id, reason, breakdown, date, occurred_at)
  VALUES (%(account)s, %(kind)s, %(points)s, %(points)s, 0, 0, %(balance)s, %(key)s, %(document)s,
   %(station)s, %(actor)s, %(approver)s, %(reason)s, %(breakdown)s, %(date)s, %(at)s) RETURNING id
), l AS (
  INSERT INTO members_pointslot (account_id, txn_id, root_id, station_id, issued, remaining, expired,
   pending, active_from, expires_at)
  SELECT %(account)s, id, id, %(station)s, %(points)s, %(points)s, 0, %(pending)s, %(from)s, %(until)s
  FROM t
), a AS (
  UPDATE members_pointsaccount SET balance = %(balance)s, pending = %(waiting)s,
   version = version + 1 WHERE id = %(account)s AND NOT %(owes)s
)
SELECT id FROM t
"""


REDEEM = """
WITH acc AS (
  UPDATE members_pointsaccount SET balance = balance - %(points)s, version = version + 1
  WHERE id = %(account)s AND balance >= %(points)s RETURNING id, balance
), t AS (
  INSERT INTO members_pointstxn (account_id, kind, delta, amount, debt_delta, forgiven, balance_after,
   idem, document, station_id, actor_id, approver_id, reason, breakdown, date, occurred_at)
  SELECT id, %(kind)s, -%(points)s, %(points)s, 0, 0, balance, %(key)s, %(document)s, %(station)s,
   %(actor)s, %(approver)s, %(reason)s, %(breakdown)s, %(date)s, %(at)s FROM acc RETURNING id, account_id
), l AS (
  SELECT p.id, p.remaining, SUM(p.remaining) OVER (ORDER BY p.expires_at NULLS LAST, p.id) AS cum
  FROM members_pointslot p JOIN acc ON acc.id = p.account_id
  WHERE p.remaining > 0 AND NOT p.pending AND (p.expires_at IS NULL OR p.expires_at > %(at)s)
), tk AS (
  SELECT id, LEAST(remaining, %(points)s - (cum - remaining)) AS q FROM l
  WHERE cum - remaining < %(points)s
), u AS (
  UPDATE members_pointslot p SET remaining = p.remaining - tk.q FROM tk
  WHERE p.id = tk.id RETURNING p.id, tk.q
), al AS (
  INSERT INTO members_pointsalloc (txn_id, lot_id, qty) SELECT t.id, u.id, -u.q FROM u, t
  RETURNING qty
)
SELECT (SELECT id FROM t), (SELECT -SUM(qty) FROM al)
"""


@transaction.atomic(savepoint=False)
def redeem(
    *,
    account: PointsAccount,
    points: int,
    cause: Cause,
    kind: str = Kind.REDEEM,
    breakdown: Mapping[str, Any] | None = None,
    fresh: bool = False,
) -> PointsTxn:
    """Spend points of a locked account, first to expire first; again with the same key, once.

    `fresh` as for `issue`. Refuses NotEnoughPoints, PointsFrozen.
    """
    if not fresh and (twin := _met(account, cause)):
        return twin
    if account.frozen:
        raise PointsFrozen("没有抵扣：这个会员的积分已冻结。请客服核实后解冻。")
    if points <= 0 or account.balance < points:
        raise NotEnoughPoints(
            f"没有抵扣：可用积分 {account.balance} 分，要用 {points} 分。请改少，或不用积分。"
        )
    pk, taken = _spent(account, points, cause, kind, breakdown)
    if taken != points:  # the balance said yes and the lots no: nothing of this may stand
        raise RuntimeError(f"points account {account.pk}: lots gave {taken} of {points}")
    account.balance -= points
    told = {"kind": kind, "delta": -points, "amount": points, "idem": cause.key}
    return PointsTxn(pk=pk, account=account, document=cause.document, **told)


def _spent(
    account: PointsAccount,
    points: int,
    cause: Cause,
    kind: str,
    breakdown: Mapping[str, Any] | None,
) -> tuple[int, int]:
    with connection.cursor() as cursor:
        cursor.execute(REDEEM, _told(account, points, cause, kind, breakdown))
        pk, taken = cursor.fetchone()
    return int(pk), int(taken or 0)


def _told(
    account: PointsAccount,
    points: int,
    cause: Cause,
    kind: str,
    breakdown: Mapping[str, Any] | None,
) -> dict[str, Any]:
    """What a row of the ledger says, for the statements written by hand."""
    return {
        "account": account.pk,
        "points": points,
        "kind": str(kind),
        "key": cause.key,
        "document": cause.document,
        "station": cause.station_id,
        "actor": cause.actor.pk if cause.actor else None,
        "approver": cause.approver.pk if cause.approver else None,
        "reason": cause.reason[:200],
        "breakdown": PointsTxn._meta.get_field("breakdown").get_db_prep_save(
            dict(breakdown) if breakdown is not None else None, connection
        ),
        "date": cause.date,
        "at": cause.at,
    }
