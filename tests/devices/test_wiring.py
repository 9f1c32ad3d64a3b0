"""Lines, addresses, readers and printers: what may hang where, and what the status page says."""

from datetime import timedelta

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import now

from devices.models import Command, DispenserWiring, Line, LineState, Printer, Reader
from devices.poller.waiting import spool_state
from devices.protocols import table
from devices.protocols.base import SerialSettings
from devices.queries import health, ports, status
from devices.queries import site as queries_site
from devices.services import live, wiring
from devices.spool import Fact, Spool
from station.models import AuditEntry
from station.queries.health import State
from tests import make

pytestmark = pytest.mark.django_db
LINE = {"name": "1 号线", "protocol": "DART", "url": "/dev/ttyUSB0", "baud": 9600, "parity": "O"}


class Site:
    def __init__(self):
        self.station = make.station()
        self.actor = make.manager(self.station)
        self.told = {"at": make.NOW, "actor": self.actor, "station": self.station}
        self.line = self.save_line()

    def save_line(self, row=None, **values):
        return wiring.save_line(row=row, values={**LINE, "active": True, **values}, **self.told)

    def hang(self, address=80, dispenser=None, line=None, row=None):
        values = {
            "dispenser": dispenser or make.dispenser(self.station),
            "line": line or self.line,
            "address": address,
        }
        return wiring.save_dispenser(row=row, values=values, **self.told)


@pytest.fixture
def site():
    return Site()


def test_a_line_is_saved_audited_and_told_to_the_poller(site):
    assert Command.objects.get().kind == "REWIRE"
    site.save_line(site.line, url="/dev/ttyUSB1")
    site.line.refresh_from_db()
    assert site.line.url == "/dev/ttyUSB1"
    entry = AuditEntry.objects.order_by("-id").first()
    assert (entry.before["url"], entry.after["url"]) == ("/dev/ttyUSB0", "/dev/ttyUSB1")


def test_two_lines_cannot_have_one_name_or_one_port(site):
    with pytest.raises(wiring.WiringRefused, match="同名线路"):
        site.save_line(url="/dev/ttyUSB9")
    with pytest.raises(wiring.WiringRefused, match="端口已有一条"):
        site.save_line(name="2 号线")
    site.save_line(site.line, active=False)
    assert site.save_line(name="2 号线").url == "/dev/ttyUSB0"


def test_an_address_holds_one_dispenser_and_a_dispenser_one_address(site):
    first = site.hang(80)
    with pytest.raises(wiring.WiringRefused, match="用了这个地址"):
        site.hang(80)
    with pytest.raises(wiring.WiringRefused, match="已经接线"):
        site.hang(81, dispenser=first.dispenser)
    assert site.hang(82, dispenser=first.dispenser, row=first).address == 82


def test_readers_and_pumps_do_not_share_a_line(site):
    cards = site.save_line(name="读卡器", url="/dev/ttyS1", protocol="RDM6300")
    with pytest.raises(wiring.WiringRefused, match="不是加油机的"):
        site.hang(80, line=cards)
    till = make.till(site.station)
    for values, words in (
        ({"line": site.line, "till": till}, "不是读卡器或扫码枪的"),
        ({"line": cards}, "请选一个"),
        ({"line": cards, "till": till, "island": make.island(site.station)}, "请选一个"),
    ):
        with pytest.raises(wiring.WiringRefused, match=words):
            wiring.save_reader(row=None, values=values, **site.told)
    wiring.save_reader(row=None, values={"line": cards, "till": till}, **site.told)
    with pytest.raises(wiring.WiringRefused, match="已经接了"):
        wiring.save_reader(row=None, values={"line": cards, "till": till}, **site.told)
    assert Reader.objects.get().till == till


@pytest.mark.req("SAL-01")
def test_the_pages_wire_a_station(site):
    browser = make.signed_in(site.actor)
    head, till = make.dispenser(site.station), make.till(site.station)
    stranger_head = make.dispenser()
    line = {**LINE, "name": "2 号线", "url": "/dev/ttyUSB5", "active": "on"}
    assert browser.post(reverse("devices:lines-new"), line).url == reverse("devices:lines")
    assert browser.post(reverse("devices:lines-new"), line).status_code == 422
    decimals = dict.fromkeys(
        ("volume_decimals", "amount_decimals", "price_decimals", "totals_decimals"), 2
    )
    hung = {"dispenser": head.pk, "line": site.line.pk, "address": 80, **decimals}
    assert browser.post(reverse("devices:dispensers-new"), hung).status_code == 302
    foreign = {**hung, "dispenser": stranger_head.pk, "address": 81}
    assert browser.post(reverse("devices:dispensers-new"), foreign).status_code == 422
    printer = {
        "name": "前台",
        "kind": "FILE",
        "target": "front.bin",
        "till": till.pk,
        "columns": 48,
        "baud": 9600,
        "drawer_pin": 5,
        "drawer_times": 2,
    }
    assert browser.post(reverse("devices:printers-new"), printer).status_code == 302
    assert DispenserWiring.objects.get().dispenser == head
    assert Printer.objects.get().till == till
    for name in ("lines", "dispensers", "readers", "printers", "displays", "signs"):
        assert browser.get(reverse(f"devices:{name}")).status_code == 200
        assert browser.get(reverse(f"devices:{name}-new")).status_code == 200
    edit = reverse("devices:dispensers-edit", args=[DispenserWiring.objects.get().pk])
    assert 'value="80"' in browser.get(edit).content.decode()


@pytest.mark.req("DEV-01", "SAL-01")
def test_a_fitter_chooses_a_protocol_and_the_port_speaks_its_way(site):
    browser = make.signed_in(site.actor)
    new = browser.get(reverse("devices:lines-new")).content.decode()
    for one in table.entries().values():
        assert f'value="{one.key}"' in new and one.label in new
    assert "CENSTAR GasKitLink（9600 8N1）" in new and "AZT 2.0（4800 7E2）" in new
    line = {"name": "3 号线", "url": "/dev/ttyUSB7", "protocol": "GASKITLINK", "active": "on"}
    assert browser.post(reverse("devices:lines-new"), line).status_code == 302
    made = Line.objects.get(name="3 号线")
    assert made.serial == table.PUMPS[table.GASKIT].serial
    assert not made.echo
    edit = reverse("devices:lines-edit", args=[made.pk])
    own = {**line, "baud": 19200, "bits": 7, "parity": "E", "stop": 2, "echo": "on"}
    assert browser.post(edit, own).status_code == 302
    made.refresh_from_db()
    assert (made.serial, made.echo) == (SerialSettings(19200, 7, "E", 2), True)
    for field, value in (("bits", 9), ("stop", 3), ("parity", "X"), ("protocol", "MODBUS")):
        assert browser.post(edit, {**own, field: value}).status_code == 422
    listed = browser.get(reverse("devices:lines")).content.decode()
    assert "CENSTAR GasKitLink" in listed and "19200，7 位，偶校验，2 停止位" in listed
    assert "机头站号是几就填几" in browser.get(reverse("devices:dispensers-new")).content.decode()
    hung = site.hang(1, line=made)
    assert "1 号站" in browser.get(reverse("devices:dispensers")).content.decode()
    [wired] = [one for one in queries_site.wiring(at=make.NOW) if one.id == made.pk]
    assert (wired.protocol, wired.serial, wired.echo) == ("GASKITLINK", made.serial, True)
    assert wired.points == ()  # a dispenser without nozzles is not asked
    nozzle = make.nozzle(site.station, dispenser=hung.dispenser)
    [wired] = [one for one in queries_site.wiring(at=make.NOW) if one.id == made.pk]
    assert wired.points[0].nozzle(nozzle.position).digits == 9 - 2


@pytest.mark.req("DEV-01", "SAL-01")
def test_a_two_wire_loop_is_chosen_with_its_odd_speed_and_pump_16(site):
    browser = make.signed_in(site.actor)
    new = browser.get(reverse("devices:lines-new")).content.decode()
    assert "Gilbarco 两线（5787 8E1）" in new
    line = {"name": "4 号线", "url": "/dev/ttyUSB8", "protocol": "TWOWIRE", "active": "on"}
    assert browser.post(reverse("devices:lines-new"), line).status_code == 302
    made = Line.objects.get(name="4 号线")
    assert made.serial == table.PUMPS[table.TWOWIRE].serial == SerialSettings(5787, 8, "E", 1)
    edit = reverse("devices:lines-edit", args=[made.pk])
    assert (
        browser.post(edit, {**line, "baud": 9600, "parity": "N", "echo": "on"}).status_code == 302
    )
    made.refresh_from_db()
    assert (made.serial, made.echo) == (SerialSettings(9600, 8, "N", 1), True)
    form = browser.get(reverse("devices:dispensers-new")).content.decode()
    assert "机头泵号是几就填几" in form and "Gilbarco 两线 3 位" in form
    hung = site.hang(16, line=made)
    assert "16 号泵" in browser.get(reverse("devices:dispensers")).content.decode()
    nozzle = make.nozzle(site.station, dispenser=hung.dispenser)
    [wired] = [one for one in queries_site.wiring(at=make.NOW) if one.id == made.pk]
    assert wired.points[0].nozzle(nozzle.position).digits == 8 - 2
    for strange in (0, 17):
        with pytest.raises(wiring.WiringRefused, match="Gilbarco 两线 的地址是 1 到 16"):
            site.hang(strange, line=made)


@pytest.mark.req("DEV-01", "SAL-01")
@pytest.mark.parametrize(
    ("key", "port", "reads"),
    [
        ("AZT", "AZT 2.0（4800 7E2）", "2 号地址"),
        ("ZHENGXING", "正星电流环（9600 8E1）", "2 号面板"),
    ],
)
def test_where_an_address_is_a_nozzle_a_dispenser_with_more_is_not_hung(site, key, port, reads):
    browser = make.signed_in(site.actor)
    assert port in browser.get(reverse("devices:lines-new")).content.decode()
    line = {"name": "5 号线", "url": "/dev/ttyUSB8", "protocol": key, "active": "on"}
    assert browser.post(reverse("devices:lines-new"), line).status_code == 302
    made = Line.objects.get(name="5 号线")
    assert made.serial == table.PUMPS[key].serial
    hung = site.hang(2, line=made)
    first = make.nozzle(site.station, dispenser=hung.dispenser, position=1)
    assert reads in browser.get(reverse("devices:dispensers")).content.decode()
    second = make.nozzle(site.station, dispenser=hung.dispenser, position=2)
    for _ in range(2):
        with pytest.raises(wiring.WiringRefused, match=r"一个地址接 1 把枪，.* 有 2 把在用"):
            site.hang(3, line=made, dispenser=hung.dispenser, row=hung)
    # one that was added after the wiring does not stop the other
    [wired] = [one for one in queries_site.wiring(at=make.NOW) if one.id == made.pk]
    assert [one.id for one in wired.points[0].nozzles] == [first.pk]
    other = site.save_line(name="6 号线", url="/dev/ttyUSB9", protocol="GASKITLINK")
    moved = site.hang(4, line=other, dispenser=hung.dispenser, row=hung)
    with pytest.raises(wiring.WiringRefused, match="请按枪分开建加油机"):
        site.save_line(other, name="6 号线", url="/dev/ttyUSB9", protocol=key)
    type(second).objects.filter(pk=second.pk).update(active=False)
    assert site.hang(3, line=made, dispenser=hung.dispenser, row=moved).line == made


def test_an_address_must_be_one_that_the_protocol_has(site):
    with pytest.raises(wiring.WiringRefused, match="Wayne DART 的地址是 80 到 207，1 不是"):
        site.hang(1)
    other = site.save_line(name="2 号线", url="/dev/ttyUSB1", protocol="GASKITLINK")
    site.hang(1, line=other)
    with pytest.raises(wiring.WiringRefused, match="CENSTAR GasKitLink 的地址是 1 到 255，0 不是"):
        site.hang(0, line=other)
    with pytest.raises(wiring.WiringRefused, match="1 不是"):  # what hangs there could not answer
        site.save_line(other, name="2 号线", url="/dev/ttyUSB1")
    with pytest.raises(wiring.WiringRefused, match="接着加油机"):
        site.save_line(other, name="2 号线", url="/dev/ttyUSB1", protocol="SCANNER")
    cards = site.save_line(name="读卡器", url="/dev/ttyS1", protocol="RDM6300")
    till = make.till(site.station)
    wiring.save_reader(row=None, values={"line": cards, "till": till}, **site.told)
    with pytest.raises(wiring.WiringRefused, match="接着读卡器或扫码枪"):
        site.save_line(cards, name="读卡器", url="/dev/ttyS1")


def test_the_database_refuses_bits_that_no_port_has(site):
    for wrong in ({"bits": 9}, {"stop": 3}):
        with pytest.raises(IntegrityError), transaction.atomic():
            Line.objects.filter(pk=site.line.pk).update(**wrong)


@pytest.mark.req("SAL-10", "SEC-02")
@pytest.mark.parametrize(
    "target", ["/etc/cron.d/till", "../site_key.txt", "a/../../x", ".", "", "/", "x\0y"]
)
def test_a_file_printer_writes_in_its_folder_and_nowhere_else(site, target, settings):
    values = {"name": "前台", "kind": "FILE", "target": target, "columns": 48}
    with pytest.raises(wiring.WiringRefused, match="receipts 文件夹里，请只填文件名"):
        wiring.save_printer(row=None, values=values, **site.told)
    assert not Printer.objects.exists()
    inside = str(settings.VAR_DIR / "receipts" / "till-1.bin")
    for good in ("till-1.bin", inside):
        assert wiring.save_printer(row=None, values={**values, "target": good}, **site.told)


def test_a_link_out_of_the_folder_is_no_way_out(tmp_path, settings):
    settings.VAR_DIR = tmp_path
    (tmp_path / "receipts").mkdir()
    (tmp_path / "receipts" / "out").symlink_to(tmp_path)
    assert ports.paper_file("out/site_key.txt") is None
    assert ports.paper_file("till-1.bin") == tmp_path / "receipts" / "till-1.bin"


@pytest.mark.parametrize("url", ["spy:///dev/ttyUSB0?file=/etc/motd", "hwgrep://x", " "])
def test_a_port_is_a_serial_device_or_a_converter(site, url):
    with pytest.raises(wiring.WiringRefused, match="端口须是串口"):
        site.save_line(name="2 号线", url=url)
    values = {"name": "前台", "kind": "SERIAL", "target": url, "columns": 48}
    with pytest.raises(wiring.WiringRefused, match="端口须是串口"):
        wiring.save_printer(row=None, values=values, **site.told)


@pytest.mark.req("SAL-01")
def test_a_page_names_lines_and_printers_and_shows_a_path_only_where_it_is_edited(site):
    converter = site.save_line(name="2 号线", url="socket://192.168.1.20:4001")
    wiring.save_printer(
        row=None,
        values={"name": "前台小票机", "kind": "SERIAL", "target": "/dev/ttyS3", "columns": 48},
        **site.told,
    )
    write(site.line)
    browser = make.signed_in(site.actor)
    for name in ("devices:lines", "devices:printers", "devices:status", "sales:receipts"):
        page = browser.get(reverse(name)).text
        assert "/dev/tty" not in page and "socket://" not in page and "192.168" not in page
    lines = browser.get(reverse("devices:lines")).text
    assert "2 号线" in lines and "串口服务器" in lines
    edit = browser.get(reverse("devices:lines-edit", args=[converter.pk])).text
    assert 'value="socket://192.168.1.20:4001"' in edit


def write(line, **fields):
    told = {"is_open": True, "heard_at": now(), "polls": 200, "answers": 190, "written_at": now()}
    LineState.objects.update_or_create(line=line, defaults={**told, **fields})
    return status.line_status(Line.objects.select_related("state").get(pk=line.pk), now())


def test_a_lines_state_is_one_word(site):
    long_ago = now() - timedelta(minutes=5)
    assert status.line_status(site.line, now()).word == "未连接过"
    assert write(site.line).word == "正常"
    assert write(site.line).answered == 95
    assert write(site.line, heard_at=long_ago).word == "无应答"
    assert write(site.line, is_open=False, error="没有这个端口").error == "没有这个端口"
    assert write(site.line, written_at=long_ago).word == "采集程序未运行"
    cards = site.save_line(name="读卡器", url="/dev/ttyS1", protocol="RDM6300")
    assert write(cards, heard_at=None).word == "正常"  # nobody swiped, that is all


def test_health_has_the_poller_every_line_and_orders_nobody_took(site):
    found = {check.name: check for check in health.checks(at=now())}
    assert found["devices.poller"].state is State.WARNING
    assert found[f"devices.line.{site.line.pk}"].state is State.WARNING
    write(site.line)
    found = {check.name: check for check in health.checks(at=now())}
    assert found["devices.poller"].state is State.OK
    assert "应答率 95%" in found[f"devices.line.{site.line.pk}"].detail
    Command.objects.update(valid_until=now() - timedelta(minutes=5))
    write(site.line, written_at=now() - timedelta(minutes=5))
    found = {check.name: check for check in health.checks(at=now())}
    assert found["devices.commands"].state is State.WARNING
    assert found["devices.poller"].state is State.FAILED


@pytest.mark.req("SEC-14")
def test_health_tells_what_waits_in_the_pollers_spool_and_what_was_refused(site, tmp_path):
    spool, at = Spool(tmp_path / "spool.sqlite3"), now()
    site.hang()

    def said(seconds):
        live.write_poller(spool_state(spool, [site.station.pk], at))
        live.write_poller(spool_state(spool, [site.station.pk], at))  # a row is written over
        late = at + timedelta(seconds=seconds)
        return {check.name: check for check in health.checks(at=late)}["devices.spool"]

    assert (said(0).state, said(0).detail) == (State.OK, "没有积压")
    spool.record(facts=[Fact("fill:1:0:5", "fill", {}, at)])
    assert (said(5).state, said(5).figure) == (State.OK, 1)
    assert (said(60).state, "已等 60 秒" in said(60).detail) == (State.WARNING, True)
    spool.refused(spool.waiting()[0].seq, "没有这把油枪")
    assert said(5).state is State.FAILED
    assert "没有这把油枪" in said(5).detail


def test_the_status_page_shows_lines_pumps_readers_and_printers(site):
    hung = site.hang()
    nozzle = make.nozzle(site.station, dispenser=hung.dispenser)
    make.nozzle_state(nozzle, "IDLE")
    make.nozzle_state(make.nozzle(site.station, dispenser=hung.dispenser), "OFFLINE")
    make.dispenser(site.station)
    write(site.line)
    page = make.signed_in(make.attendant(site.station)).get(reverse("devices:status"))
    words = page.content.decode()
    assert "部分离线" in words and "正常" in words and "1 台加油机还没有接线" in words
    part = make.signed_in(site.actor).get(
        reverse("devices:status"), headers={"hx-target": "status"}
    )
    assert "<html" not in part.content.decode()
