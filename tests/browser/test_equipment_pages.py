"""The device register, the errors of a meter and a repair, on every width."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import now

from devices.services import seals
from devices.services.seals import NewSeal
from station.models import Station, User
from tests import make
from tests.devices import register

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


def pages(station: Station, manager: User) -> dict[str, str]:
    """A station with one of everything, and where each page of it is."""
    nozzle = make.nozzle(station)
    make.nozzle(station, dispenser=nozzle.dispenser)
    machine = register.dispenser_of(nozzle)
    told = {"make": "正星", "model": "四枪潜油泵型", "serial_no": "JYJ-001", "price": 28000}
    machine.__class__.objects.filter(pk=machine.pk).update(**told)
    (statutory,) = register.verified(nozzle, at=make.NOW - timedelta(150))
    for month, error in enumerate(("0.02", "0.08", "0.15", "0.21", "0.27", "0.34")):
        meter = Decimal(20) * (1 + Decimal(error) / 100)
        when = make.NOW - timedelta(30 * (6 - month))
        own = register.own(nozzle, f"{meter:.3f}", at=when)
    make.fill(nozzle, "20.05", at=now() - timedelta(minutes=9))
    seal = seals.put(
        equipment=machine, seal=NewSeal("YN2601", "计量器上盖", "昆明市计量测试院"),
        put_at=make.at(9), at=make.NOW, actor=manager,
    )  # fmt: skip
    repair = register.reported(machine, meter_test=own, nozzle=nozzle)
    register.done(repair, manager, opened=True, nozzle=nozzle)
    register.reported(register.machine(station, "SIGN", place="进站口"))
    return {
        "machines": reverse("devices:machines"),
        "machine": reverse("devices:machine", args=[machine.number]),
        "machine-form": reverse("devices:machine_edit", args=[machine.number]),
        "certificates": reverse("devices:certificates"),
        "certificate": reverse("devices:certificate", args=[statutory.certificate_id]),
        "certificate-form": reverse("devices:certificate_new", args=[machine.number]),
        "seals": reverse("devices:seals"),
        "seal-form": reverse("devices:seal_new", args=[machine.number]),
        "seal-break": reverse("devices:seal_break", args=[seal.pk]),
        "meter-tests": reverse("devices:tests"),
        "meter-records": reverse("devices:test_records"),
        "nozzle-tests": reverse("devices:nozzle_tests", args=[nozzle.pk]),
        "test-own": reverse("devices:test_own"),
        "test-statutory": reverse("devices:test_statutory"),
        "test": reverse("devices:test", args=[own.number]),
        "repairs": reverse("devices:repairs"),
        "repair-form": reverse("devices:repair_new"),
        "repair": reverse("devices:repair", args=[repair.number]),
        "repair-costs": reverse("devices:repair_costs"),
    }


@pytest.mark.req("DEV-03")
def test_each_page_of_the_register_fits_every_width(look):
    station = make.station()
    manager = make.manager(station)
    paths = pages(station, manager)
    look.at(1440, as_=make.owner(station))
    wrong = []
    for name, path in paths.items():
        look.resize(1440, "light")
        look.open(path)
        for width, mode in ((1440, "light"), (1024, "light"), (390, "dark")):
            look.resize(width, mode)
            try:
                look.check()
            except AssertionError as error:
                wrong.append(f"{name} {width}: {str(error)[:600]}")
            look.shoot(f"equipment-{name}")
    assert not wrong, "\n".join(wrong)
