"""What people see and do about gauges: wiring, alarms by their words, and a nozzle that is not sold of."""

from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import now

from devices.models import Alarm, Authorisation, Command, GaugeTank, LineState
from devices.protocols.veeder_root.alarms import QUIET, TYPES, type_of
from devices.queries import site
from devices.services import gauges, holds, wiring
from inventory.services.movements import open_tank
from tests import make
from tests.devices.test_gauges import Gauged

pytestmark = pytest.mark.django_db


@pytest.fixture
def gauged():
    return Gauged()


@pytest.mark.parametrize("code", [*sorted(TYPES), "31"])
def test_every_alarm_of_a_gauge_is_one_of_the_stations_in_words(gauged, code):
    for _ in range(2):
        gauges.take_alarms(tank=gauged.tank.pk, types=[code], at=make.NOW)
    alarm = Alarm.objects.get()
    assert alarm.kind == type_of(code).sort and alarm.kind in Alarm.Kind.values
    assert type_of(code).word in alarm.text and not alarm.text.isascii()
    gauges.take_alarms(tank=gauged.tank.pk, types=[], at=make.at(11))
    alarm.refresh_from_db()
    assert (alarm.status, alarm.cleared_at) == ("CLEARED", make.at(11))
    assert "20" in QUIET


def test_each_alarm_comes_and_goes_by_itself(gauged):
    other = make.tank(gauged.station, number=11)
    gauges.take_alarms(tank=gauged.tank.pk, types=["03", "09"], at=make.NOW)
    gauges.take_alarms(tank=other.pk, types=["05"], at=make.NOW)
    gauges.take_alarms(tank=gauged.tank.pk, types=["09"], at=make.at(11))
    live = Alarm.objects.filter(status="OPEN").values_list("kind", flat=True)
    assert sorted(live) == ["LOW", "PROBE"]


@pytest.mark.req("INV-02")
def test_a_held_nozzle_says_so_and_cannot_be_authorised(gauged):
    make.price(gauged.station, gauged.tank.grade, "7.85")
    make.nozzle_state(gauged.nozzle, "CALLING", since=now(), unit_price=Decimal("7.85"))
    holds.begin(tank=gauged.tank.pk, water=Decimal(60), limit=Decimal(20), since=now())
    browser = make.signed_in(make.attendant(gauged.station))
    panel = browser.get(reverse("devices:nozzle", args=[gauged.nozzle.pk])).content.decode()
    assert "停售：罐内水高 60.0 mm" in panel and "data-preset" not in panel
    refused = browser.post(reverse("devices:authorise", args=[gauged.nozzle.pk]), {"kind": "full"})
    assert refused.status_code == 422 and "停售" in refused.content.decode()
    assert not Authorisation.objects.exists()
    shown = browser.get(reverse("sales:wall")).content.decode()
    assert "停售" in shown and "tile-act" not in shown
    hold = reverse("devices:hold", args=[gauged.tank.holds.get().pk])
    assert "请站长量水后" in browser.get(hold).content.decode()
    assert browser.post(f"{hold}lift/", {"reason": "我说没水"}).status_code == 403


@pytest.mark.req("INV-02")
def test_the_manager_lifts_it_from_the_page_and_the_poller_is_told(gauged):
    holds.begin(tank=gauged.tank.pk, water=Decimal(60), limit=Decimal(20), since=make.NOW)
    url = reverse("devices:hold", args=[gauged.tank.holds.get().pk])
    browser = make.signed_in(make.manager(gauged.station))
    assert browser.post(f"{url}lift/", {"reason": ""}).status_code == 422
    assert browser.post(f"{url}lift/", {"reason": "人工量水 8 mm"}).url == url
    shown = browser.get(url).content.decode()
    assert "已由人工解除" in shown and "不再授权" not in shown
    again = browser.post(f"{url}lift/", {"reason": "再来"})
    assert again.status_code == 422 and "已经恢复销售" in again.content.decode()
    assert Command.objects.filter(kind="REWIRE").count() == 1
    (line,) = [one for one in site.wiring(at=now()) if one.tanks]
    assert line.tanks[0].waived == gauged.tank.holds.get().since.isoformat()
    stranger = make.signed_in(make.stranger())
    assert stranger.get(url).status_code == 404


def test_a_gauge_is_wired_on_its_page_and_twice_nothing(gauged):
    line = gauged.station.lines.get()
    other = make.tank(gauged.station)
    browser = make.signed_in(make.manager(gauged.station))
    typed = {"line": line.pk, "number": 1, "tank": other.pk, "active": "on"}
    refused = browser.post(reverse("devices:gauges-new"), typed)
    assert refused.status_code == 422 and "已经对应另一个油罐" in refused.content.decode()
    taken = {**typed, "number": 2, "tank": gauged.tank.pk}
    assert "已经接了液位仪" in browser.post(reverse("devices:gauges-new"), taken).content.decode()
    assert browser.post(reverse("devices:gauges-new"), {**typed, "number": 2}).status_code == 302
    assert GaugeTank.objects.get(tank=other).number == 2
    assert browser.post(reverse("devices:gauges-new"), {**typed, "number": 100}).status_code == 422
    assert f"{other}" in browser.get(reverse("devices:gauges")).content.decode()
    told = {"at": now(), "actor": make.manager(gauged.station), "station": gauged.station}
    values = {"name": "液位仪", "url": "/dev/ttyS9", "protocol": "SCANNER"}
    with pytest.raises(wiring.WiringRefused, match="接着液位仪"):
        wiring.save_line(row=line, values=values, **told)
    pumps = gauged.station.lines.create(name="一号线", url="/dev/ttyS1", protocol="DART")
    with pytest.raises(wiring.WiringRefused, match="不是液位仪的"):
        wiring.save_gauge_tank(
            row=None, values={"line": pumps, "number": 3, "tank": make.tank(gauged.station)}, **told
        )


@pytest.mark.req("DEV-03")
def test_the_status_page_shows_within_ten_seconds_that_a_gauge_is_silent(gauged):
    browser = make.signed_in(make.attendant(gauged.station))
    line, at = gauged.station.lines.get(), now()

    def shown(heard, **fields):
        LineState.objects.update_or_create(
            line=line,
            defaults={"is_open": True, "heard_at": heard, "written_at": at, **fields},
        )
        return browser.get(reverse("devices:status")).content.decode()

    gauged.reads(at - timedelta(seconds=5))
    page = shown(at - timedelta(seconds=2))
    assert "10,000.00" in page and "无应答" not in page
    assert "无应答" in shown(at - timedelta(seconds=11))
    assert "端口未打开" in shown(at, is_open=False)


@pytest.mark.req("INV-02", "DEV-03")
def test_what_the_gauge_cries_stands_beside_its_tank_and_a_held_one_is_not_called_normal(gauged):
    other = make.tank(gauged.station, number=12)
    gauged.reads(now())
    open_tank(
        tank=gauged.tank, litres=Decimal(15000), unit_cost=Decimal("5.9"),
        day=make.day(gauged.station), at=make.NOW, actor=make.manager(gauged.station),
    )  # fmt: skip
    browser = make.signed_in(make.manager(gauged.station))
    tanks, status = reverse("inventory:tanks"), reverse("devices:status")
    one = reverse("inventory:tank", args=[gauged.tank.pk])
    assert "正常" in browser.get(one).content.decode()
    gauges.take_alarms(tank=gauged.tank.pk, types=["06"], at=make.NOW)
    holds.begin(tank=gauged.tank.pk, water=Decimal(60), limit=Decimal(20), since=make.NOW)
    alarm = Alarm.objects.get(kind="LOSS")
    for page in (tanks, status, one):
        shown = browser.get(page).content.decode()
        assert "油量突降" in shown and "停售" in shown and "罐内水高</a>" not in shown
    assert reverse("devices:alarm", args=[alarm.pk]) in browser.get(one).content.decode()
    assert ">正常<" not in browser.get(one).content.decode()
    away = browser.get(reverse("inventory:tank", args=[other.pk])).content.decode()
    assert "油量突降" not in away
    gauges.take_alarms(tank=gauged.tank.pk, types=[], at=make.at(11))
    holds.end(tank=gauged.tank.pk, at=make.at(11))
    assert ">正常<" in browser.get(one).content.decode()
