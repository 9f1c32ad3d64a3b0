"""What the search field finds on this floor: machines, seals, tests and repairs by their numbers."""

from __future__ import annotations

from django.db.models import Q, QuerySet
from django.urls import reverse

from devices.models import Equipment, MeterTest, Repair, Seal
from devices.queries.equipment import STANDS
from station.models import Station, User
from station.queries.search import Hit


def hits(*, query: str, user: User, stations: QuerySet[Station]) -> list[Hit]:
    """Of the stations this person may see. Four statements."""
    machines = Equipment.objects.filter(
        Q(number__iexact=query) | Q(serial_no__iexact=query), station__in=stations
    ).select_related(*STANDS)
    seals = Seal.objects.filter(number__iexact=query, station__in=stations)
    tests = MeterTest.objects.filter(
        Q(number__iexact=query) | Q(certificate__number__iexact=query), station__in=stations
    ).select_related("nozzle")
    repairs = Repair.objects.filter(number__iexact=query, station__in=stations)
    return [
        *(Hit("设备", f"{row.number} {row}", _machine(row.number), row.serial_no)
          for row in machines[:5]),
        *(Hit("铅封", row.number, _machine(row.equipment.number), row.place)
          for row in seals.select_related("equipment")[:5]),
        *(Hit(row.get_kind_display(), row.number, reverse("devices:test", args=[row.number]),
              f"{row.nozzle} {row.get_result_display()}")
          for row in tests[:5]),
        *(Hit("维修单", row.number, reverse("devices:repair", args=[row.number]), row.symptom)
          for row in repairs[:5]),
    ]  # fmt: skip


def _machine(number: str) -> str:
    return reverse("devices:machine", args=[number])
