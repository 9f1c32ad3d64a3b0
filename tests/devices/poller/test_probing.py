"""A probe from the page through the poller: found, refused, cancelled, cut off."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import now

from devices.line.probe import run
from devices.models import Line, Probe
from devices.poller.main import Poller
from devices.services import probing
from station.models import AuditEntry
from tests import make
from tests.devices.poller.kit import Process, Proxy, Wired, until

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def wired(tmp_path: Path, settings) -> Iterator[Wired]:  # type: ignore[no-untyped-def]
    settings.VAR_DIR = tmp_path
    made = Wired(tmp_path)
    yield made
    made.close()


@pytest.fixture
def poller(wired: Wired, monkeypatch: pytest.MonkeyPatch) -> Iterator[Poller]:
    monkeypatch.setattr(run, "LISTEN", 0.2)
    made = Poller(wired.var)
    thread = threading.Thread(target=made.run)
    thread.start()
    yield made
    made.ending.set()
    thread.join()


def _status() -> str:
    return Probe.objects.get().status


@pytest.mark.req("DEV-01")
def test_a_line_in_use_is_rested_on_a_word_and_its_port_probed(
    wired: Wired, poller: Poller
) -> None:
    until(lambda: poller.pumps)
    browser = make.signed_in(make.manager(wired.station))
    asked = {"url": wired.line.url, "protocol": "DART", "address": "80"}
    refused = browser.post(reverse("devices:probe_new"), asked)
    assert refused.status_code == 422 and "停用线路「一号线」并试接" in refused.content.decode()
    assert not Probe.objects.exists()
    answer = browser.post(reverse("devices:probe_new"), {**asked, "rest": "1"})
    assert answer.status_code == 302 and not Line.objects.get(pk=wired.line.pk).active
    until(lambda: _status() == "FOUND", 40, "the head is found")
    page = browser.get(answer["Location"]).content.decode()
    for words in ("找到设备", "80（0x50）", "恢复线路「一号线」", "问状态", "3/2/2/3"):
        assert words in page
    found = Probe.objects.get()
    edit = browser.get(
        reverse("devices:lines-edit", args=[wired.line.pk]), found.findings["proposal"]["line"]
    )
    assert edit.status_code == 200
    Line.objects.filter(pk=wired.line.pk).update(active=True)
    page = browser.get(answer["Location"]).content.decode()
    assert "登记地址 80 的加油机" in page and "volume_decimals=3" in page


def test_a_probe_is_cancelled_and_the_port_given_back(wired: Wired, poller: Poller) -> None:
    Line.objects.update(active=False)
    manager = make.manager(wired.station)
    wired.heads.bus.faults.dead.add(wired.pump.address)
    made = probing.ask(
        station=wired.station, url=wired.line.url, protocol="DART", address=None, rest=False,
        at=now(), actor=manager,
    )  # fmt: skip
    until(lambda: _status() == "RUNNING")
    page = reverse("devices:probe", args=[made.pk])
    browser = make.signed_in(manager)
    part = browser.get(page, headers={"HX-Target": "probe"}).content.decode()
    assert 'hx-trigger="every 1s"' in part and "取消" in part
    assert browser.post(reverse("devices:probe_cancel", args=[made.pk])).status_code == 302
    probing.cancel(probe=made, at=now(), actor=manager)
    until(lambda: _status() == "CANCELLED")
    assert "every 1s" not in browser.get(page, headers={"HX-Target": "probe"}).content.decode()
    assert AuditEntry.objects.filter(action="devices.probe.cancelled").count() == 1


def test_a_poller_killed_in_the_middle_leaves_an_interrupted_probe(
    wired: Wired, tmp_path: Path
) -> None:
    Line.objects.update(active=False)
    wired.heads.bus.faults.dead.add(wired.pump.address)
    proxy = Proxy(tmp_path)
    try:
        with Process(wired.var, proxy.url) as first:
            probing.ask(
                station=wired.station, url=wired.line.url, protocol="DART", address=None,
                rest=False, at=now(), actor=make.manager(wired.station),
            )  # fmt: skip
            until(lambda: _status() == "RUNNING", 40)
            first.kill()
        assert _status() == "RUNNING"
        with Process(wired.var, proxy.url) as second:
            until(lambda: _status() == "INTERRUPTED", 40)
            second.end()
    finally:
        proxy.cut()


def test_nobody_takes_it_and_nobody_tells_is_an_end_too(wired: Wired) -> None:
    manager, at = make.manager(wired.station), now()
    made = probing.ask(
        station=wired.station, url="/dev/ttyS9", protocol="", address=None, rest=False,
        at=at, actor=manager,
    )  # fmt: skip
    page = reverse("devices:probe", args=[made.pk])
    Probe.objects.update(asked_at=at - timedelta(seconds=20))
    assert "采集程序没有回应" in make.signed_in(manager).get(page).content.decode()
    assert probing.end_what_is_late(at=at) == 0
    assert probing.end_what_is_late(at=at + timedelta(seconds=61)) == 1
    assert probing.end_what_is_late(at=at + timedelta(seconds=62)) == 0
    assert "没有在运行" in Probe.objects.get().progress
    assert not probing.finish(
        probe=made.pk, status="FOUND", progress="", findings={}, frames=[], at=at
    )


def test_two_probes_of_one_port_are_refused_by_the_database(wired: Wired) -> None:
    manager = make.manager(wired.station)

    def ask(url: str = "/dev/ttyS9", protocol: str = "", address: int | None = None) -> Probe:
        return probing.ask(
            station=wired.station, url=url, protocol=protocol, address=address, rest=False,
            at=now(), actor=manager,
        )  # fmt: skip

    made = ask()
    with pytest.raises(probing.ProbeRefused, match="正在试接"):
        ask()
    with pytest.raises(IntegrityError), transaction.atomic():
        Probe.objects.create(
            station=wired.station, url=made.url, actor=manager, asked_at=now(), status="RUNNING"
        )
    for wrong in (
        {"url": "spy://x"},
        {"url": "/dev/a", "address": 80},
        {"url": "/dev/a", "address": 1, "protocol": "DART"},
    ):
        with pytest.raises(probing.ProbeRefused):
            ask(**wrong)  # type: ignore[arg-type]
    probing.cancel(probe=made, at=now(), actor=manager)
    assert ask().pk != made.pk
    listed = make.signed_in(make.accountant(wired.station)).get(reverse("devices:probes"))
    assert "已取消" in listed.content.decode() and "等待" in listed.content.decode()
    denied = make.signed_in(make.cashier(wired.station)).get(reverse("devices:probes"))
    assert denied.status_code == 403
