"""Points that members bring from an older system: a column of the import, lot by lot with its last day."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime
from decimal import Decimal

from django.db.models import F, Q, QuerySet, Sum
from django.utils.timezone import localtime

from members.models import ImportBatch, Member, PointsAccount, PointsLot, PointsTxn
from members.queries.earn_rules import active_program
from members.queries.import_files import day_of
from members.queries.points_expiry import expires_at, midnight_after
from members.services.import_rows import Extra
from members.services.points_adjusting import write_off
from station.models import User

COLUMN = "积分"
MOST = 10**8
LOT = re.compile(r"(\d{1,9})(?:@(.+))?")
REASON = "旧系统积分"


def lots_of(text: str) -> list[tuple[int, date | None]] | None:
    """`300@2027-03-31、200` as points with their last day (None: as the programme says).

    None for what cannot be read.
    """
    found: list[tuple[int, date | None]] = []
    for one in re.split(r"[、;；\s]+", text.strip()) if text.strip() else ():
        match = LOT.fullmatch(one)
        last = day_of(match[2]) if match and match[2] else None
        if match is None or (match[2] and last is None) or int(match[1]) > MOST:
            return None
        if int(match[1]):
            found.append((int(match[1]), last))
    return found


def check(values: Mapping[str, str], *, at: datetime) -> str:
    """What is wrong with a row's points."""
    lots = lots_of(values.get(COLUMN, ""))
    if lots is None:
        return "积分看不懂：请写整数，如 300；有到期日的写 300@2027-03-31，多笔用顿号分开。"
    today = localtime(at).date()
    if any(last is not None and last < today for _, last in lots):
        return "积分的到期日已过，请删去已过期的积分。"
    if lots and active_program() is None:
        return "还没有积分方案，积分不能导入。请先建积分方案。"
    return ""


def totals(values: Mapping[str, str]) -> dict[str, Decimal]:
    """A row's points."""
    lots = lots_of(values.get(COLUMN, "")) or []
    return {COLUMN: Decimal(sum(points for points, _ in lots))}


def booked(batch: ImportBatch) -> dict[str, Decimal]:
    """What of a batch's points is in the ledger: brought in, less what was taken out again."""
    brought = Q(idem__startswith=f"import:{batch.pk}:") | Q(idem__startswith=_undo_key(batch, ""))
    total = PointsTxn.objects.filter(brought).aggregate(total=Sum("delta"))["total"]
    return {COLUMN: Decimal(total or 0)}


def take(
    *,
    pairs: Sequence[tuple[Member, Mapping[str, str]]],
    batch: ImportBatch,
    at: datetime,
    actor: User,
) -> None:
    """Open the accounts of new members with their lots; each lot's root is the row that brought it.

    Three statements for any number of rows, none without points.
    """
    told = [(member, lots_of(values.get(COLUMN, "")) or []) for member, values in pairs]
    told = [(member, lots) for member, lots in told if lots]
    program = active_program() if told else None
    if program is None:
        return
    accounts = PointsAccount.objects.bulk_create(
        PointsAccount(member=member, balance=sum(points for points, _ in lots))
        for member, lots in told
    )
    rows: list[PointsTxn] = []
    ends: list[datetime | None] = []
    for account, (_, lots) in zip(accounts, told, strict=True):
        rows += _rows(account, lots, batch, at, actor)
        ends += [
            midnight_after(last) if last else expires_at(program=program, at=at) for _, last in lots
        ]
    PointsLot.objects.bulk_create(
        PointsLot(
            account=row.account,
            txn=row,
            root=row,
            station_id=batch.station_id,
            issued=row.amount,
            remaining=row.amount,
            active_from=at,
            expires_at=end,
        )
        for row, end in zip(PointsTxn.objects.bulk_create(rows), ends, strict=True)
    )


def _rows(
    account: PointsAccount,
    lots: Sequence[tuple[int, date | None]],
    batch: ImportBatch,
    at: datetime,
    actor: User,
) -> Iterator[PointsTxn]:
    """A row of the ledger for each lot of one account."""
    held = 0
    for number, (points, _) in enumerate(lots, start=1):
        held += points
        yield PointsTxn(
            account=account,
            kind=PointsTxn.Kind.ADJUST,
            delta=points,
            amount=points,
            balance_after=held,
            idem=f"import:{batch.pk}:{account.member_id}:{number}",
            document=f"导入 {batch.pk}",
            station_id=batch.station_id,
            actor=actor,
            reason=REASON,
            date=localtime(at).date(),
            occurred_at=at,
        )


def touched(batch: ImportBatch) -> QuerySet[PointsTxn, int]:
    """Members of a batch whose points moved since, other than by expiring."""
    moved = PointsTxn.objects.filter(account__member__batch=batch).exclude(
        Q(idem__startswith=f"import:{batch.pk}:") | Q(kind=PointsTxn.Kind.EXPIRE)
    )
    return moved.values_list("account__member", flat=True)


def give_back(*, ids: Sequence[int], batch: ImportBatch, at: datetime, actor: User | None) -> None:
    """Write off what untouched members brought."""
    rows = Member.objects.filter(pk__in=ids).filter(
        Q(points__balance__gt=F("points__debt")) | Q(points__pending__gt=0)
    )
    for member in rows.order_by("pk"):
        key = _undo_key(batch, str(member.pk))
        write_off(member=member, key=key, reason="撤销导入", at=at, actor=actor)


def _undo_key(batch: ImportBatch, member: str) -> str:
    return f"unimport:{batch.pk}:{member}"


POINTS = Extra((COLUMN,), check, take, totals, booked, None, touched, give_back)
