"""客显 and 开钱箱 at the till: what the customer reads follows the taps, and the till says what its printer lacks."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from devices.models import DisplayState, Line, PoleDisplay, PrinterState
from devices.protocols import table
from devices.simulator.control import ControlServer
from devices.simulator.forecourt import Forecourt
from sales.models import Receipt
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till import ready
from tests.devices.poller.kit import until
from tests.sales.test_signs import Signed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.req("DEV-03"),
]


def shown() -> dict[str, Any]:
    state = DisplayState.objects.first()
    return dict(state.body) if state else {}


def test_the_display_follows_the_ticket_and_the_drawer_has_a_button(look: Look) -> None:
    till = ready()
    line = Line.objects.create(
        station=till.station, name="客显", url="/dev/ttyS9", protocol=table.CD5220_CHINESE
    )
    PoleDisplay.objects.create(line=line, till=till.till, idle_text="欢迎光临")
    printer = make.printer(till.till, kind="NETWORK", target="127.0.0.1:9")
    PrinterState.objects.create(
        printer=printer, condition="PAPER_END", since=make.NOW, checked_at=make.NOW
    )
    page = look.at(1024, as_=till.cashier).open("/sales/till/")
    until(lambda: shown() == {"what": "IDLE"}, what="idle at the start")
    page.wait_for_selector("#notice-line:has-text('小票机缺纸')")
    page.locator(".fill").nth(1).click()
    until(lambda: shown().get("what") == "ITEM", what="the price of the fill")
    total = shown()["total"]
    until(lambda: shown()["what"] == "TOTAL", what="the total alone")
    assert shown()["total"] == total
    page.locator("[data-quick=note]").last.click()
    until(lambda: shown()["what"] == "CHANGE", what="the change")
    assert float(shown()["change"]) > 0
    page.wait_for_timeout(500)
    page.locator("#drawer").click()
    until(lambda: Receipt.objects.filter(kind="DRAWER").exists(), what="the drawer is asked for")
    look.shoot("till-printer-paper")


@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_of_signs_and_simulated_devices_are_sound(
    look: Look, width: int, tmp_path: Path, settings: Any
) -> None:
    site = Signed()
    change = site.change(p92="8.00", p95="8.10")
    settings.VAR_DIR = tmp_path
    forecourt = Forecourt(tmp_path / "sim", cars=False, seed=1)
    server = ControlServer(tmp_path / "sim" / "control", forecourt)
    page = look.at(width, as_=site.approver)
    try:
        for name, path in (
            ("price-signs", f"/sales/prices/{change.number}/"),
            ("simulated", "/devices/simulated/"),
            ("device-status", "/devices/status/"),
            ("signs", "/devices/signs/"),
        ):
            page.open(path)
            look.check()
            look.shoot(name, full=True)
    finally:
        server.close()
        forecourt.stop()
