"""What the tests of the device register are made of."""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta
from decimal import Decimal

from devices.models import Equipment, MeterTest, Repair
from devices.services import equipment, meter_tests, repairs
from devices.services.meter_tests import Paper
from devices.services.proving import Prover, Run
from devices.services.repairs import Fault, Work
from station.models import Nozzle, Station, User
from tests import make

_serial = itertools.count(1)
NOON = make.at(12)
BLANK = {
    "make": "", "model": "", "serial_no": "", "dispenser": None, "nozzle": None, "tank": None,
    "island": None, "till": None, "line": None, "place": "", "bought_on": None, "price": None,
    "warranty_until": None, "supplier": "", "note": "",
}  # fmt: skip


def machine(station: Station, kind: str = "OTHER", key: str = "", **fields: object) -> Equipment:
    return equipment.save(
        row=None,
        values={**BLANK, "kind": kind, **fields},
        key=key or f"key{next(_serial)}",
        station=station,
        at=make.NOW,
        actor=make.manager(station),
    )


def dispenser_of(nozzle: Nozzle) -> Equipment:
    return machine(nozzle.station, "DISPENSER", dispenser=nozzle.dispenser)


def own(
    nozzle: Nozzle,
    meter: str = "20.02",
    standard: str = "20.00",
    at: datetime = make.NOW,
    key: str = "",
    **fields: object,
) -> MeterTest:
    """An own test of a nozzle with one filling."""
    told: dict[str, object] = {
        "prover": Prover(Decimal(20)),
        "runs": [Run(Decimal(standard), Decimal(meter))],
        "tester": make.manager(nozzle.station),
        "witness": make.attendant(nozzle.station),
        **fields,
    }
    return meter_tests.record_own(
        nozzle=nozzle,
        tested_at=at,
        key=key or f"key{next(_serial)}",
        at=max(at, make.NOW),
        actor=make.manager(nozzle.station),
        **told,
    )


def verified(
    *nozzles: Nozzle,
    passed: bool = True,
    at: datetime = make.NOW,
    until: date | None = None,
    key: str = "",
    number: str = "",
    **fields: object,
) -> list[MeterTest]:
    """A verification of nozzles by the institute."""
    serial = next(_serial)
    paper = Paper(
        "昆明市计量测试院", number or f"JL{serial}", at.date(), until or at.date() + timedelta(180)
    )
    station = nozzles[0].station
    return meter_tests.record_statutory(
        nozzles=nozzles,
        passed=passed,
        paper=paper,
        tested_at=at,
        witness=make.manager(station),
        key=key or f"key{serial}",
        at=max(at, make.NOW),
        actor=make.manager(station),
        **fields,
    )


def reported(broken: Equipment, stop: bool = False, key: str = "", **fault: object) -> Repair:
    return repairs.report(
        equipment=broken,
        fault=Fault(**{"symptom": "不出油", **fault}),
        stop=stop,
        key=key or f"key{next(_serial)}",
        at=make.NOW,
        actor=make.attendant(broken.station),
    )


def done(
    repair: Repair, actor: User, opened: bool = False, at: datetime = NOON, **fields: object
) -> Repair:
    """The repair taken and recorded as done."""
    repairs.take(repair=repair, repairer="厂家", at=make.at(11), actor=actor)
    work = Work("换电磁阀", "电磁阀", Decimal("320.00"), opened, **fields)
    repairs.finish(repair=repair, work=work, done_at=at, at=at, actor=actor)
    repair.refresh_from_db()
    return repair
