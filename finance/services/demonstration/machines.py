"""The device register of the demo: machines, papers, seals, half a year of own tests, one repair.

By the services of the pages, after the history; no fact of a closed day is touched.
"""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from django.utils.timezone import localtime

from devices.models import Equipment, Line
from devices.services import certificates, equipment, meter_tests, repairs, seals
from devices.services.meter_tests import Paper
from devices.services.proving import Prover, Run
from devices.services.repairs import Fault, Work
from devices.services.seals import NewSeal
from finance.services.demonstration.site import Site
from station.models import Dispenser, Nozzle

Kind = Equipment.Kind
DAY = timedelta(days=1)
INSTITUTE = "昆明市计量测试研究院（演示）"
BLANK: dict[str, Any] = {
    "make": "", "model": "", "serial_no": "", "dispenser": None, "nozzle": None, "tank": None,
    "island": None, "till": None, "line": None, "place": "", "bought_on": None, "price": None,
    "warranty_until": None, "supplier": "演示设备公司", "note": "",
}  # fmt: skip
NOZZLE = ("station", "tank__grade", "dispenser")
MONTHS = 6
FULLY_TESTED = 8  # nozzles with half a year of own tests; the others have last month's
DRIFTING, DRIFT = 5, ("0.04", "0.08", "0.12", "0.17", "0.21", "0.25")
FREE = (
    (Kind.SIGN, "进站口", "12800"),
    (Kind.CAMERA, "卸油口", "1650"),
    (Kind.GENERATOR, "配电室", "46000"),
    (Kind.COMPRESSOR, "洗车房", "5200"),
)


def take_machines(site: Site, *, at: datetime) -> None:
    """Fill the register of a built demo at an instant. Call it once."""
    bought = localtime(at).date() - 900 * DAY
    for dispenser in Dispenser.objects.filter(station=site.station).order_by("number"):
        _dispenser(site, dispenser, at, bought)
    for number, line in enumerate(Line.objects.filter(station=site.station).order_by("name"), 1):
        _add(site, Kind.CONVERTER, at, line=line, place="站房机柜", serial_no=f"ZHQ-{number:03d}")
    for number, tank in sorted(site.tanks.items()):
        gauge = _add(site, Kind.GAUGE, at, tank=tank, serial_no=f"YWY-{number:03d}")
        _paper(site, gauge, "CALIBRATION", f"演示校-{number:03d}", at, left=400)
    for till in site.tills.values():
        _add(site, Kind.PRINTER, at, till=till, price=Decimal(980), bought_on=bought)
    free = {
        kind: _add(site, kind, at, place=place, price=Decimal(price), bought_on=bought)
        for kind, place, price in FREE
    }
    _own_tests(site, at)
    _repair(site, free[Kind.COMPRESSOR], at)


def _add(site: Site, kind: Kind, at: datetime, **fields: Any) -> Equipment:
    serial = Equipment.objects.filter(station=site.station).count()
    return equipment.save(
        row=None,
        values={**BLANK, "kind": kind, **fields},
        key=f"demo{serial}",
        station=site.station,
        at=at - 170 * DAY,
        actor=site.manager,
    )


def _dispenser(site: Site, dispenser: Dispenser, at: datetime, bought: date) -> None:
    """A dispenser, verified a month ago; the last one's verification ends within weeks."""
    machine = _add(
        site, Kind.DISPENSER, at, dispenser=dispenser, make="演示加油机厂", model="四枪潜油泵型",
        serial_no=f"JYJ-{dispenser.number:03d}", bought_on=bought, price=Decimal(28000),
        warranty_until=bought + 1095 * DAY,
    )  # fmt: skip
    ends_soon = dispenser.number == len({one.dispenser_id for one in site.nozzles.values()})
    visited = at - (160 if ends_soon else 30) * DAY
    day = localtime(visited).date()
    number = f"演示检-{dispenser.number:03d}"
    meter_tests.record_statutory(
        nozzles=list(Nozzle.objects.filter(dispenser=dispenser).select_related(*NOZZLE)),
        passed=True,
        paper=Paper(INSTITUTE, number, day, day + 180 * DAY),
        tested_at=visited,
        witness=site.manager,
        key=number,
        at=at,
        actor=site.manager,
    )
    _paper(site, machine, "EXPLOSION", f"演示防爆-{dispenser.number:03d}", at, left=500)
    seals.put(
        equipment=machine,
        seal=NewSeal(f"YN{2600 + dispenser.number}", "计量器上盖", INSTITUTE),
        put_at=visited,
        at=at,
        actor=site.manager,
    )


def _paper(
    site: Site, machine: Equipment, kind: str, number: str, at: datetime, *, left: int
) -> None:
    today = localtime(at).date()
    certificates.add(
        equipment=machine, kind=kind, number=number, issuer="演示检验机构",
        issued_on=today - 200 * DAY, valid_until=today + left * DAY, at=at, actor=site.manager,
    )  # fmt: skip


def _own_tests(site: Site, at: datetime) -> None:
    """Once a month, every nozzle a little off; one drifts towards the limit."""
    nozzles = {
        row.number: row
        for row in Nozzle.objects.filter(station=site.station).select_related(*NOZZLE)
    }
    for number, nozzle in sorted(nozzles.items()):
        first = 0 if number <= FULLY_TESTED else MONTHS - 1
        for month in range(first, MONTHS):
            wobble = Decimal((number * 7 + month * 3) % 11 - 5) / 100
            error = Decimal(DRIFT[month]) if number == DRIFTING else wobble
            meter_tests.record_own(
                nozzle=nozzle,
                prover=Prover(Decimal(20), Decimal("19.5"), Decimal("19.0")),
                runs=[Run(Decimal("20.000"), Decimal(20) + error / 5, Decimal(35))],
                tested_at=at - (30 * (MONTHS - 1 - month) + 5) * DAY,
                tester=site.manager,
                witness=site.users["jiayou1"],
                key=f"demo{month}",
                at=at,
                actor=site.manager,
            )


def _repair(site: Site, machine: Equipment, at: datetime) -> None:
    """A repair of last week, accepted by the owner."""
    began, hour = at - 7 * DAY, timedelta(hours=1)
    repair = repairs.report(
        equipment=machine, fault=Fault("打不起压，有漏气声"), stop=True, key="demo", at=began,
        actor=site.users["jiayou1"],
    )  # fmt: skip
    repairs.take(repair=repair, repairer="演示维修站", at=began + hour, actor=site.manager)
    work = Work("更换单向阀和垫片，试机正常", "单向阀 1 只", Decimal("360.00"), False)
    repairs.finish(
        repair=repair, work=work, done_at=began + 5 * hour, at=began + 5 * hour, actor=site.manager
    )
    repairs.accept(repair=repair, word="试机正常", at=began + 6 * hour, actor=site.owner)
