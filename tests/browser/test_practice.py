"""A cashier goes practising: from her own sign-in, through a scenario, to the result on her page.

Two stations run: the live one is the test's own, the practice station is a whole one, as people
start it, on a database, a folder and a port of its own.
"""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg2
import pytest
from django.conf import settings as project
from django.db import connection
from django.utils.timezone import now
from playwright.sync_api import Browser, Page, expect

from sales.models import Sale
from station.models import PracticeResult, User
from station.queries.practice import passed
from station.runtime.practice import Ground, environment_of
from station.services import practice
from tests import make
from tests.browser.conftest import answered

pytestmark = [
    pytest.mark.browser,
    pytest.mark.django_db(transaction=True),
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="pseudo-terminals"),
]
REDIS = 12  # a pair of databases that no other test uses
READY, PLAYED = 400, 120_000  # seconds; milliseconds


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def _server() -> tuple[str, dict[str, object]]:
    """The address of the test's database without its options, and how to reach its server."""
    told = connection.get_connection_params()
    name, host, user = told["dbname"], told["host"], told.get("user") or "postgres"
    there = {"host": host, "user": user, "dbname": "postgres"}
    if told.get("port"):
        there["port"] = told["port"]
    return f"postgresql://{user}@/{name}?host={host}", there


@pytest.fixture
def beside(live_server, tmp_path_factory, settings) -> Iterator[str]:
    """A practice station that runs beside the live one; yields its port, as pages name it."""
    var, port = tmp_path_factory.mktemp("live"), _free_port()
    url, there = _server()
    live = Ground(var, "", project.REDIS_URL, REDIS - 2, project.PRACTICE_KEY)
    env = environment_of(live, database_url=url, bind=f"127.0.0.1:{port - 1}")
    env["LIVE_URL"] = f":{live_server.url.rpartition(':')[2]}"
    settings.PRACTICE_DIR, settings.PRACTICE_URL = Path(env["VAR_DIR"]), ""
    log = (var / "practice.log").open("w+")
    station = subprocess.Popen(
        [sys.executable, "manage.py", "run_station"],
        cwd=project.BASE_DIR,
        env={**os.environ, **env, "WEB_WORKERS": "1", "TEST_TEMPLATE": ""},
        stdout=log,
        stderr=log,
    )
    try:
        end = time.monotonic() + READY
        while "练习站已就绪" not in (var / "practice.log").read_text():
            assert station.poll() is None, (var / "practice.log").read_text()
            assert time.monotonic() < end, (var / "practice.log").read_text()[-3000:]
            time.sleep(0.5)
        yield f":{port}"
    finally:
        station.send_signal(signal.SIGTERM)
        station.wait(60)
        log.close()
        _drop(there, connection.settings_dict["NAME"] + "_practice")
        answered()


def _drop(there: dict[str, object], name: str) -> None:
    server = psycopg2.connect(**there)
    server.autocommit = True
    with server.cursor() as cursor:
        cursor.execute(f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')
    server.close()


@pytest.mark.req("IMP-03")
def test_a_cashier_practises_and_what_she_passed_stands_on_her_page(
    browser: Browser, live_server, beside: str
) -> None:
    station = make.station(name="本站")
    li, wang = make.cashier(station), make.manager(station)
    context = browser.new_context(
        base_url=live_server.url, viewport={"width": 1440, "height": 900}, locale="zh-CN"
    )
    try:
        page = context.new_page()
        _over(page, li, beside)
        _open_a_till(page)
        _play(page)
        _home_again(page, live_server.url)
    finally:
        context.close()

    (paper,) = (project.PRACTICE_DIR / practice.PAPERS).glob("*.txt")
    assert [practice.collect() for _ in range(2)] == [1, 0]
    result = PracticeResult.objects.get()
    assert (result.user, result.scenario, result.points) == (li, "fill", 100)
    assert str(result.attempt) == paper.stem
    assert passed(user=li, scenario="fill")
    assert "普通加油收款" in make.signed_in(wang).get(f"/people/{li.pk}/").content.decode()
    assert not Sale.objects.exists()  # of all she did, nothing is here
    assert User.objects.count() == 2


def _over(page: Page, who: User, practice_port: str) -> None:
    """She signs in at the station, and goes over with a ticket; the password stays here."""
    page.goto("/")
    page.locator("input[name$=username]").fill(who.username)
    page.locator("input[type=password]").fill(make.PASSWORD)
    page.get_by_role("button", name="登录").click()
    page.locator(".topbar-user").click()
    assert page.locator(".practice-strip").count() == 0
    page.get_by_role("link", name="练习", exact=True).click()
    page.wait_for_url("**/finance/practice/")
    assert practice_port in page.url
    expect(page.locator(".practice-strip")).to_contain_text("这里的油、钱和会员都是假的")
    expect(page.locator("main")).to_contain_text("收银员的课程")


def _open_a_till(page: Page) -> None:
    page.get_by_role("link", name="开收银班").click()
    till = page.get_by_label("收银台", exact=True)
    till.select_option(label="练习台 3") if till.count() else None
    page.get_by_label("备用金(元)").fill("500")
    page.get_by_label("收银员口令").fill(practice.PIN)
    page.get_by_role("button", name="开班").click()
    page.wait_for_url("**/sales/till/")


def _play(page: Page) -> None:
    """普通加油收款: the car fills, the notes are taken, the change is given."""
    page.locator(".practice-strip").get_by_role("link", name="科目").click()
    told, refused = page.locator("#told"), page.locator(".notice-error")
    for _ in range(60):  # pumps that were just switched on answer after some seconds
        page.get_by_role("button", name="开始 普通加油收款").click()
        expect(told.or_(refused)).to_be_visible()
        if told.count():
            break
        page.wait_for_timeout(1000)
    expect(told).to_contain_text("停到")
    attempt = page.url
    expect(told).to_contain_text("递来现金", timeout=PLAYED)
    amount, given = re.findall(r"¥([\d.]+)", told.inner_text())[:2]
    page.get_by_role("link", name="收银台", exact=True).last.click()
    page.locator(".fill").filter(has_text=amount).first.click()
    expect(page.locator("#due")).to_have_text(f"¥{amount}")
    page.locator("#amount").fill(given)
    page.get_by_role("button", name="现金", exact=True).click()
    if page.locator("#done").is_hidden():
        page.keyboard.press("F12")
    expect(page.locator("#done")).to_contain_text("找零")
    page.goto(attempt)
    page.get_by_role("button", name="做完了，交卷").click()
    expect(page.locator("main")).to_contain_text("100 分")
    expect(page.locator("main")).to_contain_text("找零")
    expect(page.locator(".page-state")).to_contain_text("通过")


def _home_again(page: Page, live: str) -> None:
    """Both sessions live side by side in one browser; the paper is signed meanwhile."""
    page.locator(".practice-strip").get_by_role("link", name="回油站").click()
    page.wait_for_url(f"{live}/**")
    assert page.locator(".practice-strip").count() == 0
    expect(page.locator(".topbar-user")).to_be_visible()
    end = time.monotonic() + 60
    while not list((project.PRACTICE_DIR / practice.PAPERS).glob("*.txt")):
        assert time.monotonic() < end, f"no paper at {now()}"
        time.sleep(0.5)
