"""Build the demo station itself: site, wiring, people, goods, prices and opening figures."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal

from django.conf import settings
from django.contrib.auth.hashers import make_password

from devices.models import (
    DispenserWiring,
    GaugeTank,
    Line,
    NozzleState,
    PoleDisplay,
    PriceSign,
    Printer,
    Reader,
    ReadRule,
    SignRow,
    TotalizerReading,
)
from devices.simulator import layout
from finance.services.demonstration import plan
from inventory.models import Category, Item, ItemBarcode, StockBalance, StockPlace, Supplier
from inventory.queries.places import selling_place
from inventory.services.items import pinyin_of
from members.models import TopUpPlan
from sales.models import Tender
from station.models import (
    Assignment,
    Dispenser,
    Grade,
    Island,
    Nozzle,
    ShiftPattern,
    ShiftSlot,
    Station,
    StrappingPoint,
    StrappingTable,
    Tank,
    Till,
    User,
)
from station.services import sealing
from station.services.strapping import checksum, cylinder


@dataclass
class Site:
    """What was built, by the numbers people know it by."""

    station: Station
    grades: dict[str, Grade] = field(default_factory=dict)
    tanks: dict[int, Tank] = field(default_factory=dict)
    nozzles: dict[int, Nozzle] = field(default_factory=dict)
    tills: dict[int, Till] = field(default_factory=dict)
    users: dict[str, User] = field(default_factory=dict)
    tenders: dict[str, Tender] = field(default_factory=dict)
    items: list[Item] = field(default_factory=list)
    supplier: Supplier = field(default_factory=Supplier)

    @property
    def place(self) -> StockPlace:
        """The shelf that the tills sell from."""
        return selling_place(self.station)

    @property
    def owner(self) -> User:
        return self.users["laoban"]

    @property
    def manager(self) -> User:
        return self.users["zhanzhang"]


def build_site(*, at: datetime) -> Site:
    """Build the station as it stood at `at`, before its first day. Call it inside a transaction."""
    pattern = ShiftPattern.objects.create(name="三班倒（早中夜）")
    ShiftSlot.objects.bulk_create(
        [
            ShiftSlot(pattern=pattern, ordinal=number, name=name, starts_at=start, ends_at=end)
            for number, (name, start, end) in enumerate(plan.SHIFTS, 1)
        ]
    )
    station = Station.objects.create(
        code=plan.STATION_CODE,
        name=plan.STATION_NAME,
        address="云南省昆明市西山区滇池路 1088 号",
        phone="0871-6400 0000",
        company_name="昆明滇池路加油站有限公司",
        tax_no="91530112DEMO00000X",
        price_zone="云南一价区",
        shift_pattern=pattern,
        opened_on=at.date(),
        went_live_at=at,
    )
    site = Site(station=station)
    _people(site)
    _tanks(site, at)
    _dispensers(site, at)
    _tills(site)
    _goods(site, at)
    _plans(at)
    _rules(site)
    return site


def _people(site: Site) -> None:
    password = make_password(plan.DEMO_PASSWORD)
    for person in plan.PEOPLE:
        user = User.objects.create(
            username=person.username,
            name=person.name,
            password=password,
            pin_hash=make_password(person.pin),
        )
        station = None if person.role == "OWNER" else site.station
        Assignment.objects.create(user=user, station=station, role=person.role)
        site.users[person.username] = user


def _tanks(site: Site, at: datetime) -> None:
    for position, row in enumerate(plan.GRADES, 1):
        grade = Grade.objects.create(
            code=row.code,
            name=row.name,
            kind=row.kind,
            density20=row.density20,
            expansion=row.expansion,
            tax_code="1070101010100000000" if row.kind == "GASOLINE" else "1070101030100000000",
            colour=row.colour,
            position=position,
        )
        site.grades[row.code] = grade
        tank = Tank.objects.create(
            station=site.station,
            number=row.tank,
            grade=grade,
            capacity_l=plan.TANK_CAPACITY_L,
            safe_fill_l=Decimal("28548.000"),
            high_alarm_l=Decimal("27045.000"),
            low_alarm_l=Decimal("4500.000"),
            dead_stock_l=Decimal("1200.000"),
        )
        site.tanks[row.tank] = tank
        points = cylinder(diameter_mm=plan.TANK_DIAMETER_MM, length_mm=plan.TANK_LENGTH_MM)
        table = StrappingTable.objects.create(
            tank=tank,
            source=StrappingTable.Source.GENERATED,
            certificate_no=f"演示-{row.tank:03d}",
            certificate_expires_on=(at + timedelta(days=1200)).date(),
            in_use_from=at,
            checksum=checksum(points),
        )
        StrappingPoint.objects.bulk_create(
            [
                StrappingPoint(table=table, height_mm=height, litres=litres)
                for height, litres in points
            ]
        )


def _dispensers(site: Site, at: datetime) -> None:
    folder = str(settings.VAR_DIR / "sim")
    lines = {
        row.name: Line.objects.create(
            station=site.station,
            name=row.name,
            url=row.url(folder),
            protocol=row.protocol,
            baud=row.baud,
            parity=row.parity,
        )
        for row in layout.LINES
    }
    islands = {
        number: Island.objects.create(station=site.station, number=number, name=f"{number} 号岛")
        for number in sorted({row.island for row in layout.DISPENSERS})
    }
    for row in layout.DISPENSERS:
        dispenser = Dispenser.objects.create(
            station=site.station,
            island=islands[row.island],
            number=row.number,
            make="演示四枪加油机",
        )
        DispenserWiring.objects.create(
            dispenser=dispenser,
            line=lines[row.line],
            address=row.address,
            volume_decimals=layout.VOLUME_DECIMALS,
            amount_decimals=layout.AMOUNT_DECIMALS,
            price_decimals=layout.PRICE_DECIMALS,
            totals_decimals=layout.TOTALS_DECIMALS,
        )
        for position, tank in enumerate(layout.TANK_OF_POSITION, 1):
            number = (row.number - 1) * len(layout.TANK_OF_POSITION) + position
            site.nozzles[number] = Nozzle.objects.create(
                station=site.station,
                dispenser=dispenser,
                tank=site.tanks[tank],
                number=number,
                position=position,
            )
    _totalizers(site, at)
    _readers(site, folder)


def _totalizers(site: Site, at: datetime) -> None:
    for number, nozzle in site.nozzles.items():
        first = opening_totalizer(number)
        TotalizerReading.objects.create(
            nozzle=nozzle,
            litres=first,
            occurred_at=at,
            kind=TotalizerReading.Kind.OPENING,
            document="OPEN",
        )
        NozzleState.objects.create(nozzle=nozzle, since=at, totalizer=first, totalizer_at=at)


def _readers(site: Site, folder: str) -> None:
    for reader in layout.READERS:
        line = Line.objects.create(
            station=site.station,
            name=reader.name,
            url=reader.url(folder),
            protocol=reader.protocol,
            baud=reader.baud,
            parity="N",
        )
        Reader.objects.create(line=line)
    gauge = Line.objects.create(
        station=site.station,
        name=layout.GAUGE.name,
        url=layout.GAUGE.url(folder),
        protocol=layout.GAUGE.protocol,
        baud=layout.GAUGE.baud,
        parity=layout.GAUGE.parity,
    )
    for number in layout.TANKS:
        tank = Tank.objects.get(station=site.station, number=number)
        GaugeTank.objects.create(line=gauge, number=number, tank=tank)


def _around_the_tills(site: Site) -> None:
    """A customer's display at the main till, and the price sign at the entrance."""
    folder = str(settings.VAR_DIR / "sim")
    lines = [
        Line.objects.create(
            station=site.station,
            name=row.name,
            url=row.url(folder),
            protocol=row.protocol,
            baud=row.baud,
            parity=row.parity,
        )
        for row in (layout.DISPLAY, layout.SIGN)
    ]
    PoleDisplay.objects.create(line=lines[0], till=site.tills[1], idle_text="欢迎光临")
    sign = PriceSign.objects.create(
        station=site.station, name=layout.SIGN.name, kind=PriceSign.Kind.LINE, line=lines[1]
    )
    for row, tank in enumerate(layout.TANK_OF_POSITION, 1):
        SignRow.objects.create(sign=sign, row=row, grade=site.tanks[tank].grade)


def opening_totalizer(number: int) -> Decimal:
    """What the totalizer of a nozzle showed when the station was cut over: past years' litres."""
    return Decimal(180_000 + number * 13_577) + Decimal(number * 37 % 100) / 100


def _tills(site: Site) -> None:
    for number, name in ((1, "主收银台"), (2, "副收银台")):
        site.tills[number] = Till.objects.create(station=site.station, number=number, name=name)
    Printer.objects.create(
        station=site.station,
        till=site.tills[1],
        name=layout.PRINTER,
        kind=Printer.Kind.NETWORK,
        target=f"127.0.0.1:{layout.PRINTER_PORT}",
        opens_drawer=True,
    )
    Printer.objects.create(
        station=site.station,
        till=site.tills[2],
        name="副收银台小票机",
        kind=Printer.Kind.FILE,
        target="till-2.bin",
        columns=32,
    )
    _around_the_tills(site)
    for position, (code, name, kind, drawer, reference, _) in enumerate(plan.TENDERS, 1):
        site.tenders[code] = Tender.objects.create(
            code=code,
            name=name,
            kind=kind,
            opens_drawer=drawer,
            needs_reference=reference,
            position=position,
        )


def _plans(at: datetime) -> None:
    for position, (amount, bonus) in enumerate(((500, 20), (1000, 50), (2000, 120)), 1):
        TopUpPlan.objects.create(
            name=f"充{amount}送{bonus}",
            amount=Decimal(amount),
            bonus=Decimal(bonus),
            since=at.date(),
            position=position,
        )


def _goods(site: Site, at: datetime) -> None:
    key = sealing.new_key(at=at)
    site.supplier = Supplier.objects.create(
        name="中油昆明油库（演示）", key=key, contact_sealed=sealing.seal(key, "调度室"),
        phone_sealed=sealing.seal(key, "0871-6300 0000"),
    )  # fmt: skip
    categories: dict[str, Category] = {}
    for row in plan.ITEMS:
        category = categories.get(row.category) or Category.objects.create(
            name=row.category, position=len(categories) + 1
        )
        categories[row.category] = category
        item = Item.objects.create(
            code=row.code,
            name=row.name,
            pinyin=pinyin_of(row.name),
            kind=row.kind,
            category=category,
            unit=row.unit,
            price=Decimal(row.price),
            cost=Decimal(row.cost),
            low_stock=Decimal(12 if row.kind == "GOODS" else 0),
            is_favourite=row.favourite,
        )
        if row.barcode:
            ItemBarcode.objects.create(item=item, barcode=row.barcode)
        if row.kind == "GOODS":
            StockBalance.objects.create(station=site.station, place=site.place, item=item)
        site.items.append(item)


def _rules(site: Site) -> None:
    meaning = ReadRule.Meaning
    rows = (
        ("CODE", r"1[0-5]\d{16}", meaning.PAYMENT_CODE, "微信付款码"),
        ("CODE", r"(2[5-9]|30)\d{14,22}", meaning.PAYMENT_CODE, "支付宝付款码"),
        ("CODE", r"62\d{17}", meaning.PAYMENT_CODE, "银联付款码"),
        ("CODE", r"YV\d{34}", meaning.PAYMENT_CODE, "储值付款码"),
        ("CODE", r"M\d{8,18}", meaning.MEMBER_CARD, "会员码"),
        ("CODE", r"HY[A-Z2-7]{28}", meaning.MEMBER_CODE, "会员手机上的码"),
        ("CODE", r"\d{8}|\d{12,13}", meaning.GOODS, "商品条码"),
        ("CODE", r"[A-Z]{1,2}\d{2}-\d+-\d{8}-\d+", meaning.DOCUMENT, "小票单号"),
        ("CARD", r"0{2}\d{8}", meaning.STAFF_CARD, "员工卡"),
        ("CARD", r"\d{10}", meaning.MEMBER_CARD, "会员卡"),
    )
    ReadRule.objects.bulk_create(
        [
            ReadRule(
                station=site.station,
                position=position,
                medium=medium,
                pattern=pattern,
                meaning=what,
                note=note,
            )
            for position, (medium, pattern, what, note) in enumerate(rows, 1)
        ]
    )
