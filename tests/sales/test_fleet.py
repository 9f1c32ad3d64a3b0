"""Two stages: a pump is let loose for a company when its vehicle and its driver were identified."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from django.db import IntegrityError, transaction
from django.urls import reverse
from django.utils.timezone import localtime, now

from devices.line.listening import ReaderLine
from devices.models import Authorisation, Card, Line, PlateRead, Reader, ReadRule, Swipe, TankHold
from devices.protocols import table
from devices.queries.swipes import decide, said
from devices.services import cameras, plates, reads, spooled
from devices.services import cards as plastic
from devices.services.authorising import authorise
from devices.simulator.ends import PtyEnd
from devices.simulator.lines import ChipLine
from devices.simulator.lines import Reader as SimulatedReader
from devices.simulator.pn532 import Chip, Tag
from devices.spool import Spool
from members.models import Company, Driver, Vehicle
from members.queries.fleet import document_of, holders
from members.services import fleet as members_fleet
from members.services import vehicles
from sales.models import FleetLeave
from sales.queries.fleet import known_at
from sales.queries.till import pulse
from sales.queries.wall import wall
from sales.services import fleet
from sales.services.fleet import NotIdentified
from station.models import AuditEntry
from tests import make
from tests.devices.line.kit import wiring
from tests.devices.line.test_thread import until
from tests.sales.test_handover import at_once

pytestmark = pytest.mark.django_db
PLATE, TAG, CARD, UID = "云A12345", "04112233", "0000006499026", bytes.fromhex("04112233445566")
WITHIN = 60


class Fleet:
    """An island with two nozzles, a reader and a camera; a company with a car and a driver."""

    def __init__(self) -> None:
        self.station = make.station()
        make.day(self.station, date=now().date(), opened_at=now())
        grade = make.grade()
        make.price(self.station, grade, since=now() - timedelta(days=1))
        self.nozzles = [make.nozzle(self.station, grade) for _ in range(2)]
        for one in self.nozzles:
            make.nozzle_state(one, "CALLING", since=now())
        self.nozzle = self.nozzles[0]
        self.island = self.nozzle.dispenser.island
        self.manager, self.sun = make.manager(self.station), make.attendant(self.station)
        self.reader = self.wired("岛上读卡器", "/dev/ttyS7", table.RDM6300)
        values = {"name": "摄像头", "kind": "PUSH", "island": self.island, "nozzle": None}
        self.camera = cameras.save_camera(
            row=None,
            values={**values, "folder": "", "active": True},
            at=now(),
            actor=self.manager,
            station=self.station,
        )
        self.company, self.car, self.driver = self.joins("昆明顺达运输有限公司", PLATE, "赵师傅")
        self.tag, self.card = self.gives(self.car, TAG), self.gives(self.driver, CARD)

    def wired(self, name: str, url: str, protocol: str) -> Reader:
        line = Line.objects.create(station=self.station, name=name, url=url, protocol=protocol)
        return Reader.objects.create(line=line, island=self.island)

    def joins(self, name: str, plate: str, who: str) -> tuple[Company, Vehicle, Driver]:
        company = make.company(self.station, name)
        when = {"at": now(), "actor": self.manager}
        members_fleet.require_pair(company=company, seconds=WITHIN, **when)
        company.refresh_from_db()
        car = vehicles.add_vehicle(owner=company, plate=plate, **when)
        driver = members_fleet.add_driver(company=company, name=who, vehicle=None, **when)
        return company, car, driver

    def gives(self, owner: Vehicle | Driver, number: str) -> Card:
        return members_fleet.issue_card(
            owner=owner, number=number, station=self.station, at=now(), actor=self.manager
        )

    def reads(self, number: str, at: datetime | None = None) -> Swipe | None:
        return reads.record_read(
            reader=self.reader,
            key=f"swipe:{Swipe.objects.count()}",
            medium="CARD",
            text=number,
            secret=False,
            at=at or now(),
        )

    def sees(self, plate: str = PLATE, at: datetime | None = None) -> PlateRead:
        event = plates.Event(f"e{PlateRead.objects.count()}", plate, at or now())
        at = max(event.at, now())
        return plates.record_plate(camera=self.camera, event=event, at=at)[0]

    def let_loose(self, nozzle: Any = None, at: datetime | None = None) -> FleetLeave:
        nozzle, at = nozzle or self.nozzle, at or now()
        return fleet.let_loose(
            nozzle=nozzle, actor=self.sun, at=at, expected=self.expected(nozzle, at)
        )

    def expected(self, nozzle: Any = None, at: datetime | None = None) -> str:
        """What the button of a nozzle posts."""
        _, found = known_at(nozzle=nozzle or self.nozzle, at=at or now())
        return found.expected if found else ""

    def words(self, at: datetime | None = None) -> str:
        pairing = wall(station=self.station, at=at or now()).tiles[0].pairing
        return pairing.words if pairing else ""


@pytest.fixture
def ground() -> Fleet:
    return Fleet()


def refused(ground: Fleet, words: str, at: datetime | None = None) -> None:
    with pytest.raises(NotIdentified, match=words):
        ground.let_loose(at=at)
    assert not Authorisation.objects.exists() and not FleetLeave.objects.exists()


# --------------------------------------------------------------------------- let loose


@pytest.mark.req("DEV-02")
def test_two_simulated_readers_let_a_pump_loose(ground: Fleet, tmp_path: Path) -> None:
    """The tag lies on an asked PN532, the driver's card on an RDM6300; each on its own wire."""
    tag, card = PtyEnd(tmp_path / "tag"), PtyEnd(tmp_path / "card")
    chip = Chip()
    heads = ChipLine(chip, tag)
    heads.start()
    ground.gives(ground.car, UID.hex().upper())
    ground.gives(ground.driver, "0006499026")
    spool = Spool(tmp_path / "spool.sqlite3")
    lines = [
        ReaderLine(
            wiring(id=one.line_id, url=str(end.path), parity="N", points=(), reader=one.pk, **more),
            spool=spool,
            boxes=tmp_path / "box",
            whisper=lambda key, code: None,
        )
        for one, end, more in (
            (ground.wired("标签", "/dev/ttyS8", table.PN532), tag, {"protocol": table.PN532}),
            (ground.reader, card, {"protocol": table.RDM6300}),
        )
    ]
    for line in lines:
        line.start()
    until(lambda: all(line.live.is_open for line in lines))
    try:
        chip.field = [Tag(UID)]
        until(lambda: _moved(spool) == 1)
        until_when = localtime(Swipe.objects.get().occurred_at + timedelta(seconds=WITHIN))
        assert ground.words() == f"车 云A***45；请在 {until_when:%H:%M:%S} 前刷司机卡"
        refused(ground, "还缺司机卡")
        SimulatedReader(card).present("6499026", seconds=0.1)
        until(lambda: _moved(spool) == 2)
        assert ground.words() == "车 云A***45，司机 赵*傅，可以放行"
        assert ground.let_loose().authorisation.status == "WAITING"
    finally:
        for line in lines:
            line.end()
            line.join()
        heads.end_it()
        card.close()


def _moved(spool: Spool) -> int:
    """The swipes that came so far, in the database."""
    waiting = [one for one in spool.waiting() if one.kind == "swipe"]
    spooled.move([spooled.Moving(one.seq, one.key, one.kind, one.body, one.at) for one in waiting])
    return Swipe.objects.count()


@pytest.mark.req("DEV-04")
def test_a_plate_and_a_card_let_a_pump_loose_once_and_up_to_the_tank(ground: Fleet) -> None:
    Vehicle.objects.filter(pk=ground.car.pk).update(tank_litres=300)
    ground.sees()
    ground.reads(CARD)
    leave = ground.let_loose()
    assert (leave.company, leave.vehicle, leave.driver) == (
        ground.company,
        ground.car,
        ground.driver,
    )
    assert leave.vehicle_by == "PLATE" and leave.number.startswith("FX")
    held = leave.authorisation
    assert (held.limit_litres, held.document) == (Decimal(300), leave.number)
    assert AuditEntry.objects.filter(action="devices.authorise", document=leave.number).exists()
    with pytest.raises(NotIdentified, match="没有读到"):  # what was identified is used up
        ground.let_loose(ground.nozzles[1])
    ground.reads(CARD)  # the driver alone comes again
    with pytest.raises(NotIdentified, match="还缺车辆识别"):
        ground.let_loose(ground.nozzles[1])
    ground.sees()  # it stands there still, and the camera reads it again
    with pytest.raises(NotIdentified, match="还缺车辆识别"):
        ground.let_loose(ground.nozzles[1])
    late = leave.occurred_at + timedelta(seconds=WITHIN + 1)
    ground.sees(at=late)
    ground.reads(CARD, at=late)
    assert ground.let_loose(ground.nozzles[1], at=late).nozzle == ground.nozzles[1]


def test_a_leave_names_the_reads_that_it_used_and_each_is_used_once(ground: Fleet) -> None:
    plate, card = ground.sees(), ground.reads(CARD)
    by_plate = ground.let_loose()
    assert (by_plate.plate_read, by_plate.vehicle_swipe, by_plate.driver_swipe) == (
        plate,
        None,
        card,
    )
    tag, card = ground.reads(TAG), ground.reads(CARD)
    by_tag = ground.let_loose(ground.nozzles[1])
    assert (by_tag.plate_read, by_tag.vehicle_swipe, by_tag.driver_swipe) == (None, tag, card)
    # Another vehicle and driver, at another time, but the same read: a plate that was corrected.
    company, car, driver = ground.joins("云南远通物流有限公司", "云B22222", "钱师傅")
    other = Authorisation.objects.create(
        station=ground.station,
        nozzle=ground.nozzle,
        valid_until=now(),
        asked_at=now(),
        status="USED",
    )
    for leave, read in (
        (by_plate, "plate_read"),
        (by_tag, "vehicle_swipe"),
        (by_tag, "driver_swipe"),
    ):
        again = FleetLeave.objects.get(pk=leave.pk)
        kept = getattr(again, read)
        again.plate_read = again.vehicle_swipe = again.driver_swipe = None
        setattr(again, read, kept)
        again.pk, again.number, again.authorisation = None, "FX-2", other
        again.company, again.vehicle, again.driver = company, car, driver
        again.vehicle_at = again.driver_at = now()
        with (
            pytest.raises(IntegrityError, match=f"let_loose_once_per_{read}"),
            transaction.atomic(),
        ):
            again.save(force_insert=True)


def test_a_plate_that_a_person_corrected_identifies_nobody(ground: Fleet) -> None:
    read = ground.sees("云A1Z345")
    ground.reads(CARD)
    plates.correct(read=read, plate=PLATE, actor=ground.sun, at=now())
    assert ground.words() == "不能放行：车牌 云A***45 是人工改正的，不算识别，请刷车辆标签"
    refused(ground, "人工改正")
    ground.reads(TAG)
    assert ground.let_loose().vehicle_by == "TAG"


def test_the_tag_of_a_vehicle_holds_though_its_plate_was_corrected(ground: Fleet) -> None:
    ground.reads(TAG)
    ground.reads(CARD)
    plates.correct(read=ground.sees("云A1Z345"), plate=PLATE, actor=ground.sun, at=now())
    assert ground.let_loose().vehicle_by == "TAG"


def test_a_driver_may_come_before_his_car_and_a_vehicle_card_is_as_good_as_a_tag(
    ground: Fleet,
) -> None:
    ground.reads(CARD, at=localtime().replace(hour=10, minute=30, second=5))
    words = ground.words(at=localtime().replace(hour=10, minute=30, second=9))
    assert words == "司机 赵*傅；请在 10:31:05 前刷车辆标签，或让摄像头读到车牌"
    ground.reads(CARD)
    ground.reads(TAG)
    assert ground.let_loose().vehicle_by == "TAG"


def test_whoever_fills_without_a_limit_where_the_tank_is_not_known(ground: Fleet) -> None:
    ground.reads(TAG)
    ground.reads(CARD)
    assert ground.let_loose().authorisation.limit_litres is None


# --------------------------------------------------------------------------- refused


def test_nobody_and_one_alone_are_refused(ground: Fleet) -> None:
    refused(ground, "没有读到单位的车辆标签、车牌或司机卡")
    ground.reads(CARD)
    refused(ground, "还缺车辆识别")
    Swipe.objects.all().delete()
    ground.sees()
    refused(ground, "还缺司机卡")


def test_the_second_must_come_within_the_time_and_both_are_forgotten_after_it(
    ground: Fleet,
) -> None:
    start = now()
    ground.reads(TAG, at=start)
    ground.reads(CARD, at=start + timedelta(seconds=WITHIN + 1))
    refused(ground, "还缺车辆识别", at=start + timedelta(seconds=WITHIN + 2))
    ground.reads(TAG, at=start + timedelta(seconds=WITHIN + 3))
    late = start + timedelta(seconds=2 * WITHIN + 4)
    refused(ground, "没有读到", at=late)
    assert ground.words(late) == ""
    assert ground.let_loose(at=start + timedelta(seconds=WITHIN + 5))


def test_the_wrong_pair_is_refused(ground: Fleet) -> None:
    _, _, stranger = ground.joins("云南远通物流有限公司", "云B22222", "钱师傅")
    ground.gives(stranger, "7777777777")
    ground.reads(TAG)
    ground.reads("7777777777")
    refused(ground, "司机 钱.* 是 云南远通物流有限公司 的，车 云A.* 不是")
    bound = members_fleet.add_driver(
        company=ground.company,
        name="孙师傅",
        vehicle=vehicles.add_vehicle(
            owner=ground.company, plate="云A99999", at=now(), actor=ground.manager
        ),
        at=now(),
        actor=ground.manager,
    )
    ground.gives(bound, "8888888888")
    ground.reads("8888888888")
    refused(ground, "司机 孙.* 只登记开另一辆车，不能用于车 云A")
    ground.sees("云A99999")
    assert ground.let_loose().driver == bound


@pytest.mark.parametrize("number", [TAG, CARD])
def test_a_blocked_tag_or_card_is_refused_also_when_it_is_blocked_after_the_read(
    ground: Fleet, number: str
) -> None:
    ground.reads(TAG)
    ground.reads(CARD)
    card = Card.objects.get(number=number)
    plastic.move(card=card, to=Card.Status.LOST, actor=ground.manager, at=now())
    refused(ground, "已挂失，请收回")
    assert ground.words().startswith("不能放行：")
    assert ground.reads(number).outcome == "LOST"
    refused(ground, "已挂失，请收回")
    plastic.move(card=card, to=Card.Status.CANCELLED, actor=ground.manager, at=now())
    refused(ground, "已注销，请收回")


def test_who_was_taken_away_is_refused(ground: Fleet) -> None:
    ground.reads(TAG)
    ground.reads(CARD)
    Company.objects.filter(pk=ground.company.pk).update(active=False)
    refused(ground, "单位已停用")
    Company.objects.filter(pk=ground.company.pk).update(active=True)
    Vehicle.objects.filter(pk=ground.car.pk).update(active=False)
    refused(ground, "已移除")


def test_a_company_that_does_not_ask_for_both_has_no_account_at_the_pump(ground: Fleet) -> None:
    members_fleet.require_pair(company=ground.company, seconds=0, at=now(), actor=ground.manager)
    ground.sees()
    ground.reads(TAG)
    ground.reads(CARD)
    refused(ground, "没有读到")
    assert ground.words() == ""


def test_a_pump_that_is_not_ready_uses_nothing_up(ground: Fleet) -> None:
    ground.reads(TAG)
    ground.reads(CARD)
    make.nozzle_state(ground.nozzle, "OFFLINE", since=now())
    with pytest.raises(Exception, match="离线"):
        ground.let_loose()
    assert not FleetLeave.objects.exists()
    assert ground.let_loose(ground.nozzles[1])


def test_the_database_lets_nobody_loose_twice_and_keeps_what_was_written(ground: Fleet) -> None:
    ground.reads(TAG)
    ground.reads(CARD)
    leave = ground.let_loose()
    other = Authorisation.objects.create(
        station=ground.station,
        nozzle=ground.nozzles[1],
        valid_until=now(),
        asked_at=now(),
    )
    for told in (
        {"vehicle_at": leave.vehicle_at, "driver_at": now()},
        {"vehicle_at": now(), "driver_at": leave.driver_at},
    ):
        again = FleetLeave.objects.get(pk=leave.pk)
        again.pk, again.number, again.authorisation = None, "FX-2", other
        again.vehicle_at, again.driver_at = told["vehicle_at"], told["driver_at"]
        with pytest.raises(IntegrityError, match="let_loose_once"), transaction.atomic():
            again.save(force_insert=True)
    with pytest.raises(Exception, match="append"), transaction.atomic():
        FleetLeave.objects.update(number="FX-3")


@pytest.mark.django_db(transaction=True)
def test_two_who_press_at_once_let_one_pump_loose() -> None:
    ground = Fleet()
    ground.reads(TAG)
    ground.reads(CARD)
    at, seen = now(), ground.expected()

    def press(nozzle: Any) -> FleetLeave:
        return fleet.let_loose(nozzle=nozzle, actor=ground.sun, at=at, expected=seen)

    told = at_once(*((lambda one=one: press(one)) for one in ground.nozzles))
    kinds = sorted(type(one).__name__ for one in told)
    assert kinds == ["FleetLeave", "NotIdentified"]
    assert Authorisation.objects.count() == FleetLeave.objects.count() == 1


# --------------------------------------------------------------------------- pages


def test_wall_and_phone_say_what_is_missing_and_let_loose(ground: Fleet) -> None:
    manager, sun = make.signed_in(ground.manager), make.signed_in(ground.sun)
    url = reverse("sales:fleet_leave", args=[ground.nozzle.pk])
    ground.sees()
    for client, page in ((manager, "sales:wall"), (sun, "sales:attendant")):
        text = client.get(reverse(page)).content.decode()
        assert "前刷司机卡" in text and "赵" not in text and PLATE not in text
    panel = manager.post(url)
    assert panel.status_code == 422 and "没有放行：还缺司机卡" in panel.content.decode()
    assert "还缺司机卡" in sun.post(url, {"from": "phone"}, follow=True).content.decode()
    ground.reads(CARD)
    opened = manager.get(reverse("sales:car_at", args=[ground.nozzle.pk])).content.decode()
    assert "可以放行" in opened and f"放行给{ground.company}" in opened
    pair = {"expected": ground.expected()}
    assert f'value="{pair["expected"]}"' in opened
    assert f"放行给{ground.company}" in sun.get(reverse("sales:attendant")).content.decode()
    text = sun.post(url, {"from": "phone", **pair}, follow=True).content.decode()
    assert f"已放行：{ground.nozzle}，{ground.company}" in text
    ground.reads(TAG)
    ground.reads(CARD)
    other = reverse("sales:fleet_leave", args=[ground.nozzles[1].pk])
    done = manager.post(other, {"expected": ground.expected()})
    assert done.status_code == 204 and "toast" in done.headers["HX-Trigger"]
    stranger = make.signed_in(make.manager(make.station()))
    assert stranger.post(url).status_code == 404


def test_a_press_counts_for_whom_the_button_named_and_nobody_else(ground: Fleet) -> None:
    other, _, stranger = ground.joins("云南远通物流有限公司", "云B22222", "钱师傅")
    ground.gives(stranger, "7777777777")
    sun, manager = make.signed_in(ground.sun), make.signed_in(ground.manager)
    url = reverse("sales:fleet_leave", args=[ground.nozzle.pk])
    ground.reads(TAG)
    ground.reads(CARD)
    page = sun.get(reverse("sales:attendant")).content.decode()
    posted = {"from": "phone", "expected": ground.expected()}
    assert f'name="expected" value="{posted["expected"]}"' in page
    ground.sees("云B22222")
    ground.reads("7777777777")
    words = "现在识别到的已不是这一对，请看清再放行"
    assert words in sun.post(url, posted, follow=True).content.decode()
    for told in ({"expected": posted["expected"]}, {}, {"expected": "x"}):
        refusal = manager.post(url, told)
        assert refusal.status_code == 422 and words in refusal.content.decode()
    assert not FleetLeave.objects.exists() and not Authorisation.objects.exists()
    sun.post(url, {**posted, "expected": ground.expected()})
    assert FleetLeave.objects.get().company == other


@pytest.mark.parametrize("kept_by", ["FUELLING", "OFFLINE", "AUTHORISED", "leave", "hold"])
def test_nobody_is_asked_to_press_where_the_pump_is_not_free(ground: Fleet, kept_by: str) -> None:
    if kept_by == "leave":
        authorise(nozzle=ground.nozzle, actor=ground.sun, at=now())
    elif kept_by == "hold":
        tank = ground.nozzle.tank
        TankHold.objects.create(
            station=ground.station,
            tank=tank,
            since=now(),
            water_height=Decimal(60),
            water_limit=Decimal(50),
        )
    else:
        make.nozzle_state(ground.nozzle, kept_by, since=now())
    ground.reads(TAG)
    ground.reads(CARD)
    assert ground.words() == "车 云A***45，司机 赵*傅"
    manager, sun = make.signed_in(ground.manager), make.signed_in(ground.sun)
    phone = sun.get(reverse("sales:attendant")).content.decode()
    panel = manager.get(reverse("sales:car_at", args=[ground.nozzle.pk])).content.decode()
    assert "赵*傅" in panel and "放行" not in panel
    free = 0 if kept_by == "hold" else 1  # the other nozzle of the island is free
    assert phone.count("可以放行") == phone.count(f"放行给{ground.company}") == free


def test_a_tile_is_short_where_the_car_stands_above_and_lets_no_busy_pump_loose(
    ground: Fleet,
) -> None:
    ground.reads(TAG)
    tile = wall(station=ground.station, at=now()).tiles[0]
    assert tile.paired == f"{ground.company}：{ground.words()}" and not tile.pairing.offered
    ground.sees()
    ground.reads(CARD)
    ground.let_loose(ground.nozzles[1])
    ground.reads(TAG)
    ground.sees()
    ground.reads(CARD)
    free, busy = wall(station=ground.station, at=now()).tiles
    assert (free.paired, busy.paired) == ("可以放行", "")
    assert free.pairing and busy.pairing
    assert (free.pairing.offered, busy.pairing.offered) == (True, False)
    (pump,) = wall(station=ground.station, at=now()).pumps
    assert pump.car == free.car and pump.pairing is None  # each tile says its own


def test_a_fill_says_at_till_and_wall_for_whom_the_pump_was_let_loose(ground: Fleet) -> None:
    ground.reads(TAG)
    ground.reads(CARD)
    leave = ground.let_loose()
    Authorisation.objects.update(status="USED")
    make.fill(ground.nozzle, authorisation=leave.authorisation, at=now())
    make.fill(ground.nozzles[1], at=now())
    tiles = wall(station=ground.station, at=now()).tiles
    assert [one.fills[0].company for one in tiles] == [str(ground.company), ""]
    session = make.session(ground.station)
    told = pulse(session=session, at=now(), swipes_after=0)["fills"]
    assert sorted(one["company"] for one in told) == ["", str(ground.company)]
    phone = make.signed_in(ground.sun).get(reverse("sales:attendant")).content.decode()
    assert f"· {ground.company}</span>" in phone


def test_a_fleet_is_set_up_on_the_page_of_its_company(ground: Fleet) -> None:
    company = make.company(ground.station, "昆明公交")
    manager = make.signed_in(ground.manager)
    page = reverse("members:company", args=[company.number])

    def post(view: str, /, *args: object, **told: object) -> Any:
        return manager.post(reverse(f"members:{view}", args=[company.number, *args]), told)

    assert "没有启用双重识别" in manager.get(page).content.decode()
    for wrong in ("9", "301", "-1", "x", ""):
        assert post("company_pair", seconds=wrong).status_code == 422
    assert post("company_pair", seconds="90").status_code == 302
    assert post("company_pair", seconds="90").status_code == 302  # the same again is nothing
    assert (
        AuditEntry.objects.filter(action="members.company.pair", document=company.number).count()
        == 1
    )
    car = vehicles.add_vehicle(owner=company, plate="云A88888", at=now(), actor=ground.manager)
    assert post("driver_new", name=" ", vehicle="").status_code == 422
    assert post("driver_new", name="李师傅", vehicle=f"V{ground.car.pk}").status_code == 422
    assert post("driver_new", name="李师傅", vehicle=f"V{car.pk}").status_code == 302
    driver = Driver.objects.get(company=company)
    assert driver.vehicle == car and "李师傅" not in driver.name_sealed
    for owner in (car, driver):
        key = document_of(owner).rpartition("-")[2]
        assert post("fleet_card_new", owner=key, number="!").status_code == 422
        assert post("fleet_card_new", owner=key, number=f"9000{key}").status_code == 302
        assert post("fleet_card_new", owner=key, number=f"9000{key}").status_code == 422
    assert post("fleet_card_new", owner=f"D{ground.driver.pk}", number="9100").status_code == 422
    text = manager.get(page).content.decode()
    assert "90 秒内读到车辆" in text and "李*傅" in text and "只开 云A***88" in text
    card = Card.objects.get(document=document_of(driver))
    assert post("fleet_card_move", card.pk, "LOST").status_code == 302
    card.refresh_from_db()
    assert card.status == "LOST" and "解除挂失" in manager.get(page).content.decode()
    again = reverse("members:fleet_card_move", args=[company.number, card.pk, "LOST"])
    assert "未挂失" in manager.post(again, follow=True).content.decode()
    assert post("fleet_card_move", card.pk, "NONSENSE").status_code == 404
    assert post("fleet_card_move", ground.card.pk, "LOST").status_code == 404
    assert post("driver_remove", driver.pk).status_code == 302
    assert post("driver_remove", driver.pk).status_code == 302
    card.refresh_from_db()
    assert card.status == "CANCELLED"
    assert "还没有司机" in manager.get(page).content.decode()
    assert post("fleet_card_move", card.pk, "ACTIVE").status_code == 404


@pytest.mark.parametrize("status", ["ACTIVE", "LOST"])
def test_a_vehicle_that_is_taken_away_leaves_its_tag_free_for_another(
    ground: Fleet, status: str
) -> None:
    Card.objects.filter(pk=ground.tag.pk).update(status=status)
    manager = make.signed_in(ground.manager)
    url = reverse("members:company_vehicle_remove", args=[ground.company.number, ground.car.pk])
    for _ in range(2):  # twice is once
        assert manager.post(url).status_code == 302
    ground.tag.refresh_from_db()
    assert ground.tag.status == "CANCELLED" and ground.card.status == "ACTIVE"
    told = AuditEntry.objects.filter(action="devices.card.cancelled", document=f"卡 {TAG}")
    assert told.count() == 1
    other = vehicles.add_vehicle(
        owner=ground.company, plate="云A77777", at=now(), actor=ground.manager
    )
    key = document_of(other).rpartition("-")[2]
    again = reverse("members:fleet_card_new", args=[ground.company.number])
    assert manager.post(again, {"owner": key, "number": TAG}).status_code == 302
    ground.reads(TAG)
    assert ground.words().startswith("车 云A***77")


def test_a_driver_has_a_name_and_a_vehicle_of_his_company(ground: Fleet) -> None:
    other, _, _ = ground.joins("云南远通物流有限公司", "云B22222", "钱师傅")
    told = {"company": other, "at": now(), "actor": ground.manager}
    with pytest.raises(members_fleet.DriverRefused, match="请填司机姓名"):
        members_fleet.add_driver(name="　 ", vehicle=None, **told)
    with pytest.raises(members_fleet.DriverRefused, match="不在这个单位名下"):
        members_fleet.add_driver(name="孙师傅", vehicle=ground.car, **told)


def test_a_card_is_issued_to_nobody_who_was_taken_away(ground: Fleet) -> None:
    members_fleet.remove_driver(driver=ground.driver, at=now(), actor=ground.manager)
    gone = Driver.objects.select_related("company").get(pk=ground.driver.pk)
    with pytest.raises(members_fleet.DriverRefused, match="已经移除"):
        ground.gives(gone, "5555555555")
    ground.reads(TAG)
    assert ground.reads(CARD).outcome == "UNKNOWN"
    refused(ground, "司机 赵.* 的卡已注销，请收回")


def test_who_taps_a_void_card_is_not_taken_for_who_tapped_before_him(ground: Fleet) -> None:
    gone = members_fleet.add_driver(
        company=ground.company, name="周师傅", vehicle=None, at=now(), actor=ground.manager
    )
    ground.gives(gone, "9999999999")
    members_fleet.remove_driver(driver=gone, at=now(), actor=ground.manager)
    ground.reads(TAG)
    ground.reads(CARD)
    void = ground.reads("9999999999")
    assert (void.outcome, void.meaning) == ("UNKNOWN", "DRIVER_CARD")
    assert said(void) == "这张卡已注销，请收回"
    assert ground.words() == "不能放行：司机 周*傅 的卡已注销，请收回"
    refused(ground, "司机 周.* 的卡已注销")
    ground.gives(ground.driver, "9999999999")  # the same plastic for another
    ground.reads("9999999999")
    assert ground.let_loose().driver == ground.driver


def test_a_card_that_is_nobodys_hides_the_driver_who_tapped_before(ground: Fleet) -> None:
    ground.reads(TAG)
    ground.reads(CARD)
    ground.reads("1231231231")
    assert ground.words().startswith("不能放行：司机 赵*傅 的卡之后又刷了一张没有登记的卡")
    refused(ground, "没有登记的卡")
    ground.reads(CARD)
    assert ground.let_loose()


def test_a_tag_that_is_nobodys_hides_the_tag_that_was_read_before(ground: Fleet) -> None:
    ReadRule.objects.create(
        station=ground.station,
        position=99,
        medium="CARD",
        pattern="E200[0-9]{4}",
        meaning="VEHICLE_TAG",
    )
    ground.reads(TAG)
    ground.reads(CARD)
    ground.reads("E2001234")
    refused(ground, "的标签之后又刷了一张没有登记的标签")


def test_tags_and_cards_are_known_at_every_station_and_name_nobody_else(ground: Fleet) -> None:
    elsewhere = make.station()
    meant = decide(station=elsewhere, text=TAG, medium="CARD")
    assert (meant.meaning, meant.outcome) == (ReadRule.Meaning.VEHICLE_TAG, "KNOWN")
    assert holders(documents=["", "MS01000001", "C-X1", f"{ground.company.number}-D999999"]) == {}


def test_who_stands_at_the_pumps_costs_the_wall_few_statements(
    ground: Fleet, django_assert_num_queries: Any
) -> None:
    with django_assert_num_queries(4):
        wall(station=ground.station, at=now())
    ground.reads(TAG)
    ground.reads(CARD)
    with django_assert_num_queries(9):
        wall(station=ground.station, at=now())
