"""A member's points as they are shown: five figures, what expires when, and the ledger in words."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from django.db.models import F, Func, Q, QuerySet, Sum, TextField, Value

from members.models import Member, PointsAccount, PointsLot, PointsTxn
from members.queries.points_expiry import last_day
from station.queries.written import Part, Written

Kind = PointsTxn.Kind
SOON = timedelta(days=30)


@dataclass(frozen=True, slots=True)
class Expiring:
    """Points that can be used up to a day, that day included."""

    until: date
    points: int


@dataclass(frozen=True, slots=True)
class Wallet:
    """What a member has at an instant; dead points that nobody swept yet are left out."""

    balance: int = 0
    pending: int = 0
    debt: int = 0
    used: int = 0
    expired: int = 0
    frozen: bool = False
    expiring: tuple[Expiring, ...] = ()

    @property
    def soon(self) -> int:
        """What expires within the next thirty days."""
        return sum(one.points for one in self.expiring)


@dataclass(frozen=True, slots=True)
class Entry:
    """One row of a ledger in words."""

    txn: PointsTxn
    words: str
    lines: tuple[str, ...]


def account_of(*, member_id: int) -> PointsAccount | None:
    """The account that a member's points are on, after merges. Not locked."""
    found = PointsAccount.objects.filter(member=member_id).select_related("moved_to").first()
    while found is not None and found.moved_to is not None:
        found = found.moved_to
    return found


def accounts_of(*ids: int) -> QuerySet[PointsAccount]:
    """The own accounts of members, of whom each became, and of everybody merged into those."""
    merged = Member.objects.filter(pk__in=ids, merged_into__isnull=False)
    into = merged.values("merged_into")
    return PointsAccount.objects.filter(
        Q(member__in=ids)
        | Q(member__merged_into__in=ids)
        | Q(member__in=into)
        | Q(member__merged_into__in=into)
    )


def employees_of(*ids: int) -> set[int]:
    """The employees whose own accounts those of these members are. One statement."""
    rows = accounts_of(*ids).filter(staff__isnull=False)
    return set(rows.values_list("staff_id", flat=True))


def one_at_a_time(what: str) -> Func:
    """To be asked along with a lock: whoever asks it of the same thing waits until the other's end."""
    number = Func(Value(what), Value(0), function="hashtextextended")
    return Func(number, function="pg_advisory_xact_lock", output_field=TextField())


def fifo(account: PointsAccount) -> QuerySet[PointsLot]:
    """Everything an account has left, first to expire first, what never expires last."""
    rows = PointsLot.objects.filter(account=account, remaining__gt=0)
    return rows.order_by("pending", F("expires_at").asc(nulls_last=True), "id")


def wallet_at(*, account: PointsAccount, at: datetime) -> Wallet:
    """The figures of an account at an instant (now or later than its last row). Two statements."""
    alive = Q(expires_at=None) | Q(expires_at__gt=at)
    waiting = Q(pending=True, active_from__gt=at)
    lots = PointsLot.objects.filter(alive, account=account, remaining__gt=0)
    sums = lots.aggregate(
        usable=Sum("remaining", filter=~waiting), waiting=Sum("remaining", filter=waiting)
    )
    moved = dict(
        PointsTxn.objects.filter(account=account).values_list("kind").annotate(Sum("amount"))
    )
    dead = PointsLot.objects.filter(account=account, remaining__gt=0, expires_at__lte=at)
    unswept = dead.aggregate(total=Sum("remaining"))["total"] or 0
    return Wallet(
        balance=sums["usable"] or 0,
        pending=sums["waiting"] or 0,
        debt=account.debt,
        used=moved.get(Kind.REDEEM, 0) - moved.get(Kind.REDEEM_CANCEL, 0),
        expired=moved.get(Kind.EXPIRE, 0) + unswept,
        frozen=account.frozen,
        expiring=_expiring(lots, at),
    )


def wallet_of(*, member_id: int, at: datetime) -> Wallet:
    """A member's points at an instant; nothing where he never had any."""
    account = account_of(member_id=member_id)
    return Wallet() if account is None else wallet_at(account=account, at=at)


def _expiring(lots: QuerySet[PointsLot], at: datetime) -> tuple[Expiring, ...]:
    rows = lots.filter(expires_at__lte=at + SOON).values_list("expires_at")
    return tuple(
        Expiring(last_day(expires), points)
        for expires, points in rows.annotate(Sum("remaining")).order_by("expires_at")
    )


def ledger_of(account: PointsAccount) -> QuerySet[PointsTxn]:
    """The rows of an account, to be shown with `in_words`."""
    return PointsTxn.objects.filter(account=account).select_related("station", "actor", "reverses")


def in_words(txn: PointsTxn) -> str:
    """Why a row is there, in one sentence."""
    if txn.idem.startswith("reward"):  # an order of the mall says itself what it took or gave back
        return f"{txn.reason}（{txn.document}）{txn.amount} 分"
    if txn.idem.startswith(("gift:", "event:")):
        return f"{txn.reason} {txn.amount} 分"
    if txn.idem.startswith("risk:") and txn.kind == Kind.MATURE:
        return f"{txn.reason} {txn.amount} 分"
    if txn.idem.startswith("risk:"):
        original = txn.reverses.document if txn.reverses else ""
        return f"{txn.reason}，{original} 得的 {txn.amount} 分"
    sentence = WORDS.get(txn.kind, "{kind} {amount} 分").format(
        amount=txn.amount,
        document=txn.document,
        original=txn.reverses.document if txn.reverses else "",
        reason=txn.reason,
        kind=txn.get_kind_display(),
    )
    if txn.kind in {Kind.CLAWBACK, Kind.EXCHANGE_OUT}:
        sentence += _how(txn)
    if txn.kind == Kind.EARN and txn.reason:
        sentence += f"，{txn.reason}"
    return sentence


WORDS: Mapping[str, str] = {
    Kind.EARN: "消费 {document} 得 {amount} 分",
    Kind.REDEEM: "消费 {document} 抵扣用 {amount} 分",
    Kind.REDEEM_CANCEL: "退款 {document}，退回 {original} 用掉的 {amount} 分",
    Kind.CLAWBACK: "退款 {document}，扣回 {original} 得的 {amount} 分",
    Kind.EXPIRE: "{amount} 分到期未用，过期",
    Kind.MATURE: "{amount} 分已生效，可以使用",
    Kind.DEBT_OFFSET: "用 {amount} 分抵欠分",
    Kind.ADJUST: "人工调整 {amount} 分：{reason}",
    Kind.TRANSFER_IN: "转入 {amount} 分 {reason}",
    Kind.TRANSFER_OUT: "转出 {amount} 分 {reason}",
    Kind.EXCHANGE_IN: "{reason}（{document}）得 {amount} 分",
    Kind.EXCHANGE_OUT: "{reason}（{document}）用 {amount} 分",
}


def _how(txn: PointsTxn) -> str:
    parts: Mapping[str, Any] = txn.breakdown or {}
    told = [
        f"，其中 {points} 分{words}"
        for points, words in (
            (parts.get("expired", 0), "先前已过期，不再扣"),
            (parts.get("written_off", 0), "免扣"),
            (txn.debt_delta, "记欠分"),
        )
        if points
    ]
    return "".join(told)


def sentences(txn: PointsTxn) -> tuple[str, ...]:
    """One sentence per line of the receipt: rule and factor. Empty where a row has none."""
    told: Mapping[str, Any] = txn.breakdown or {}
    lines = tuple(one["words"] for one in told.get("lines", []) if "words" in one)
    return lines + tuple(told.get("words", ())) if txn.kind == Kind.EARN else ()


def entries(rows: QuerySet[PointsTxn]) -> list[Entry]:
    """Rows with their words."""
    return [Entry(one, in_words(one), sentences(one)) for one in rows]


@dataclass(frozen=True, slots=True)
class OfDocument:
    """What a document did to points."""

    earned: int = 0
    spent: int = 0
    returned: int = 0
    taken: int = 0
    balance: int | None = None
    words: tuple[str, ...] = ()
    waits: str = ""  # why what was earned is not usable yet
    shared: int = 0  # of the earned, what went to a pool


_OF_DOCUMENT = Written(
    """
SELECT {columns} FROM members_pointstxn t JOIN members_pointsaccount a ON a.id = t.account_id
WHERE t.document = %(document)s AND t.document <> '' ORDER BY t.id
""",
    Part(PointsTxn, "t"),
    Part(PointsAccount, "a"),
)


def points_of(*, document: str) -> OfDocument:
    """What a sale or refund did to points, for its receipt. One statement."""
    rows = []
    for (row, account), _ in _OF_DOCUMENT.rows({"document": document}):
        row.account = account
        rows.append(row)
    amount: dict[str, int] = {}
    for one in rows:
        amount[one.kind] = amount.get(one.kind, 0) + one.amount
    own = [one for one in rows if one.account.member_id is not None]
    gained = next((one for one in rows if one.kind == Kind.EARN), None)
    return OfDocument(
        earned=amount.get(Kind.EARN, 0),
        spent=amount.get(Kind.REDEEM, 0),
        returned=amount.get(Kind.REDEEM_CANCEL, 0),
        taken=amount.get(Kind.CLAWBACK, 0),
        balance=own[-1].balance_after if own else None,
        words=sentences(gained) if gained else (),
        waits=gained.reason if gained else "",
        shared=amount.get(Kind.TRANSFER_IN, 0),
    )
