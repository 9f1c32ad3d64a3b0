"""Who is at one station sees nothing of another: every list, report, export and detail is opened."""

from __future__ import annotations

import itertools
import re
import uuid
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Any

import pytest
from django.db import DatabaseError, connection, models, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext

from devices.models import PriceSign
from devices.services import cameras, plates
from members.services import value_accounts, value_topping
from members.services.value_keeping import locked_one
from sales.services import cash
from station.access import may_do
from station.models import Station, User
from tests import make
from tests.architecture.test_models import our_models
from tests.devices import register
from tests.marketing import offers
from tests.members import rewards as mall
from tests.test_role_matrix import FILLERS, Address, addresses, ask

pytestmark = [pytest.mark.django_db, pytest.mark.req("SEC-15"), pytest.mark.timeout(600)]

FAR = 700_000_000  # the keys of the other station's rows begin here
NOBODYS = FAR + 99_999_999
COMPARED = re.compile(rf'"(\w+)"\."(\w+)" (?:=|IN) \(?{NOBODYS}\b')
MARK, CODE = "外站", "ZZ9ZZ9"  # as long as no random token of a page holds it
# What belongs to all stations together: a key from there opens it everywhere, as it should.
SHARED = {
    "station:grades-edit",
    "station:pattern",
    "station:pattern_choose",
    "inventory:items-edit",
    "inventory:categories-edit",
    "inventory:suppliers-edit",
    "members:reward",
    "members:reward_change",
    "members:reward_categories-edit",
    "members:rewards",
    "members:reward_report",
    "sales:till_confirm",  # a member is found at every station
}
ROLES = ["OWNER", "CASHIER"]  # of one station: they open everything between them
NUMBER, TEXT = str(FILLERS["IntConverter"]), str(FILLERS["StringConverter"])
_serial = itertools.count(1)


@pytest.fixture
def stations() -> Iterator[tuple[Station, Station]]:
    """Two stations, each with a day's work; the other one's rows have far keys and marked names."""
    here = make.station("A01", "本站")
    work(here)
    for role in ROLES:
        make.signed_in(make.user(role, here, username=role.lower()))
    before = moved(dict.fromkeys(counted(), FAR))
    there = make.station(CODE, f"{MARK}加油站")
    work(there)
    for model in our_models():
        if any(field.name == "station" for field in model._meta.fields):
            fill_in(model, there)
    User.objects.filter(pk__gt=FAR).update(name=f"{MARK}员工")
    yield here, there
    moved(before)  # sequences know no rollback


def counted() -> list[type[models.Model]]:
    return [model for model in our_models() if isinstance(model._meta.pk, models.BigAutoField)]


def moved(to: Mapping[type[models.Model], int]) -> dict[type[models.Model], int]:
    """Set the sequences of the models' keys; returns where they stood."""
    before = {}
    with connection.cursor() as cursor:
        for model, value in to.items():
            table = model._meta.db_table
            cursor.execute("SELECT nextval(pg_get_serial_sequence(%s, 'id'))", [table])
            (before[model],) = cursor.fetchone()
            cursor.execute("SELECT setval(pg_get_serial_sequence(%s, 'id'), %s)", [table, value])
    return before


def work(station: Station) -> None:
    nozzle = make.nozzle(station)
    make.price(station, nozzle.tank.grade)
    session = make.session(station)
    make.fuel_cost(station, grade=nozzle.tank.grade)
    make.sale(session, fills=[make.fill(nozzle)])
    make.fill(nozzle)
    whose = MARK if station.code == CODE else "本站"
    make.company(station, name=f"{whose}运输")
    member = make.member(station)
    make.sale(session, fills=[make.fill(nozzle)], member=member.pk)
    mall.swipe(mall.card_of(member, station), session.till, at=make.NOW)
    offers.promotion(station, name=f"{whose}促销")
    offers.coupon(station, member, name=f"{whose}券")
    account = value_accounts.open_named(
        member=member, station=station, at=make.NOW, actor=session.cashier
    )
    value_topping.book(
        account=locked_one(account),
        principal=Decimal(100),
        bonus=Decimal(0),
        document=f"VC-{station.code}",
        day=session.shift.day,
        at=make.NOW,
        actor=session.cashier,
    )
    register.own(nozzle)
    camera = cameras.save_camera(
        row=None,
        values={
            "name": f"{whose}摄像头",
            "kind": "PUSH",
            "island": nozzle.dispenser.island,
            "nozzle": None,
            "folder": "",
            "active": True,
        },
        at=make.NOW,
        actor=session.cashier,
        station=station,
    )
    plates.record_plate(camera=camera, event=plates.Event("e", "云A12345", make.NOW), at=make.NOW)
    PriceSign.objects.create(station=station, name=f"{whose}价格牌", kind="MANUAL")
    cash.move(
        client_key=str(uuid.uuid4()),
        session=session,
        kind="DROP",
        amount=Decimal(10),
        actor=session.cashier,
        at=make.NOW,
    )
    mall.give(member, 100)
    mall.order(member, mall.reward("礼品", 10, "SERVICE"), station)


def fill_in(model: type[models.Model], station: Station) -> models.Model | None:
    """One more row of a model at a station with invented values; None where its rules refuse them."""
    found = model._default_manager.filter(station=station).first()
    if found:
        return found
    try:
        with transaction.atomic():
            return model._default_manager.create(**invented(model, station))
    except DatabaseError:
        return None


def invented(model: type[models.Model], station: Station) -> dict[str, Any]:
    values = {}
    for field in model._meta.fields:
        if field.name == "station":
            values[field.name] = station
            continue
        if field.primary_key or field.null or field.has_default():
            continue
        if isinstance(field, models.ForeignKey):
            values[field.name] = related(field.related_model, station)
        else:
            values[field.name] = value_of(field)
    return values


def related(model: type[models.Model], station: Station) -> models.Model | None:
    if model is Station:
        return station
    rows = model._default_manager.filter(pk__gt=FAR)
    if any(field.name == "station" for field in model._meta.fields):
        return rows.filter(station=station).first() or fill_in(model, station)
    return rows.first() or model._default_manager.first()


def value_of(field: models.Field) -> object:
    if field.choices:
        return field.choices[0][0]
    if isinstance(field, models.CharField | models.TextField | models.FileField):
        return f"{next(_serial)}{MARK}{CODE}"[: field.max_length]
    if isinstance(field, models.DateTimeField):
        return make.NOW
    kinds: dict[type[models.Field], object] = {
        models.DateField: make.TODAY,
        models.DecimalField: Decimal(1),
        models.BooleanField: False,
        models.JSONField: {},
    }
    return next((value for kind, value in kinds.items() if isinstance(field, kind)), 1)


def far_keys() -> dict[str, set[int]]:
    """The keys of the other station's rows, by table."""
    found = {}
    for model in counted():
        rows = model._default_manager.filter(pk__gt=FAR).values_list("pk", flat=True)
        found[model._meta.db_table] = set(rows)
    return found


def keys_for(client: Client, address: Address, keys: dict[str, set[int]]) -> list[int]:
    """The keys of the tables where the address looks for one that nobody has.

    To all others it answers as to that one. What looks nowhere is asked with every key there is.
    """
    with CaptureQueriesContext(connection) as heard:
        ask(client, address.path.replace(NUMBER, str(NOBODYS)))
    asked: set[str] = set()
    for said in (one["sql"] for one in heard if str(NOBODYS) in one["sql"]):
        met = {holder(*place) for place in COMPARED.findall(said)}
        asked |= met if met and "" not in met else set(re.findall(r"\w+", said))
    mine = set().union(*(keys[table] for table in asked & keys.keys() or keys))
    return sorted(mine) or [NOBODYS]


def holder(table: str, column: str) -> str:
    """The table whose keys stand in a column; "" of a table that goes by another name."""
    for model in counted():
        for field in model._meta.fields if model._meta.db_table == table else ():
            if field.column == column:
                return (field.related_model or model)._meta.db_table
    return ""


def far_numbers() -> list[str]:
    """The document numbers of the other station."""
    found: list[str] = []
    for model in our_models():
        names = {field.name for field in model._meta.fields}
        for name in ("number", "document"):
            if {"station", name} <= names and isinstance(
                model._meta.get_field(name), models.CharField
            ):
                rows = model._default_manager.filter(station__code=CODE)
                found += rows.values_list(name, flat=True)
    return sorted({one for one in found if one})


def told(client: Client, path: str) -> str:
    answer = client.get(path)
    if answer.status_code != 200:
        return ""
    body = b"".join(answer.streaming_content) if answer.streaming else answer.content
    return body.decode(errors="replace")


def leaks(text: str, *, asked: bool = False) -> list[str]:
    """Marks of the other station in a page; its code does not count where it was asked for."""
    marks = [MARK, str(FAR)[:7]] + ([] if asked else [CODE])
    return [mark for mark in marks if mark in text]


def test_the_other_station_has_rows_to_be_seen(stations):
    _, there = stations
    empty = [
        model._meta.label
        for model in our_models()
        if any(field.name == "station" for field in model._meta.fields)
        and not model._default_manager.filter(station=there).exists()
    ]
    assert len(empty) <= 12, "\n".join(empty)
    assert len(far_numbers()) > 10
    page = told(make.signed_in(make.owner()), "/setup/stations/")
    assert leaks(page)  # who sees all stations sees it


@pytest.mark.parametrize("role", ROLES)
def test_no_list_report_or_export_shows_anything_of_another_station(stations, role):
    client = browser(role)
    wrong = []
    for address in opened(role):
        if NUMBER in address.path or TEXT in address.path or address.name in SHARED:
            continue
        for query in ("", "?export=csv", f"?q={CODE}&text={CODE}", "?status=ALL"):
            found = leaks(told(client, address.path + query), asked=CODE in query)
            if found:
                wrong.append(f"{address.name}{query}: {found}")
    assert not wrong, "\n".join(wrong)


@pytest.mark.parametrize("role", ROLES)
def test_no_key_or_number_of_another_station_opens_anything(stations, role):
    client = browser(role)
    keys, numbers = far_keys(), far_numbers()  # asked of every table: once
    wrong = []
    for address in opened(role):
        if address.name in SHARED:
            continue
        for path in far_paths(client, address, keys, numbers):
            answer = ask(client, path)
            if answer.status_code not in (403, 404):
                wrong.append(f"{address.name} {path}: {answer.status_code}")
    assert not wrong, "\n".join(wrong)


def browser(role: str) -> Client:
    client = make.signed_in(User.objects.get(username=role.lower()))
    client.raise_request_exception = False
    return client


def opened(role: str) -> list[Address]:
    return [
        one
        for one in addresses()
        if isinstance(one.right, str) and may_do(role, one.right) and "lock" not in one.gates
    ]


def far_paths(
    client: Client, address: Address, keys: dict[str, set[int]], numbers: list[str]
) -> list[str]:
    if NUMBER in address.path:
        mine = keys_for(client, address, keys)
        return [address.path.replace(NUMBER, str(key)) for key in mine]
    if TEXT in address.path and "/act/" not in address.path:
        return [address.path.replace(TEXT, number, 1) for number in numbers]
    return []
