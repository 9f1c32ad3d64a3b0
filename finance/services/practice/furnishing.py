"""What a fresh practice station has besides the demo: tills for several trainees, one PIN for all."""

from __future__ import annotations

from django.contrib.auth.hashers import make_password
from django.db import transaction

from devices.models import Printer
from station.models import Station, Till, User
from station.services.practice import PIN

TILLS = range(3, 9)


@transaction.atomic
def furnish(station: Station) -> None:
    """Add practice tills, let every printer write files, and give the invented staff the one PIN.

    The demo's own printer is on the network: at that address a live demo may have its own.
    """
    for printer in Printer.objects.exclude(kind=Printer.Kind.FILE):
        printer.kind, printer.target = Printer.Kind.FILE, f"printer-{printer.pk}.bin"
        printer.save(update_fields=["kind", "target"])
    for number in TILLS:
        till = Till.objects.create(station=station, number=number, name=f"练习台 {number}")
        Printer.objects.create(
            station=station,
            till=till,
            name=f"练习台 {number} 小票机",
            kind=Printer.Kind.FILE,
            target=f"till-{number}.bin",
        )
    User.objects.update(pin_hash=make_password(PIN))
