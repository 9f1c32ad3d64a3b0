"""What the forecourt did on a day: shifts, nozzles, tanks, and the fills that must be named."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

from devices.models import Alarm
from finance.queries.ask import Row, ask, by_day
from finance.queries.parts import FillRow, NozzleDay, Receivable, ShiftDay, Tally, TankDay
from inventory.models import TankBook
from inventory.queries.books import Book, add_up, day_books, from_row
from sales.models import Discrepancy
from station.models import BusinessDay, Shift
from station.money import ZERO, Yuan
from station.queries.prices import prices_at

Days = Sequence[int]
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
FILL = """
    SELECT fill.id AS fill, nozzle.number AS nozzle, grade.code AS grade, fill.litres,
        fill.amount, fill.occurred_at, day.date
"""
FILL_JOINS = """
    JOIN station_nozzle nozzle ON nozzle.id = fill.nozzle_id
    JOIN station_grade grade ON grade.id = fill.grade_id
    JOIN station_businessday day ON day.id = fill.day_id
"""


def shifts(days: Days) -> dict[int, tuple[ShiftDay, ...]]:
    """The shifts of the days in order: what was sold in them and how they counted."""
    rows = ask(
        """
        SELECT shift.day_id, shift.id,
            TO_CHAR(day.date, 'YYYYMMDD') || LPAD(shift.ordinal::text, 2, '0') AS number,
            shift.name, leader.name AS leader, COALESCE(receiver.name, '') AS receiver,
            shift.opened_at, shift.handed_over_at,
            COALESCE(sold.litres, 0)::numeric(14,3) AS litres,
            COALESCE(sold.fuel, 0)::numeric(14,2) AS fuel,
            COALESCE(sold.shop, 0)::numeric(14,2) AS shop,
            COALESCE(sold.sales, 0)::int AS sales,
            COALESCE(counted.over_short, 0)::numeric(14,2) AS over_short
        FROM station_shift shift
        JOIN station_businessday day ON day.id = shift.day_id
        JOIN station_user leader ON leader.id = shift.leader_id
        LEFT JOIN station_user receiver ON receiver.id = shift.receiver_id
        LEFT JOIN (
            SELECT line.shift_id, SUM(line.quantity) FILTER (WHERE line.kind = 'FUEL') AS litres,
                SUM(line.net) FILTER (WHERE line.kind = 'FUEL') AS fuel,
                SUM(line.net) FILTER (WHERE line.kind <> 'FUEL') AS shop,
                COUNT(DISTINCT line.sale_id) FILTER (WHERE line.original_id IS NULL) AS sales
            FROM sales_saleline line WHERE line.day_id = ANY(%(days)s) GROUP BY line.shift_id
        ) sold ON sold.shift_id = shift.id
        LEFT JOIN (
            SELECT session.shift_id, SUM(row.difference) AS over_short
            FROM sales_sessiontender row
            JOIN station_tillsession session ON session.id = row.session_id
            WHERE row.day_id = ANY(%(days)s) GROUP BY session.shift_id
        ) counted ON counted.shift_id = shift.id
        WHERE shift.day_id = ANY(%(days)s) ORDER BY shift.ordinal
        """,
        days=list(days),
    )
    return {day: tuple(ShiftDay(**row) for row in found) for day, found in by_day(rows).items()}


def nozzles(days: Days) -> dict[int, tuple[NozzleDay, ...]]:
    """枪泵码: the runs of the closed shifts, and the fills that carry the day."""
    rows = ask(
        """
        WITH runs AS (
            SELECT row.day_id, row.nozzle_id,
                (ARRAY_AGG(row.opening ORDER BY shift.ordinal))[1] AS opening,
                (ARRAY_AGG(row.closing ORDER BY shift.ordinal DESC))[1] AS closing,
                SUM(row.run) AS run, SUM(row.tests) AS tests, SUM(row.own_use) AS own_use,
                SUM(row.sold) AS sold, SUM(row.claimed) AS claimed,
                SUM(row.difference) AS difference
            FROM sales_shiftnozzle row JOIN station_shift shift ON shift.id = row.shift_id
            WHERE row.day_id = ANY(%(days)s) GROUP BY row.day_id, row.nozzle_id),
        filled AS (
            SELECT day_id, nozzle_id, COUNT(*) AS fills, SUM(litres) AS litres,
                SUM(amount) AS amount
            FROM devices_fill WHERE day_id = ANY(%(days)s) GROUP BY day_id, nozzle_id)
        SELECT day_id, nozzle.id, nozzle.number, grade.code AS grade, tank.number AS tank, opening, closing,
            COALESCE(run, 0)::numeric(14,3) AS run, COALESCE(tests, 0)::numeric(14,3) AS tests,
            COALESCE(own_use, 0)::numeric(14,3) AS own_use,
            COALESCE(sold, 0)::numeric(14,3) AS sold,
            COALESCE(claimed, 0)::numeric(14,3) AS claimed,
            COALESCE(difference, 0)::numeric(14,3) AS difference,
            COALESCE(fills, 0)::int AS fills, COALESCE(litres, 0)::numeric(14,3) AS litres,
            COALESCE(amount, 0)::numeric(14,2) AS amount
        FROM runs FULL JOIN filled USING (day_id, nozzle_id)
        JOIN station_nozzle nozzle ON nozzle.id = nozzle_id
        JOIN station_tank tank ON tank.id = nozzle.tank_id
        JOIN station_grade grade ON grade.id = tank.grade_id
        ORDER BY nozzle.number
        """,
        days=list(days),
    )
    return {day: tuple(NozzleDay(**row) for row in found) for day, found in by_day(rows).items()}


def tanks(day: BusinessDay) -> tuple[TankDay, ...]:
    """日平衡 by tank, from the frozen books of the shifts; from the live ones while any is open."""
    prices = prices_at(station=day.station, at=day.cut_at or END_OF_TIME)
    return tuple(
        TankDay(
            number=book.tank.number,
            grade=book.tank.grade.code,
            opening=book.opening,
            received=book.received,
            pumped=book.pumped,
            returned=book.returned,
            other=book.other,
            sold=book.sold,
            book=book.book,
            physical=book.physical,
            variance=book.variance,
            reason=book.reason,
            price=prices.get(book.tank.grade_id),
        )
        for book in _books(day)
    )


def _books(day: BusinessDay) -> list[Book]:
    """Shift books added up. The day's own frozen books are never asked: they are the answer."""
    if Shift.objects.filter(day=day).exclude(status=Shift.Status.CLOSED).exists():
        return day_books(day)
    by_tank: dict[int, list[Book]] = {}
    rows = TankBook.objects.filter(shift__day=day).select_related("tank__grade", "dip", "shift")
    for row in rows.order_by("tank__number", "shift__ordinal"):
        by_tank.setdefault(row.tank_id, []).append(from_row(row, row.shift))
    return [add_up(books) for books in by_tank.values()]


def uses(day: BusinessDay) -> tuple[FillRow, ...]:
    """检定回罐 and 自用: fills of the day's documents that were no sale."""
    return _fill_rows(
        FILL
        + """, used.number AS document, CASE used.kind WHEN 'TEST' THEN '检定回罐' ELSE '自用' END
                || '：' || used.reason AS text, actor.name || ' / ' || approver.name AS people
        FROM sales_filluse used JOIN devices_fill fill ON fill.id = used.fill_id
        JOIN station_user actor ON actor.id = used.actor_id
        JOIN station_user approver ON approver.id = used.approved_by_id"""
        + FILL_JOINS
        + "WHERE used.day_id = %(day)s ORDER BY used.id",
        day=day.pk,
    )


def drive_offs(day: BusinessDay) -> tuple[FillRow, ...]:
    """跑单 recorded on the day. Plates stay sealed."""
    return _fill_rows(
        FILL
        + """, gone.number AS document, gone.note AS text, actor.name AS people
        FROM sales_driveoff gone JOIN devices_fill fill ON fill.id = gone.fill_id
        JOIN station_user actor ON actor.id = gone.actor_id"""
        + FILL_JOINS
        + "WHERE gone.day_id = %(day)s ORDER BY gone.id",
        day=day.pk,
    )


def late(day: BusinessDay) -> tuple[FillRow, ...]:
    """迟到与补录: money of this day, litres of an earlier shift or typed by hand."""
    return _fill_rows(
        FILL
        + """, COALESCE(entry.number, '') AS document,
            CASE WHEN entry.id IS NULL THEN '迟到，属 ' || TO_CHAR(own.date, 'YYYY-MM-DD') || ' '
                || shift.name ELSE '补录：' || entry.reason END AS text,
            COALESCE(actor.name || ' / ' || approver.name, '') AS people
        FROM devices_fill fill JOIN station_shift shift ON shift.id = fill.shift_id
        JOIN station_businessday own ON own.id = shift.day_id
        LEFT JOIN sales_lateentry entry ON entry.fill_id = fill.id
        LEFT JOIN station_user actor ON actor.id = entry.actor_id
        LEFT JOIN station_user approver ON approver.id = entry.approved_by_id"""
        + FILL_JOINS
        + """WHERE fill.day_id = %(day)s AND (shift.day_id <> fill.day_id OR entry.id IS NOT NULL)
        ORDER BY fill.id""",
        day=day.pk,
    )


def unpaid(*, day: BusinessDay, window: Days, carried: Sequence[int]) -> tuple[FillRow, ...]:
    """Fills that no document claimed by the end of the day.

    Looked for among what was unpaid when `window` began (`carried`), what was filled in the window,
    and what a correction of the window released: never among ten years of fills. What runs under a
    prepay is paid already.
    """
    return _fill_rows(
        """WITH looked_at AS (
            SELECT id FROM devices_fill WHERE day_id = ANY(%(window)s)
            UNION SELECT UNNEST(%(carried)s::bigint[])
            UNION SELECT fill_id FROM sales_fillclaim WHERE released_day_id = ANY(%(window)s))"""
        + FILL
        + "FROM looked_at JOIN devices_fill fill ON fill.id = looked_at.id"
        + FILL_JOINS
        + """WHERE NOT EXISTS (
            SELECT 1 FROM sales_fillclaim claim
            JOIN station_businessday claimed ON claimed.id = claim.day_id
            LEFT JOIN station_businessday released ON released.id = claim.released_day_id
            WHERE claim.fill_id = fill.id AND claimed.date <= %(date)s
                AND (claim.released_at IS NULL OR released.date > %(date)s))
            AND NOT EXISTS (
                SELECT 1 FROM devices_authorisation ordered
                JOIN sales_prepay prepay ON prepay.number = ordered.document
                WHERE ordered.id = fill.authorisation_id AND prepay.status <> 'CANCELLED')
        ORDER BY fill.id""",
        window=list(window),
        carried=list(carried),
        date=day.date,
    )


def receivable(*, carried: Yuan, window: Days) -> Receivable:
    """跑单 outstanding: what was carried, what drove off in the window, what was settled in it.

    Recovered is a claim released in the window; written off is an act audited while it was open.
    """
    row = ask(
        """
        WITH open_from AS (
            SELECT MIN(opened_at) AS since, MAX(COALESCE(cut_at, 'infinity')) AS until
            FROM station_businessday WHERE id = ANY(%(window)s))
        SELECT COALESCE(SUM(fill.amount) FILTER (WHERE claim.day_id = ANY(%(window)s)), 0.00)
                AS new,
            COALESCE(SUM(fill.amount) FILTER (WHERE claim.released_day_id = ANY(%(window)s)), 0.00)
                + (SELECT COALESCE(SUM(gone.amount), 0.00) FROM station_auditentry entry
                    JOIN open_from ON entry.at >= open_from.since AND entry.at < open_from.until
                    JOIN sales_driveoff gone ON gone.number = entry.document
                    WHERE gone.station_id = (SELECT station_id FROM station_businessday
                        WHERE id = ANY(%(window)s) LIMIT 1)
                        AND entry.action = 'sales.drive_off.written_off') AS settled
        FROM sales_fillclaim claim JOIN devices_fill fill ON fill.id = claim.fill_id
        WHERE claim.kind = 'DRIVE_OFF'
            AND (claim.day_id = ANY(%(window)s) OR claim.released_day_id = ANY(%(window)s))
        """,
        window=list(window),
    )[0]
    return Receivable(carried=carried, new=row["new"], settled=row["settled"])


def discrepancies(day: BusinessDay) -> tuple[Tally, ...]:
    """待处理 raised on the day, by kind; what became of them since is on their page."""
    rows = ask(
        """SELECT kind, COUNT(*) AS count, SUM(ABS(amount)) AS amount FROM sales_discrepancy
        WHERE day_id = %(day)s GROUP BY kind ORDER BY kind""",
        day=day.pk,
    )
    return tuple(Tally(str(Discrepancy.Kind(row.pop("kind")).label), **row) for row in rows)


def alarms(day: BusinessDay) -> tuple[Tally, ...]:
    """Alarms recorded on the day, by kind; one that is told after the cut is of the next day."""
    rows = ask(
        """SELECT kind, COUNT(*) AS count FROM devices_alarm WHERE day_id = %(day)s
        GROUP BY kind ORDER BY kind""",
        day=day.pk,
    )
    return tuple(Tally(str(Alarm.Kind(row["kind"]).label), row["count"], ZERO) for row in rows)


def claimed_litres(day: BusinessDay) -> Row:
    """Litres of fills that sales of the day claimed, and of the fuel lines that name a fill."""
    return ask(
        """
        SELECT
            (SELECT COALESCE(SUM(fill.litres), 0.000) FROM sales_fillclaim claim
                JOIN devices_fill fill ON fill.id = claim.fill_id
                WHERE claim.day_id = %(day)s AND claim.kind = 'SALE') AS claimed,
            (SELECT COALESCE(SUM(line.quantity), 0.000) FROM sales_saleline line
                WHERE line.day_id = %(day)s AND line.kind = 'FUEL' AND line.original_id IS NULL
                AND line.fill_id IS NOT NULL) AS sold
        """,
        day=day.pk,
    )[0]


def _fill_rows(statement: str, **parameters: Any) -> tuple[FillRow, ...]:
    return tuple(FillRow(**row) for row in ask(statement, **parameters))
