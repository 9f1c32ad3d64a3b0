"""What the search field finds among sales: document numbers of every kind of the till."""

from __future__ import annotations

from django.db.models import QuerySet
from django.urls import reverse

from sales.models import DriveOff, Payment, Prepay, Sale, TopUp
from sales.queries.slips import shift_of_document
from station.models import Station, User
from station.queries.search import Hit
from station.queries.wording import local, yuan
from station.services.sealing import blind_index

MOST = 8


def hits(*, query: str, user: User, stations: QuerySet[Station]) -> list[Hit]:
    """Sales by number or its last digits, prepays, top-ups, card slips, shifts by 班次号, drive-offs by plate."""
    text = query.strip().upper()
    if len(text) < 4:
        return []
    found = list(
        Sale.objects.filter(station__in=stations, number=text).order_by("-pk")
        or Sale.objects.filter(station__in=stations, number__endswith=f"-{text}").order_by("-pk")[
            :MOST
        ]
    )
    by_slip = Payment.objects.filter(station__in=stations, reference=text, sale__isnull=False)
    found += [one.sale for one in by_slip.select_related("sale").order_by("-pk")[:MOST] if one.sale]
    hits = [
        Hit(
            kind="销售单",
            title=sale.number,
            href=reverse("sales:sale", args=[sale.number]),
            note=f"{local(sale.occurred_at)} {yuan(sale.due)}",
        )
        for sale in dict.fromkeys(found)
    ]
    hits += _prepays(text, stations) + _top_ups(text, stations) + _drive_offs(text, stations)
    return hits + _shifts(text, stations)


def _prepays(text: str, stations: QuerySet[Station]) -> list[Hit]:
    return [
        Hit(
            kind="预付单",
            title=one.number,
            href=reverse("sales:till"),
            note=f"{local(one.taken_at)} {yuan(one.amount)}",
        )
        for one in Prepay.objects.filter(station__in=stations, number=text)
    ]


def _drive_offs(text: str, stations: QuerySet[Station]) -> list[Hit]:
    mine = DriveOff.objects.filter(station__in=stations, plate_index=blind_index("plate", text))
    return [
        Hit(
            kind="跑单",
            title=one.number,
            href=reverse("sales:drive_offs"),
            note=f"{one.get_status_display()} {yuan(one.amount)}",
        )
        for one in mine.order_by("-pk")[:MOST]
    ]


def _top_ups(text: str, stations: QuerySet[Station]) -> list[Hit]:
    """A top-up, or the money given back of one, by its number."""
    return [
        Hit(
            kind="充值单",
            title=one.number,
            href=reverse("sales:top_up", args=[one.number]),
            note=f"{local(one.occurred_at)} {yuan(one.principal)}",
        )
        for one in TopUp.objects.filter(station__in=stations, number=text)
    ]


def _shifts(text: str, stations: QuerySet[Station]) -> list[Hit]:
    """The shift of a printed 班结单, or of a 班次号 that was typed."""
    found = [shift_of_document(document=text, station=one) for one in stations]
    return [
        Hit(
            kind="班次",
            title=f"{shift.station.code}-{shift.number}",
            href=reverse("sales:shift_report", args=[shift.pk]),
            note=f"{shift.name} {shift.get_status_display()}",
        )
        for shift in found
        if shift is not None
    ]
