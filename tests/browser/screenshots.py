"""`make screenshots`: the pictures of the manuals, taken of a running demo station.

The station must be running (`make run`); the demo's accounts sign in as people do. Nothing is
written in the station but a ticket in one browser's own store, which is cleared again, and a probe
of two heads that stand here for as long as it takes.
"""

from __future__ import annotations

import argparse
import re
import sys
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path

from playwright.sync_api import Browser, Page, sync_playwright

from devices.protocols import table
from devices.protocols.base import Decimals
from devices.simulator.bus import Bus
from devices.simulator.ends import TcpEnd
from devices.simulator.heads import HEADS
from devices.simulator.lines import BusLine
from station.runtime.browser import ARGUMENTS, find_chromium
from station.runtime.demo_code import ROOT, code

IMAGES = ROOT / "docs" / "images"
SHEET = ROOT / "var" / "demo-accounts.txt"
PASSWORD = "jiayouzhan2026"
LARGEST = 200_000  # bytes of a picture
SIZES = {1440: 900, 1024: 768, 390: 844}

PAGES: dict[str, list[tuple[str, str, int]]] = {
    "shouyin1": [
        ("session-open", "/sales/sessions/open/", 1024),
        ("sales", "/sales/sales/", 1024),
    ],
    "zhanzhang": [
        ("wall", "/sales/wall/", 1440),
        ("shift", "/sales/shift/", 1440),
        ("hand-over", "/sales/shift/hand-over/", 1024),
        ("price-new", "/sales/prices/new/", 1024),
        ("delivery-plan", "/inventory/deliveries/plan/", 1024),
        ("tanks", "/inventory/tanks/", 1440),
        ("days", "/finance/days/", 1440),
        ("go-live", "/go-live/", 1024),
        ("people", "/people/", 1440),
        ("device-status", "/devices/status/", 1024),
        ("line-new", "/devices/lines/new/", 1024),
        ("gauge-tanks", "/devices/gauges/", 1024),
        ("strapping", "/setup/tanks/1/strapping/", 1024),
        ("read-rule-test", "/devices/rules/test/?medium=CODE&sample=6901234567892", 1024),
        ("print-queue", "/sales/receipts/", 1024),
        ("frames", "/devices/frames/", 1024),
    ],
    "laoban": [
        ("owner", "/finance/owner/", 390),
        ("daily", "/finance/daily/", 1440),
        ("month", "/finance/reports/", 1440),
        ("dashboard", "/finance/dashboard/", 1440),
    ],
}


def main() -> None:
    parser = argparse.ArgumentParser(description="给使用手册拍截图")
    parser.add_argument("--address", default="http://127.0.0.1:8000")
    address = parser.parse_args().address
    if not SHEET.exists():
        sys.exit("没有演示账号：先 make run 建立并运行演示油站。")
    secret = re.search(r"密钥 ([A-Z2-7]+)", SHEET.read_text("utf-8"))
    assert secret is not None, SHEET
    IMAGES.mkdir(parents=True, exist_ok=True)
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=find_chromium(), args=list(ARGUMENTS))
        for account, pages in PAGES.items():
            page = _signed_in(chromium, address, account, lambda: code(secret[1], int(time.time())))
            for name, path, width in pages:
                _shoot(page, name, path, width)
            if account == "shouyin1":
                _shoot_till(page)
            if account == "zhanzhang":
                _shoot_nozzle(page)
                _shoot_probe(page)
        chromium.close()


def _signed_in(chromium: Browser, address: str, account: str, now_code: Callable[[], str]) -> Page:
    context = chromium.new_context(
        base_url=address,
        locale="zh-CN",
        timezone_id="Asia/Shanghai",
        reduced_motion="reduce",
        color_scheme="light",
    )
    page = context.new_page()
    page.goto("/sign-in/")
    page.set_viewport_size({"width": 1024, "height": 768})
    if account == "shouyin1":
        _keep(page, "sign-in")
    page.locator("input[name$=username]").fill(account)
    page.locator("input[type=password]").fill(PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.wait_for_url(re.compile(r"^(?!.*/sign-in/(\?|$))"))
    if "/verify/" in page.url:
        page.locator("form input:not([type=hidden])").first.fill(now_code())
        page.get_by_role("button", name="确认").click()
        page.wait_for_url(re.compile(r"^(?!.*/verify/)"))
    return page


def _shoot(page: Page, name: str, path: str, width: int) -> None:
    page.set_viewport_size({"width": width, "height": SIZES[width]})
    answer = page.goto(path)
    assert answer is not None and answer.status == 200, (path, answer and answer.status)
    if page.locator("[data-chart]").count():
        page.wait_for_function(
            "document.querySelectorAll('[data-chart]:not([data-drawn])').length == 0"
        )
    _keep(page, name)


def _shoot_till(page: Page) -> None:
    """A fill and a bottle of water on the ticket; taken off again."""
    page.set_viewport_size({"width": 1024, "height": 768})
    page.goto("/sales/till/")
    if not page.locator("#fills").count():
        sys.exit("收银台没有开班：先用 shouyin1 开收银班。")
    page.locator(".fill").first.wait_for(timeout=120_000)
    page.locator(".fill").first.click()
    page.locator(".favourite").first.click()
    page.locator("#due").get_by_text("¥").wait_for()
    page.wait_for_timeout(800)
    _keep(page, "till")
    page.locator(".line-remove").first.click()
    page.locator(".line-remove").first.click()


def _shoot_nozzle(page: Page) -> None:
    """What the panel of a nozzle says before it is let loose."""
    page.set_viewport_size({"width": 1024, "height": SIZES[1024]})
    page.goto("/sales/wall/")
    page.locator("[hx-get*='/devices/nozzles/']").first.click()
    page.get_by_text("机上价").wait_for()
    _keep(page, "nozzle-panel")


def _shoot_probe(page: Page) -> None:
    """Two heads of another make behind a converter, found by the poller."""
    heads = [HEADS[table.GASKIT](number, 2, Decimals(), f"GK-000{number}") for number in (1, 2)]
    for head in heads:
        head.sell_locally(1, Decimal("20.00"), Decimal("7.50"))
    line = BusLine(Bus(heads), TcpEnd(0))
    line.start()
    try:
        page.set_viewport_size({"width": 1024, "height": SIZES[1024]})
        page.goto("/devices/probes/new/")
        page.locator("input[name=url]").fill(f"socket://127.0.0.1:{line.end.port}")
        page.locator("select[name=protocol]").select_option(table.GASKIT)
        page.get_by_role("button", name="开始试接").click()
        page.get_by_text("找到设备").wait_for(timeout=120_000)
        _keep(page, "probe")
    finally:
        line.end_it()


def _keep(page: Page, name: str) -> None:
    page.wait_for_timeout(400)  # what is drawn after loading
    path: Path = IMAGES / f"{name}.png"
    page.screenshot(path=path)
    size = path.stat().st_size
    assert size < LARGEST, f"{path.name} 太大：{size} 字节"
    sys.stdout.write(f"{path.relative_to(ROOT)}  {size // 1024} KB\n")


if __name__ == "__main__":
    main()
