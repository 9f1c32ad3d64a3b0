"""What the forecourt did on some days: shifts, nozzles, tanks, and the fills that must be named."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from devices.models import Alarm
from finance.queries.ask import ask, by_day
from finance.queries.parts import FillRow, NozzleDay, Receivable, ShiftDay, Tally, TankDay
from inventory.models import TankBook
from inventory.queries.books import Book, add_up, day_books, from_row
from sales.models import Discrepancy
from station.models import BusinessDay, Shift
from station.money import ZERO, Litres, Yuan
from station.queries.prices import prices_at

Days = Sequence[int]
END_OF_TIME = datetime(9999, 1, 1, tzinfo=UTC)
FILL = """
    SELECT {day} AS day_id, fill.id AS fill, nozzle.number AS nozzle, grade.code AS grade, fill.litres,
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


def tanks(days: Sequence[BusinessDay]) -> dict[int, tuple[TankDay, ...]]:
    """日平衡 by tank, from the frozen books of the shifts; from the live ones while any is open."""
    return {
        day.pk: _tanks(books, prices_at(station=day.station, at=day.cut_at or END_OF_TIME))
        for day, books in _books(days)
    }


def _tanks(books: Sequence[Book], prices: Mapping[int, Yuan]) -> tuple[TankDay, ...]:
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
        for book in books
    )


def _books(days: Sequence[BusinessDay]) -> Iterator[tuple[BusinessDay, list[Book]]]:
    """Shift books added up. A day's own frozen books are never asked: they are the answer."""
    live = set(
        Shift.objects.filter(day__in=days)
        .exclude(status=Shift.Status.CLOSED)
        .values_list("day_id", flat=True)
    )
    frozen: dict[int, dict[int, list[Book]]] = defaultdict(lambda: defaultdict(list))
    rows = TankBook.objects.filter(shift__day__in=[day for day in days if day.pk not in live])
    for row in rows.select_related("tank__grade", "dip", "shift").order_by(
        "tank__number", "shift__ordinal"
    ):
        frozen[row.day_id][row.tank_id].append(from_row(row, row.shift))
    for day in days:
        if day.pk in live:
            yield day, day_books(day)
        else:
            yield day, [add_up(books) for books in frozen[day.pk].values()]


def uses(days: Days) -> dict[int, tuple[FillRow, ...]]:
    """检定回罐 and 自用: fills of the days' documents that were no sale."""
    return _fill_rows(
        FILL.format(day="used.day_id")
        + """, used.number AS document, CASE used.kind WHEN 'TEST' THEN '检定回罐' ELSE '自用' END
                || '：' || used.reason AS text, actor.name || ' / ' || approver.name AS people
        FROM sales_filluse used JOIN devices_fill fill ON fill.id = used.fill_id
        JOIN station_user actor ON actor.id = used.actor_id
        JOIN station_user approver ON approver.id = used.approved_by_id"""
        + FILL_JOINS
        + "WHERE used.day_id = ANY(%(days)s) ORDER BY used.id",
        days=list(days),
    )


def drive_offs(days: Days) -> dict[int, tuple[FillRow, ...]]:
    """跑单 recorded on the days. Plates stay sealed."""
    return _fill_rows(
        FILL.format(day="gone.day_id")
        + """, gone.number AS document, gone.note AS text, actor.name AS people
        FROM sales_driveoff gone JOIN devices_fill fill ON fill.id = gone.fill_id
        JOIN station_user actor ON actor.id = gone.actor_id"""
        + FILL_JOINS
        + "WHERE gone.day_id = ANY(%(days)s) ORDER BY gone.id",
        days=list(days),
    )


def late(days: Days) -> dict[int, tuple[FillRow, ...]]:
    """迟到与补录: money of its day, litres of an earlier shift or typed by hand."""
    return _fill_rows(
        FILL.format(day="fill.day_id")
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
        + """WHERE fill.day_id = ANY(%(days)s)
            AND (shift.day_id <> fill.day_id OR entry.id IS NOT NULL)
        ORDER BY fill.id""",
        days=list(days),
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
        + FILL.format(day="%(day)s")
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
        day=day.pk,
        date=day.date,
    ).get(day.pk, ())


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


def discrepancies(days: Days) -> dict[int, tuple[Tally, ...]]:
    """待处理 raised on the days, by kind; what became of them since is on their page."""
    rows = ask(
        """SELECT day_id, kind, COUNT(*) AS count, SUM(ABS(amount)) AS amount FROM sales_discrepancy
        WHERE day_id = ANY(%(days)s) GROUP BY day_id, kind ORDER BY kind""",
        days=list(days),
    )
    return {
        day: tuple(Tally(str(Discrepancy.Kind(row.pop("kind")).label), **row) for row in found)
        for day, found in by_day(rows).items()
    }


def alarms(days: Days) -> dict[int, tuple[Tally, ...]]:
    """Alarms recorded on each day, by kind; one that is told after the cut is of the next day."""
    rows = ask(
        """SELECT day_id, kind, COUNT(*) AS count FROM devices_alarm
        WHERE day_id = ANY(%(days)s) GROUP BY day_id, kind ORDER BY kind""",
        days=list(days),
    )
    return {
        day: tuple(Tally(str(Alarm.Kind(row["kind"]).label), row["count"], ZERO) for row in found)
        for day, found in by_day(rows).items()
    }


def claimed_litres(days: Days) -> dict[int, tuple[Litres, Litres]]:
    """Litres of fills that sales of the days claimed, and of the fuel lines that name a fill."""
    rows = ask(
        """
        WITH claims AS (
            SELECT claim.day_id, SUM(fill.litres) AS claimed
            FROM sales_fillclaim claim JOIN devices_fill fill ON fill.id = claim.fill_id
            WHERE claim.day_id = ANY(%(days)s) AND claim.kind = 'SALE' GROUP BY claim.day_id),
        lines AS (
            SELECT day_id, SUM(quantity) AS sold FROM sales_saleline
            WHERE day_id = ANY(%(days)s) AND kind = 'FUEL' AND original_id IS NULL
                AND fill_id IS NOT NULL GROUP BY day_id)
        SELECT day_id, COALESCE(claimed, 0.000) AS claimed, COALESCE(sold, 0.000) AS sold
        FROM claims FULL JOIN lines USING (day_id)
        """,
        days=list(days),
    )
    return {row["day_id"]: (row["claimed"], row["sold"]) for row in rows}


def _fill_rows(statement: str, **parameters: Any) -> dict[int, tuple[FillRow, ...]]:
    """Fills under the day that the statement names."""
    rows = by_day(ask(statement, **parameters))
    return {day: tuple(FillRow(**row) for row in found) for day, found in rows.items()}
