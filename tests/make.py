"""What tests are made of: one plain typed function per thing, with a standing cast.

    station = make.station()
    li = make.cashier(station)
    nozzle = make.nozzle(station)
    client = make.signed_in(li)

Every function invents what it is not told, so that a test names only what it is about.
"""

from __future__ import annotations

import itertools
import time
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.contrib.auth.hashers import make_password
from django.test import Client
from django.utils.timezone import now as _now
from django_otp import DEVICE_ID_SESSION_KEY
from django_otp.plugins.otp_totp.models import TOTPDevice

from devices.models import Fill, NozzleState, Printer, TotalizerReading
from inventory.models import (
    Category,
    FuelCost,
    Item,
    ItemBarcode,
    StockBalance,
    StockMove,
    Supplier,
)
from inventory.queries.places import selling_place
from inventory.services.items import save_supplier
from members.models import Company, Member, TopUpPlan, ValueAccount
from members.services import companies, joining, profiles, sessions, value_accounts
from members.views.guard import COOKIE
from sales.models import Sale, Tender, TopUp
from sales.queries.tickets import Ticket, read_ticket
from sales.services import topping
from sales.services.settling import settle
from station import idle
from station.models import (
    Assignment,
    BusinessDay,
    Dispenser,
    Grade,
    Island,
    Nozzle,
    PriceChange,
    PriceLine,
    Shift,
    Station,
    Tank,
    Till,
    TillSession,
    User,
)

SHANGHAI = ZoneInfo("Asia/Shanghai")
TODAY = date(2026, 4, 22)  # a Wednesday
NOW = datetime(2026, 4, 22, 10, 0, tzinfo=SHANGHAI)
PASSWORD = "jiayou-2026-zhan"
PIN = "258036"
ID_NUMBER = "530102199003078915"

_serial = itertools.count(1)


def at(hour: int, minute: int = 0, second: int = 0, day: date = TODAY) -> datetime:
    """An instant of a day, Shanghai time."""
    return datetime(day.year, day.month, day.day, hour, minute, second, tzinfo=SHANGHAI)


@lru_cache
def _hashed(secret: str) -> str:
    return make_password(secret)  # argon2 is slow on purpose: once per run is enough


# ------------------------------------------------------------------------------- the site


def station(code: str = "", name: str = "昆明东站加油站", **fields: object) -> Station:
    """A station at work; `code` is invented where none is given."""
    return Station.objects.create(code=code or f"T{next(_serial):02d}", name=name, **fields)


def grade(code: str = "92#", **fields: object) -> Grade:
    """A grade by its code: 92#, 95#, 98# or 0#; the same one when asked twice."""
    kind = Grade.Kind.DIESEL if code.startswith(("0", "-")) else Grade.Kind.GASOLINE
    name = f"{code} 车用{'柴油' if kind == Grade.Kind.DIESEL else '汽油'}"
    density = Decimal("840.00") if kind == Grade.Kind.DIESEL else Decimal("745.00")
    made, _ = Grade.objects.get_or_create(
        code=code, defaults={"name": name, "kind": kind, "density20": density, **fields}
    )
    return made


def island(at: Station | None = None, number: int | None = None) -> Island:
    where = at or station()
    return Island.objects.create(station=where, number=number or where.islands.count() + 1)


def tank(
    at: Station | None = None,
    grade: Grade | None = None,
    number: int | None = None,
    **fields: object,
) -> Tank:
    """A tank of 30 000 litres."""
    where = at or station()
    marks = {
        "capacity_l": Decimal(30000),
        "safe_fill_l": Decimal(28500),
        "high_alarm_l": Decimal(27000),
        "low_alarm_l": Decimal(3000),
        "dead_stock_l": Decimal(500),
    }
    return Tank.objects.create(
        station=where,
        number=number or where.tanks.count() + 1,
        grade=grade or _grade92(),
        **{**marks, **fields},
    )


def _grade92() -> Grade:
    return grade("92#")


def dispenser(at: Station | None = None, number: int | None = None) -> Dispenser:
    where = at or station()
    stands = where.islands.order_by("number").first() or island(where)
    return Dispenser.objects.create(
        station=where, island=stands, number=number or where.dispensers.count() + 1
    )


def nozzle(
    at: Station | None = None,
    grade: Grade | None = None,
    tank: Tank | None = None,
    dispenser: Dispenser | None = None,
    **fields: object,
) -> Nozzle:
    """A nozzle; its tank and dispenser are made where the station has none that fits."""
    where = at or (tank or dispenser or island()).station
    fuel = grade or (tank.grade if tank else _grade92())
    drawn = tank or where.tanks.filter(grade=fuel).first() or _tank(where, fuel)
    stands = dispenser or where.dispensers.order_by("-number").first() or _dispenser(where)
    return Nozzle.objects.create(
        station=where,
        dispenser=stands,
        tank=drawn,
        **{
            "number": where.nozzles.count() + 1,
            "position": stands.nozzles.count() + 1,
            **fields,
        },
    )


def _tank(where: Station, fuel: Grade) -> Tank:
    return tank(where, fuel)


def _dispenser(where: Station) -> Dispenser:
    return dispenser(where)


def till(at: Station | None = None, number: int | None = None, name: str = "") -> Till:
    where = at or station()
    nth = number or where.tills.count() + 1
    return Till.objects.create(station=where, number=nth, name=name or f"{nth} 号收银台")


def price(
    station: Station,
    grade: Grade,
    price: str | Decimal = "7.85",
    since: datetime | None = None,
) -> PriceLine:
    """A posted price in force since long ago, or since an instant."""
    effective = since or datetime(2026, 1, 1, tzinfo=SHANGHAI)
    change = PriceChange.objects.create(
        station=station,
        number=f"PC{station.code}-0-{effective:%Y%m%d}-{next(_serial):04d}",
        status=PriceChange.Status.IN_FORCE,
        effective_at=effective,
        planned_by=user("ACCOUNTANT", station, name="会计 Zhao"),
        planned_at=effective,
        approved_by=user("MANAGER", station, name="站长 Wang"),
        approved_at=effective,
        in_force_at=effective,
    )
    return PriceLine.objects.create(change=change, grade=grade, price=Decimal(price))


# ------------------------------------------------------------------------------- the cast


def user(
    role: str = "CASHIER",
    station: Station | None = None,
    name: str = "",
    username: str = "",
    **fields: object,
) -> User:
    """An account with a role at a station, or over all stations where none is given.

    The password is `PASSWORD`, the PIN `PIN`.
    """
    serial = next(_serial)
    made = User.objects.create(
        username=username or f"{role.lower()}{serial}",
        name=name or f"{role.title()} {serial}",
        password=_hashed(PASSWORD),
        pin_hash=_hashed(PIN),
        **fields,
    )
    Assignment.objects.create(user=made, station=station, role=role)
    return made


def owner(at: Station | None = None) -> User:
    """老板 Chen; over all stations where none is given."""
    return user("OWNER", at, name="老板 Chen")


def manager(at: Station) -> User:
    return user("MANAGER", at, name="站长 Wang")


def accountant(at: Station) -> User:
    return user("ACCOUNTANT", at, name="会计 Zhao")


def cashier(at: Station) -> User:
    return user("CASHIER", at, name="收银员 Li")


def attendant(at: Station) -> User:
    return user("ATTENDANT", at, name="加油员 Sun")


def marketer(at: Station) -> User:
    return user("MARKETER", at, name="营销 Zhou")


def service(at: Station) -> User:
    return user("SERVICE", at, name="客服 Wu")


def supplier(at: Station) -> User:
    return user("SUPPLIER", at, name="供应商 Zheng")


def stranger() -> User:
    """站长 Feng of another station."""
    return user("MANAGER", station(name="曲靖西站加油站"), name="站长 Feng")


def signed_in(who: User) -> Client:
    """A browser of theirs, past the second factor where their role needs one."""
    client = Client()
    client.force_login(who, backend="django.contrib.auth.backends.ModelBackend")
    session = client.session
    session[idle.SEEN] = int(time.time())
    if who.assignments.filter(role__in=["OWNER", "MANAGER"]).exists():
        device, _ = TOTPDevice.objects.get_or_create(user=who, name="手机", confirmed=True)
        session[DEVICE_ID_SESSION_KEY] = device.persistent_id
    session.save()
    return client


# -------------------------------------------------------------------- day, shift, session


def day(
    at: Station | None = None, date: date = TODAY, opened_at: datetime | None = None
) -> BusinessDay:
    """The open business day of a station; the same one when asked twice."""
    where = at or station()
    made, _ = BusinessDay.objects.get_or_create(
        station=where,
        status=BusinessDay.Status.OPEN,
        defaults={"date": date, "opened_at": opened_at or _at(8, day=date)},
    )
    return made


_at = at


def shift(at: Station | None = None, leader: User | None = None, name: str = "早班") -> Shift:
    """The open shift of a station in its open day; the same one when asked twice."""
    where = at or station()
    found = Shift.objects.filter(station=where, status=Shift.Status.OPEN).first()
    if found:
        return found
    opened = day(where)
    return Shift.objects.create(
        station=where,
        day=opened,
        ordinal=opened.shifts.count() + 1,
        name=name,
        opened_at=opened.opened_at,
        leader=leader or manager(where),
    )


def session(
    at: Station | None = None,
    cashier: User | None = None,
    till: Till | None = None,
    float_amount: str | Decimal = "500.00",
) -> TillSession:
    """An open till session in the open shift."""
    where = at or (till.station if till else station())
    slot = shift(where)
    return TillSession.objects.create(
        station=where,
        shift=slot,
        till=till or where.tills.order_by("number").first() or _till(where),
        cashier=cashier or _cashier(where),
        float_amount=Decimal(float_amount),
        opened_at=slot.opened_at,
    )


def _till(where: Station) -> Till:
    return till(where)


def _cashier(where: Station) -> User:
    return cashier(where)


# ------------------------------------------------------------------------------ the wire


def nozzle_state(
    nozzle: Nozzle, state: str = "IDLE", since: datetime = NOW, **fields: object
) -> NozzleState:
    """What the wire says of a nozzle now."""
    made, _ = NozzleState.objects.update_or_create(
        nozzle=nozzle, defaults={"state": state, "since": since, "heard_at": since, **fields}
    )
    return made


def reading(
    nozzle: Nozzle, litres: str | Decimal, at: datetime = NOW, **fields: object
) -> TotalizerReading:
    """A totalizer heard at an instant."""
    return TotalizerReading.objects.create(
        nozzle=nozzle, litres=Decimal(litres), occurred_at=at, **{"kind": "PERIODIC", **fields}
    )


def fill(
    nozzle: Nozzle | None = None,
    litres: str | Decimal = "20.00",
    unit_price: str | Decimal = "7.85",
    at: datetime = NOW,
    totalizer_after: str | Decimal | None = None,
    **fields: object,
) -> Fill:
    """A fill as the pump says it; its totalizer goes on from the nozzle's last fill."""
    where = nozzle or _nozzle()
    last = where.fills.order_by("meter_epoch", "totalizer_after").last()
    amount = (Decimal(litres) * Decimal(unit_price)).quantize(Decimal("0.01"))
    after = last.totalizer_after if last else Decimal(1000)
    slot = shift(where.station)
    return Fill.objects.create(
        **{
            "station": where.station,
            "nozzle": where,
            "tank": where.tank,
            "grade": where.tank.grade,
            "day": slot.day,
            "shift": slot,
            "litres": Decimal(litres),
            "unit_price": Decimal(unit_price),
            "amount": amount,
            "totalizer_after": Decimal(totalizer_after or after + Decimal(litres)),
            "occurred_at": at,
            **fields,
        }
    )


def _nozzle() -> Nozzle:
    return nozzle()


# ----------------------------------------------------------------------- what is sold


def fill_at(
    where: Station,
    litres: str | Decimal = "25.48",
    unit_price: str | Decimal = "7.85",
    at: datetime = NOW,
    **fields: object,
) -> Fill:
    """A fill at the first nozzle of a station, which is made where there is none."""
    gun = where.nozzles.order_by("number").first() or nozzle(where)
    return fill(gun, litres, unit_price, at, **fields)


def fuel_cost(
    station: Station, cost: str | Decimal = "6.50", grade: Grade | None = None
) -> FuelCost:
    """What a litre costs before VAT, since long ago."""
    return FuelCost.objects.create(
        station=station,
        grade=grade or _grade92(),
        unit_cost=Decimal(cost),
        litres_on_hand=Decimal(10000),
        document=f"OPEN-{next(_serial)}",
        occurred_at=datetime(2026, 1, 1, tzinfo=SHANGHAI),
    )


def item(
    name: str = "农夫山泉 550ml",
    price: str | Decimal = "2.00",
    cost: str | Decimal = "1.00",
    on_hand: str | Decimal | None = None,
    kind: str = "GOODS",
    at: Station | None = None,
    barcode: str = "",
    **fields: object,
) -> Item:
    """An item of the shop, or a service; `on_hand` puts it on the shelf of the newest station."""
    category, _ = Category.objects.get_or_create(name="饮料" if kind == "GOODS" else "服务")
    made = Item.objects.create(
        code=f"I{next(_serial):05d}",
        name=name,
        kind=kind,
        category=category,
        price=Decimal(price),
        cost=Decimal(cost),
        **fields,
    )
    if barcode:
        ItemBarcode.objects.create(item=made, barcode=barcode)
    if on_hand is not None:
        where = at or Station.objects.order_by("-pk")[0]
        shelf = selling_place(where)
        StockBalance.objects.create(
            station=where, place=shelf, item=made, quantity=Decimal(on_hand)
        )
        StockMove.objects.create(
            station=where,
            place=shelf,
            item=made,
            day=day(where),
            kind=StockMove.Kind.OPENING,
            quantity=Decimal(on_hand),
            balance_after=Decimal(on_hand),
            unit_cost=made.cost,
            document=f"OPEN-{made.code}",
            occurred_at=NOW,
        )
    return made


def tenders() -> dict[str, Tender]:
    """现金, 刷卡 with a slip number, 微信 by hand, and 会员储值; the same ones when asked twice."""
    rows = (
        ("CASH", "现金", Tender.Kind.CASH, True, False),
        ("CARD", "银行卡", Tender.Kind.SLIP, False, True),
        ("WECHAT", "微信", Tender.Kind.MANUAL, False, False),
        ("MEMBER", "会员储值", Tender.Kind.VALUE, False, False),
    )
    for position, (code, name, kind, drawer, reference) in enumerate(rows):
        Tender.objects.get_or_create(
            code=code,
            defaults={
                "name": name,
                "kind": kind,
                "opens_drawer": drawer,
                "needs_reference": reference,
                "position": position,
            },
        )
    return {tender.code: tender for tender in Tender.objects.all()}


def printer(till: Till, target: str = "paper", **fields: object) -> Printer:
    """A printer at a till: a file, unless told otherwise."""
    return Printer.objects.create(
        **{
            "station": till.station,
            "till": till,
            "name": "小票机",
            "kind": Printer.Kind.FILE,
            "target": target,
            "opens_drawer": True,
            **fields,
        }
    )


def basket(
    fills: Sequence[Fill] = (),
    items: Sequence[tuple[Item, int]] = (),
    tenders: Sequence[tuple[str, ...]] | None = None,
    key: str = "",
    **fields: object,
) -> dict[str, object]:
    """A ticket as the till sends it; paid exactly in cash where nothing else is said."""
    lines: list[dict[str, object]] = [{"kind": "FUEL", "fill": one.pk} for one in fills]
    lines += [
        {"kind": what.kind, "item": what.pk, "quantity": str(quantity)} for what, quantity in items
    ]
    total = sum((one.amount for one in fills), Decimal(0)) + sum(
        (what.price * quantity for what, quantity in items), Decimal(0)
    )
    paid = [("CASH", str(total))] if tenders is None else tenders
    return {
        "key": key or f"key-{next(_serial)}",
        "lines": lines,
        "tenders": [
            {"tender": one[0], "amount": one[1], "reference": one[2] if len(one) > 2 else ""}
            for one in paid
        ],
        **fields,
    }


def ticket(
    fills: Sequence[Fill] = (),
    items: Sequence[tuple[Item, int]] = (),
    tenders: Sequence[tuple[str, ...]] | None = None,
    key: str = "",
    **fields: object,
) -> Ticket:
    """A basket read, with the tenders it may be paid by."""
    _tenders()
    return read_ticket(basket(fills, items, tenders, key, **fields))


_tenders = tenders


def sale(
    session: TillSession,
    fills: Sequence[Fill] = (),
    items: Sequence[tuple[Item, int]] = (),
    tenders: Sequence[tuple[str, ...]] | None = None,
    at: datetime | None = None,
    **fields: object,
) -> Sale:
    """A settled sale of a session, made by the cashier as the till makes it."""
    return settle(
        ticket(fills, items, tenders, **fields),
        session=session,
        actor=session.cashier,
        at=at or NOW,
    )


# ------------------------------------------------------------------- members and companies


def member(
    at: Station | None = None,
    name: str = "张建国",
    phone: str = "",
    plate: str = "",
    consent: bool = False,
) -> Member:
    """会员 Zhang of a station, with a phone of his own."""
    where = at or station()
    return joining.join(
        station=where,
        name=name,
        phone=phone or f"139{next(_serial):08d}",
        plate=plate,
        consent=consent,
        at=NOW,
        actor=cashier(where),
    )


def phone_of(member: Member, at: datetime | None = None) -> Client:
    """A member's own phone, signed in; at this very moment where no other is told."""
    opened = sessions.open_for(member=member, device="安卓手机", at=at or _now())
    client = Client()
    client.cookies[COOKIE] = opened.token
    return client


def value_account(
    member: Member | None = None, at: Station | None = None, card: str = ""
) -> ValueAccount:
    """A stored value account: of a member with his papers, or a bearer card's."""
    where = at or (member.home_station if member else station())
    who = cashier(where)
    if card:
        return value_accounts.open_bearer(card=card, station=where, at=NOW, actor=who)
    owner = member or _member(where)
    profiles.change(member=owner, id_number=ID_NUMBER, at=NOW, actor=who)
    return value_accounts.open_named(member=owner, station=where, at=NOW, actor=who)


def top_up(
    session: TillSession,
    account: ValueAccount,
    amount: str | Decimal = "1000.00",
    bonus: str | Decimal = "0.00",
    tender: str = "CASH",
    at: datetime | None = None,
    key: str = "",
) -> TopUp:
    """Money put on an account at a till, with a bonus where one is named."""
    plan = None
    if Decimal(bonus):
        plan = TopUpPlan.objects.create(
            name=f"充{amount}送{bonus}",
            amount=Decimal(amount),
            bonus=Decimal(bonus),
            audience=TopUpPlan.Audience.ALL,
            since=date(2026, 1, 1),
        )
    asked = topping.Asked(Decimal(amount), tenders()[tender], "004711", plan)
    return topping.top_up(
        account=account,
        asked=asked,
        session=session,
        actor=session.cashier,
        at=at or NOW,
        key=key or f"key-{next(_serial)}",
    )


def depot(name: str = "油库", contact: str = "", phone: str = "") -> Supplier:
    """A depot or wholesaler; the same name is the same one."""
    told = {"contact": contact, "phone": phone, "name": name}
    found = Supplier.objects.filter(name=name).first()
    where = station()
    return found or save_supplier(
        row=None, values=told, at=NOW, actor=manager(where), station=where
    )


_member = member


def company(
    at: Station | None = None, name: str = "昆明顺达运输有限公司", **fields: str
) -> Company:
    """A company with contact, phone and bank account."""
    where = at or station()
    given = {
        "tax_no": "91530100MA6K1X2Y3Z",
        "contact": "周经理",
        "phone": "0871-63312345",
        "bank_account": "6222021234567890123",
    }
    return companies.add_company(
        station=where, name=name, at=NOW, actor=manager(where), **{**given, **fields}
    )
