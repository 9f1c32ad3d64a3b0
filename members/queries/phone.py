"""What the pages of a member's phone show: figures, purchases, prices, stations, messages.

A floor that has a page for members adds a line to `station.doors.PHONE_PAGES`, and one that has a
figure for the first page a provider to `PHONE_FACTS`.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from typing import cast
from urllib.parse import quote

from django.conf import settings as project
from django.db.models import Max, QuerySet, Sum
from django.urls import reverse
from django.utils.module_loading import import_string

from inventory.models import Item
from members.models import Member, MemberNotice, Purchase
from members.queries.merged import one_person
from members.queries.tiers import tier_at
from station.models import Grade, Station
from station.money import Yuan
from station.queries import settings
from station.queries.prices import prices_at
from station.queries.wording import local

PAGE = 20


@dataclass(frozen=True, slots=True)
class Fact:
    """One figure of the first page, in words, and the page that explains it ("" where there is none)."""

    label: str
    value: str
    href: str = ""


@dataclass(frozen=True, slots=True)
class Tile:
    """A page that a member may open."""

    label: str
    icon: str
    href: str


@dataclass(frozen=True, slots=True)
class BoughtLine:
    """One line of a document: what, how much, and what was paid for it."""

    name: str
    quantity: Decimal
    unit: str
    net: Yuan
    is_fuel: bool


@dataclass(frozen=True, slots=True)
class Bought:
    """A sale or refund under the member's name; `key` pages on from it."""

    document: str
    at: datetime
    station: str
    total: Yuan
    key: int
    lines: tuple[BoughtLine, ...]

    @property
    def is_refund(self) -> bool:
        return self.total < 0


@dataclass(frozen=True, slots=True)
class Posted:
    """A grade and its price in force (元 per unit)."""

    code: str
    name: str
    unit: str
    price: Yuan


@dataclass(frozen=True, slots=True)
class Place:
    """A station as its customers need it; `map_href` is a geo: address for the phone's own map."""

    code: str
    name: str
    address: str
    phone: str
    hours: str
    map_href: str
    is_home: bool


def tiles() -> list[Tile]:
    """The pages of `settings.PHONE_PAGES`."""
    return [Tile(label, icon, reverse(name)) for label, icon, name in project.PHONE_PAGES]


def facts(*, member: Member, at: datetime) -> list[Fact]:
    """The figures of every provider in `settings.PHONE_FACTS`, in their order."""
    found: list[Fact] = []
    for path in project.PHONE_FACTS:
        ask = cast(Callable[..., list[Fact]], import_string(path))
        found += ask(member=member, at=at)
    return found


def standing(*, member: Member, at: datetime) -> list[Fact]:
    """Tier, and since when he is a member."""
    tier = tier_at(member_id=member.pk, at=at)
    mine = [Fact("等级", tier.name, reverse("phone:tier"))] if tier else []
    return [*mine, Fact("入会", local(member.joined_at)[:10])]


def mark(*words: object) -> str:
    """A short fingerprint of what a part shows: the same again needs no answer."""
    return hashlib.sha256(repr(words).encode()).hexdigest()[:16]


def purchases(*, member: Member, before: int = 0) -> list[Bought]:
    """What a member bought, the latest first; `before` is the key of the last one known.

    One more than a page where more follow. Four statements.
    """
    mine = Purchase.objects.filter(member__in=one_person(member))
    heads = mine.values("document", "station__name").annotate(
        key=Max("id"), at=Max("occurred_at"), total=Sum("net")
    )
    if before:
        heads = heads.filter(key__lt=before)
    page = list(heads.order_by("-key")[: PAGE + 1])
    rows = mine.filter(document__in=[head["document"] for head in page]).order_by("line")
    lines: dict[str, list[Purchase]] = {}
    for row in rows:
        lines.setdefault(row.document, []).append(row)
    grades = {grade.code: grade for grade in Grade.objects.all()}
    wanted = {row.product for row in rows if row.kind != "FUEL"}
    items = dict(Item.objects.filter(code__in=wanted).values_list("code", "name"))
    return [
        Bought(
            head["document"],
            head["at"],
            head["station__name"],
            head["total"],
            head["key"],
            tuple(_line(row, grades, items) for row in lines[head["document"]]),
        )
        for head in page
    ]


def _line(row: Purchase, grades: dict[str, Grade], items: dict[str, str]) -> BoughtLine:
    grade = grades.get(row.product) if row.kind == "FUEL" else None
    if grade:
        return BoughtLine(grade.code, row.quantity, grade.get_unit_display(), row.net, True)
    name = items.get(row.product, row.category or row.product)
    return BoughtLine(name, row.quantity, "件", row.net, False)


def prices(*, station: Station, at: datetime) -> list[Posted]:
    """What the pumps and the till of a station ask now. Two statements."""
    posted = prices_at(station=station, at=at)
    grades = Grade.objects.filter(pk__in=posted, active=True).order_by("position", "code")
    return [
        Posted(grade.code, grade.name, grade.get_unit_display(), posted[grade.pk])
        for grade in grades
    ]


def places(*, home: Station) -> list[Place]:
    """Every station in use, the member's own first."""
    rows = sorted(
        Station.objects.filter(active=True), key=lambda one: (one.pk != home.pk, one.code)
    )
    return [
        Place(
            one.code,
            one.name,
            one.address,
            one.phone,
            settings.text("members.opening_hours", one),
            _map_href(one),
            one.pk == home.pk,
        )
        for one in rows
    ]


def _map_href(station: Station) -> str:
    """geo: with the coordinates that are set, else with the address to search for; "" for neither."""
    told = settings.text("members.coordinates", station).replace(" ", "").replace("，", ",")
    if re.fullmatch(r"-?\d{1,2}(\.\d{1,7})?,-?\d{1,3}(\.\d{1,7})?", told, re.ASCII):
        return f"geo:{told}?q={told}({quote(station.name)})"
    where = station.address.strip()
    return f"geo:0,0?q={quote(f'{where} {station.name}')}" if where else ""


def unread(*, member: Member) -> int:
    """How many messages the member has not seen. One statement."""
    return _shown(member).filter(read_at=None).count()


def inbox(*, member: Member, most: int = 50) -> list[MemberNotice]:
    """The member's messages, the latest first."""
    return list(_shown(member).order_by("-pk")[:most])


def _shown(member: Member) -> QuerySet[MemberNotice]:
    return MemberNotice.objects.filter(member__in=one_person(member), shown=True)
