"""Found a station: lay it out, take its totalizers, tanks, shelves and balances over, go live.

It stands on the top floor because a cut-over touches every floor below.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from django.db import IntegrityError, transaction

from devices.models import DispenserWiring, Line, NozzleState, TotalizerReading
from devices.protocols import table
from devices.queries.ports import is_port
from devices.services import commands
from finance.models import OpeningBalance
from inventory.models import Item
from inventory.services import stock
from inventory.services.movements import open_tank
from inventory.services.stock import StockLine
from members.services.tier_rules import found_tiers
from station.errors import Refusal
from station.models import (
    BusinessDay,
    Dispenser,
    Grade,
    Island,
    Nozzle,
    Station,
    StrappingTable,
    Tank,
    User,
)
from station.money import Litres, Yuan
from station.queries.calendar import open_day
from station.queries.go_live import all_findings
from station.services import audit, strapping
from station.services.days import open_first_day
from station.services.numbering import next_number

FIRST_ADDRESS = table.PUMPS[table.DART].addresses[0]
SAFE, HIGH, LOW, DEAD = Decimal("0.95"), Decimal("0.90"), Decimal("0.15"), Decimal("0.04")


class AlreadyThere(Refusal):
    """This part of the founding has been done."""


class NotComplete(Refusal):
    """Something is missing for this step."""


@dataclass(frozen=True)
class TankPlan:
    """A tank as measured: its number, product, and inner diameter and length in mm."""

    number: int
    grade: Grade
    diameter_mm: int
    length_mm: int
    head_mm: int = 0


@dataclass(frozen=True)
class LinePlan:
    """A line: its port and the dispensers on it, in the order of their addresses."""

    name: str
    url: str
    dispensers: Sequence[int]


@transaction.atomic
def lay_out(
    *,
    station: Station,
    tanks: Sequence[TankPlan],
    lines: Sequence[LinePlan],
    positions: Sequence[int],
    per_island: int,
    at: datetime,
    actor: User,
) -> None:
    """Make tanks with generated tables, islands, dispensers with equal nozzles, and their wiring.

    `positions` are the tank numbers of a dispenser's nozzles, in order; nozzles are numbered
    through. Alarms are set at 95, 90 and 15 % of the capacity. Everything can be changed later on
    the set-up pages. Refuses a station that has dispensers, and a position without its tank.
    """
    if station.dispensers.exists() or station.tanks.exists():
        raise AlreadyThere("本站已有油罐或加油机：请到“油站设置”逐项修改")
    made = {plan.number: _tank(station, plan, at, actor) for plan in tanks}
    unknown = [number for number in positions if number not in made]
    if unknown or not positions:
        raise NotComplete(f"枪位对应的油罐不存在：{unknown or '未填'}，请先列出油罐")
    numbers = [number for line in lines for number in line.dispensers]
    if not numbers or len(set(numbers)) != len(numbers):
        raise NotComplete("每台加油机须出现在一条线路上，且只出现一次")
    if strange := [line.name for line in lines if not is_port(line.url)]:
        raise NotComplete(f"{'、'.join(strange)}的端口不对：须是串口或串口服务器，请核对")
    order = [made[number] for number in positions]
    for line in lines:
        _line(station, line, order, per_island)
    _note(
        station, "finance.founding.layout", at, actor, {"油罐": len(tanks), "加油机": len(numbers)}
    )
    commands.queue(kind="REWIRE", station=station, actor=actor, at=at)


def _line(station: Station, line: LinePlan, tanks: Sequence[Tank], per_island: int) -> None:
    """A line with its dispensers, each with a nozzle per tank, in order."""
    row = Line.objects.create(station=station, name=line.name, url=line.url, protocol=table.DART)
    for place, number in enumerate(line.dispensers):
        island, _ = Island.objects.get_or_create(
            station=station, number=(number - 1) // per_island + 1
        )
        dispenser = Dispenser.objects.create(station=station, island=island, number=number)
        DispenserWiring.objects.create(dispenser=dispenser, line=row, address=FIRST_ADDRESS + place)
        Nozzle.objects.bulk_create(
            [
                Nozzle(
                    station=station,
                    dispenser=dispenser,
                    tank=tank,
                    number=(number - 1) * len(tanks) + position,
                    position=position,
                )
                for position, tank in enumerate(tanks, 1)
            ]
        )


def _tank(station: Station, plan: TankPlan, at: datetime, actor: User) -> Tank:
    points = strapping.cylinder(
        diameter_mm=plan.diameter_mm, length_mm=plan.length_mm, head_mm=plan.head_mm
    )
    capacity = points[-1][1]
    tank = Tank.objects.create(
        station=station,
        number=plan.number,
        grade=plan.grade,
        capacity_l=capacity,
        safe_fill_l=capacity * SAFE,
        high_alarm_l=capacity * HIGH,
        low_alarm_l=capacity * LOW,
        dead_stock_l=capacity * DEAD,
    )
    strapping.put_into_use(
        tank=tank, points=points, source=StrappingTable.Source.GENERATED, at=at, actor=actor
    )
    return tank


@transaction.atomic
def open_totalizers(
    *, station: Station, totals: Mapping[int, Litres], date: date, at: datetime, actor: User
) -> BusinessDay:
    """Take every nozzle's totalizer over (litres by nozzle id) and open the first business day.

    Refuses a nozzle without a figure and a second time: later readings come from the pumps.
    """
    nozzles = list(Nozzle.objects.filter(station=station, active=True))
    if TotalizerReading.objects.filter(
        nozzle__in=nozzles, kind=TotalizerReading.Kind.OPENING
    ).exists():
        raise AlreadyThere("上线初值已录入，不能重录：之后的泵码由加油机读取")
    missing = [str(nozzle) for nozzle in nozzles if nozzle.pk not in totals]
    if missing or not nozzles:
        raise NotComplete(f"请填写全部油枪的泵码：还缺 {'、'.join(missing) or '油枪'}")
    TotalizerReading.objects.bulk_create(
        [
            TotalizerReading(
                nozzle=nozzle,
                litres=totals[nozzle.pk],
                occurred_at=at,
                kind=TotalizerReading.Kind.OPENING,
                document="OPEN",
            )
            for nozzle in nozzles
        ]
    )
    for nozzle in nozzles:
        NozzleState.objects.update_or_create(
            nozzle=nozzle,
            defaults={"totalizer": totals[nozzle.pk], "totalizer_at": at, "since": at},
        )
    day = open_day(station) or open_first_day(station=station, date=date, at=at, actor=actor)
    _note(
        station,
        "finance.founding.totalizers",
        at,
        actor,
        {str(n): str(totals[n.pk]) for n in nozzles},
    )
    return day


@transaction.atomic
def open_tanks(
    *,
    station: Station,
    litres: Mapping[int, Litres],
    costs: Mapping[int, Decimal],
    at: datetime,
    actor: User,
) -> None:
    """Take the tanks' litres over, with each one's price paid per litre (tax included), by tank id."""
    day = _day(station)
    for tank in Tank.objects.filter(station=station, active=True).select_related(
        "grade", "station"
    ):
        if not litres.get(tank.pk):
            continue
        paid = costs.get(tank.pk)
        cost = (
            None
            if paid is None
            else (paid / (1 + tank.grade.tax_rate)).quantize(Decimal("0.000001"))
        )
        open_tank(tank=tank, litres=litres[tank.pk], unit_cost=cost, day=day, at=at, actor=actor)


@transaction.atomic
def open_shelves(
    *, station: Station, counts: Mapping[int, Decimal], at: datetime, actor: User
) -> str:
    """Take the shelves over: counted quantities by item id, at the items' own cost. Returns the document."""
    day = _day(station)
    items = Item.objects.in_bulk(list(counts))
    lines = [
        StockLine(number, pk, count, items[pk].cost)
        for number, (pk, count) in enumerate(sorted(counts.items()), 1)
        if count > 0
    ]
    if not lines:
        raise NotComplete("请至少填写一种商品的盘点数量")
    opened = items[lines[0].item_id].moves.filter(station=station, kind="OPENING").exists()
    if opened:
        raise AlreadyThere("商品初始库存已录入，差异请用“库存调整”更正")
    document = next_number(station=station, kind="ST", day=day.date)
    stock.receive(
        station=station,
        day=day,
        document=document,
        lines=lines,
        at=at,
        actor=actor,
        note="上线初始库存",
        opening=True,
    )
    return document


@transaction.atomic
def open_balance(
    *, station: Station, kind: str, name: str, amount: Yuan, as_of: date, at: datetime, actor: User
) -> OpeningBalance:
    """Take a float or a receivable over. Refuses a name that was taken over already, and no money."""
    if amount <= 0 or not name.strip():
        raise NotComplete("请填写名称和大于零的金额")
    try:
        with transaction.atomic():
            row = OpeningBalance.objects.create(
                station=station,
                kind=kind,
                name=name.strip(),
                amount=amount,
                as_of=as_of,
                actor=actor,
                recorded_at=at,
            )
    except IntegrityError as error:
        raise AlreadyThere(f"“{name}”已经开过账，不能重复") from error
    _note(
        station,
        "finance.founding.balance",
        at,
        actor,
        {"类别": kind, "名称": name, "金额": str(amount)},
    )
    return row


@transaction.atomic
def go_live(*, station: Station, at: datetime, actor: User) -> None:
    """Put the station into service. Refuses while the go-live check misses something; twice is once.

    Where there are no member tiers yet, the usual three begin.
    """
    if station.went_live_at is not None:
        return
    missing = [
        row for row in all_findings(station=station, at=at) if not row.ok and not row.optional
    ]
    if missing:
        told = "；".join(f"{row.subject}（{row.missing}）" for row in missing[:5])
        raise NotComplete(f"还缺 {len(missing)} 项，不能启用：{told}")
    Station.objects.filter(pk=station.pk, went_live_at=None).update(went_live_at=at)
    found_tiers(station=station, at=at, actor=actor)
    _note(station, "finance.founding.live", at, actor, {})


def _day(station: Station) -> BusinessDay:
    day = open_day(station)
    if day is None:
        raise NotComplete("请先录入泵码初值：首个营业日随之开始")
    return day


def _note(
    station: Station, action: str, at: datetime, actor: User, after: Mapping[str, object]
) -> None:
    audit.record(
        at=at,
        actor=actor,
        station=station,
        action=action,
        document=f"station:{station.code}",
        after=dict(after),
    )
