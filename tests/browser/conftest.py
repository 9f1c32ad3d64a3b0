"""A person at a screen: signed in, at a width, in light or dark; nothing may leave the host.

    def test_the_till_takes_money(look):
        page = look.at(1024, as_=make.cashier(station)).open("/sales/till/")
        page.get_by_role("button", name="收款").click()
        look.check()                     # no overflow, targets of 44 px, nothing serious from axe
        look.shoot("till")               # var/screenshots/till-1024.png

At the end of every test the console must be free of errors and no request may have gone to
another host; `look.expect_errors()` allows the first where a test provokes them.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path
from time import monotonic, sleep

import pytest
from django.conf import settings as project
from django.db import connection
from playwright.sync_api import Browser, BrowserContext, Page, TimeoutError

from station.runtime.browser import ARGUMENTS, find_chromium
from tests import make

WIDTHS = {1440: 900, 1024: 768, 390: 844, 360: 740}
SHOTS = Path(project.BASE_DIR) / "var" / "screenshots"
AXE = Path(project.BASE_DIR) / "node_modules" / "axe-core" / "axe.min.js"
NO_FIREFOX = "Firefox 里没有跑：找不到 Playwright 能驱动的 Firefox"

_SMALL = """() => [...document.querySelectorAll(
  'button, a.btn, summary, select, textarea, .menu-item, .subnav a, .drop-item, a.figure-card,'
  + 'input:not([type=hidden]):not([type=checkbox]):not([type=radio])')]
  .filter(one => one.offsetParent && !one.closest('.visually-hidden'))
  .filter(one => one.getBoundingClientRect().height < 43.5)
  .map(one => one.outerHTML.slice(0, 120) + ' ' + one.getBoundingClientRect().height)"""
# Only what is asked for is written up: no passes, no selectors of nodes.
_AXE_RUN = """() => axe.run({
  runOnly: ['wcag2a', 'wcag2aa', 'wcag21aa', 'best-practice'],
  resultTypes: ['violations'], selectors: false,
}).then(
  found => found.violations.filter(one => ['serious', 'critical'].includes(one.impact))
  .map(one => one.id + ': ' + one.nodes.map(node => node.html.slice(0, 160)).join(' | ')))"""


class Look:
    """One browser window after another, all watched."""

    def __init__(self, browser: Browser, address: str) -> None:
        self._browser, self._address = browser, address
        self._contexts: list[BrowserContext] = []
        self._allowed = False
        self.trouble: list[str] = []
        self.page: Page

    def at(
        self, width: int = 1440, *, as_: object = None, scheme: str = "light", touch: bool = False
    ) -> Look:
        """A new window of a width, signed in as a user where one is given; a finger for `touch`."""
        context = self._browser.new_context(
            base_url=self._address,
            viewport={"width": width, "height": WIDTHS[width]},
            color_scheme=scheme,
            locale="zh-CN",
            timezone_id="Asia/Shanghai",
            reduced_motion="reduce",
            has_touch=touch,
            is_mobile=touch,
        )
        self._contexts.append(context)
        if as_ is not None:
            cookie = make.signed_in(as_).cookies[project.SESSION_COOKIE_NAME].value
            context.add_cookies(
                [{"name": project.SESSION_COOKIE_NAME, "value": cookie, "url": self._address}]
            )
        self.width, self.scheme = width, scheme
        self.page = context.new_page()
        self.page.on("console", self._heard)
        self.page.on("pageerror", lambda error: self.trouble.append(f"script: {error}"))
        self.page.on("request", self._sent)
        return self

    def open(self, path: str, status: int = 200) -> Page:
        """Open a page of the site, and wait until its charts are drawn."""
        answer = self.page.goto(path)
        assert answer is not None and answer.status == status, (path, answer and answer.status)
        if self.page.locator("[data-chart]").count():
            self.page.wait_for_function(
                "document.querySelectorAll('[data-chart]:not([data-drawn])').length == 0"
            )
        return self.page

    def resize(self, width: int, scheme: str = "light") -> None:
        """The same page at another width, or in the dark."""
        self.page.set_viewport_size({"width": width, "height": WIDTHS[width]})
        self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        self.width, self.scheme = width, scheme

    def check(self, *, axe: bool = True) -> None:
        """No sideways scrolling, no small target, nothing serious from axe."""
        # A click before it may have left the old page and not yet opened the new one.
        self.page.wait_for_load_state()
        where = f"{self.page.url} at {self.width} {self.scheme}"
        spill = self._spill()
        assert spill <= 0, f"{where} is {spill} px too wide"
        assert not self.page.evaluate(_SMALL), where
        if not axe:
            return
        if not self.page.evaluate("'axe' in window"):
            # Through the debugger, since the content policy lets no foreign script in.
            session = self.page.context.new_cdp_session(self.page)
            session.send("Runtime.evaluate", {"expression": AXE.read_text()})
            session.detach()
        assert not self.page.evaluate(_AXE_RUN), where

    def _spill(self) -> int:
        """How many pixels the page is too wide, once its charts have followed the window."""
        for _ in range(10):
            spill = self.page.evaluate("document.documentElement.scrollWidth - innerWidth")
            if spill <= 0:
                break
            self.page.wait_for_timeout(200)
        return int(spill)

    def shoot(self, name: str, *, full: bool = False) -> None:
        """A picture in var/screenshots, to be looked at: no check, so that a machine which is too
        busy to draw it in time fails no test.
        """
        SHOTS.mkdir(parents=True, exist_ok=True)
        dark = "-dark" if self.scheme == "dark" else ""
        path = SHOTS / f"{name}-{self.width}{dark}.png"
        with contextlib.suppress(TimeoutError):
            self.page.screenshot(path=path, full_page=full)

    def expect_errors(self) -> None:
        """This test provokes refusals, and the console may say so."""
        self._allowed = True

    def close(self) -> None:
        for context in self._contexts:
            context.close()
        assert self._allowed or not self.trouble, self.trouble
        assert not [line for line in self.trouble if line.startswith("left the host")]

    def _heard(self, message: object) -> None:
        if message.type in {"error", "warning"}:
            self.trouble.append(f"console: {message.text}")

    def _sent(self, request: object) -> None:
        if not request.url.startswith((self._address, "data:", "blob:")):
            self.trouble.append(f"left the host: {request.url}")


@pytest.fixture(scope="session")
def browser_type_launch_args() -> dict[str, object]:
    """The machine's Chromium, its own controls (calendars) in Chinese."""
    chinese = {**os.environ, "LANGUAGE": "zh_CN"}
    return {"executable_path": find_chromium(), "args": list(ARGUMENTS), "env": chinese}


def answered() -> None:
    """Wait until the server has answered what the closed pages asked for.

    One that still runs then asks a database that is no longer lent to the test, and fails aloud.
    """
    at_work = (
        "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = CURRENT_DATABASE()"
        " AND pid <> PG_BACKEND_PID() AND backend_type = 'client backend' AND state <> 'idle'"
    )
    until = monotonic() + 5
    with connection.cursor() as cursor:
        while monotonic() < until:
            cursor.execute(at_work)
            if not cursor.fetchone()[0]:
                return
            sleep(0.02)


@pytest.fixture
def look(browser: Browser, live_server) -> Iterator[Look]:
    made = Look(browser, live_server.url)
    yield made
    try:
        made.close()
    finally:
        answered()


def pytest_terminal_summary(terminalreporter) -> None:
    skipped = terminalreporter.stats.get("skipped", [])
    if any(NO_FIREFOX in str(report.longrepr) for report in skipped):
        terminalreporter.write_line(f"!! {NO_FIREFOX}", red=True, bold=True)
