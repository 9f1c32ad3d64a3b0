"""The car that a camera saw: whose it is on wall and phone, put right in two taps, registered."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from devices.models import PlateRead
from devices.services import cameras, plates
from members.models import Member, Tier
from members.queries.plates import owners
from members.services import vehicles
from sales.queries import cars as asked
from sales.queries.wall import wall
from station.services import sealing
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("DEV-04")]
PLATE = "云A12345"


class Forecourt:
    def __init__(self, nozzles=2):
        self.station = make.station()
        make.day(self.station, date=now().date(), opened_at=now())
        self.nozzles = [make.nozzle(self.station, make.grade(c)) for c in ("92#", "95#")[:nozzles]]
        for one in self.nozzles:
            make.nozzle_state(one, "IDLE", since=now())
        self.island = self.nozzles[0].dispenser.island
        self.manager = make.manager(self.station)
        self.sun = make.attendant(self.station)
        values = {
            "name": "摄像头",
            "kind": "PUSH",
            "island": self.island,
            "nozzle": None,
            "folder": "",
            "active": True,
        }
        self.camera = cameras.save_camera(
            row=None, values=values, at=now(), actor=self.manager, station=self.station
        )

    def sees(self, plate=PLATE, at=None, nozzle=None):
        event = plates.Event(f"e{PlateRead.objects.count()}", plate, at or now(), nozzle=nozzle)
        return plates.record_plate(camera=self.camera, event=event, at=at or now())[0]

    def tiles(self):
        return wall(station=self.station, at=now()).tiles


@pytest.fixture
def ground():
    return Forecourt()


def gold(member: Member) -> None:
    tier = Tier.objects.create(code="GOLD", name="金卡", rank=2)
    member.tiers.create(tier=tier, since=now() - timedelta(days=1), reason="MANUAL")


def test_the_member_of_a_plate_stands_on_the_wall_and_on_the_phone(ground):
    member = make.member(ground.station, "张建国", plate=PLATE)
    gold(member)
    ground.sees()
    words = [(tile.car.masked, tile.car.words) for tile in ground.tiles() if tile.car]
    assert words == [("云A***45", "张*国 金卡")] * 2
    phone = make.signed_in(ground.sun).get(reverse("sales:attendant")).content.decode()
    assert "云A***45" in phone and "张*国" in phone
    assert PLATE not in phone and "张建国" not in phone
    screen = make.signed_in(ground.manager).get(reverse("sales:wall")).content.decode()
    assert "云A***45 张*国 金卡" in screen and PLATE not in screen
    panel = make.signed_in(ground.sun).get(reverse("sales:car_at", args=[ground.nozzles[0].pk]))
    assert "张*国" in panel.content.decode()


def test_a_tile_changes_when_a_car_comes_and_the_car_leaves_after_five_minutes(ground):
    empty = ground.tiles()[0].digest
    ground.sees()
    assert ground.tiles()[0].digest != empty
    later = wall(station=ground.station, at=now() + timedelta(minutes=6))
    assert [tile.car for tile in later.tiles] == [None, None]


def test_a_nozzle_that_the_camera_names_has_its_own_car(ground):
    ground.sees("云B11111")
    ground.sees(PLATE, nozzle=ground.nozzles[1].number)
    assert [tile.car.masked for tile in ground.tiles()] == ["云B***11", "云A***45"]
    ground.sees("云C22222")  # the next one at the island
    assert [tile.car.masked for tile in ground.tiles()] == ["云C***22", "云A***45"]


def test_a_fleet_car_names_its_company_and_an_unknown_one_says_so(ground):
    company = make.company(ground.station)
    vehicles.add_vehicle(
        owner=company, plate=PLATE, at=now(), actor=ground.manager, grade=make.grade("0#")
    )
    ground.sees()
    assert ground.tiles()[0].car.words == f"单位车 {company.name} 常加 0#"
    ground.sees("云B11111")
    car = ground.tiles()[0].car
    assert (car.words, car.owner, car.priority) == ("未登记车牌", None, "")


@pytest.mark.req("MEM-05")
def test_a_tier_that_goes_first_marks_the_tile(ground):
    member = make.member(ground.station, plate=PLATE)
    gold(member)
    Tier.objects.get(code="GOLD").benefits.create(
        kind="PRIORITY", words="走 1 号道", since=now() - timedelta(days=1)
    )
    ground.sees()
    assert ground.tiles()[0].priority == "金卡 走 1 号道"
    assert "优先：金卡 走 1 号道" in (
        make.signed_in(ground.sun).get(reverse("sales:attendant")).content.decode()
    )


def test_the_usual_grade_is_what_he_mostly_takes(ground):
    member = make.member(ground.station, plate=PLATE)
    for n, product in enumerate(("95#", "95#", "92#")):
        member.purchases.create(
            station=ground.station,
            day=make.day(ground.station),
            document=f"S{n}",
            line=1,
            occurred_at=now() - timedelta(days=n + 1),
            kind="FUEL",
            product=product,
            quantity="30",
            net="240",
        )
    index = sealing.blind_index("plate", PLATE)
    assert owners(indexes=[index], at=now())[index].usual == "95#"
    Member.objects.filter(pk=member.pk).update(status="FROZEN")
    assert owners(indexes=[index], at=now())[index].words.endswith("常加 95# 已冻结")
    assert owners(indexes=["", "nobody"], at=now()) == {} == owners(indexes=[], at=now())


def test_a_wrong_plate_is_put_right_in_two_taps(ground):
    make.member(ground.station, "张建国", plate="云AD2348")
    read = ground.sees("云A0234B")
    client = make.signed_in(ground.sun)
    pumps = client.get(reverse("sales:attendant")).content.decode()
    opened = re.search(r'href="(/sales/cars/\d+/)">更正或登记', pumps)
    assert opened
    page = client.get(opened[1]).content.decode()  # tap 1
    assert "云A0234B" in page and "张*国" in page
    offered = re.search(r'name="plate" value="(云AD2348)"', page)
    assert offered
    assert client.post(opened[1], {"plate": offered[1]}).status_code == 302  # tap 2
    read.refresh_from_db()
    assert read.corrected_by == ground.sun and read.confused == "0D,B8"
    assert ground.tiles()[0].car.words == "张*国"
    assert client.post(opened[1], {"plate": "what"}).status_code == 422
    assert client.post(opened[1], {"plate": ""}).status_code == 422


def test_only_registered_plates_are_offered_and_the_place_is_never_swapped():
    tried = asked.variants("云A0234B")
    assert "云AD2348" in tried and "云A0234B" not in tried
    assert all(one[0] == "云" for one in tried) and len(tried) < 200


def test_an_unknown_car_is_registered_with_its_plate_and_no_plate_stands_in_an_address(ground):
    read = ground.sees()
    li = make.signed_in(make.cashier(ground.station))
    page = li.get(reverse("sales:car", args=[read.pk])).content.decode()
    joining = re.search(r'href="([^"]*\?read=\d+)"', page)
    assert joining and "12345" not in joining[1]
    assert f'value="{PLATE}"' in li.get(joining[1]).content.decode()
    assert PLATE not in li.get(reverse("members:join") + "?read=²").content.decode()
    attendant = make.signed_in(ground.sun)
    page = attendant.get(reverse("sales:car", args=[read.pk])).content.decode()
    assert "?read=" not in page


def test_after_half_an_hour_and_at_another_station_no_plate_is_shown_in_full(ground):
    read = ground.sees()
    PlateRead.objects.filter(pk=read.pk).update(occurred_at=now() - timedelta(minutes=40))
    client, url = make.signed_in(ground.sun), reverse("sales:car", args=[read.pk])
    page = client.get(url).content.decode()
    assert PLATE not in page and "云A***45" in page
    assert client.post(url, {"plate": "云B11111"}).status_code == 422
    li = make.signed_in(make.cashier(ground.station))
    assert PLATE not in li.get(f"{reverse('members:join')}?read={read.pk}").content.decode()
    stranger = make.signed_in(make.manager(make.station()))
    assert stranger.get(url).status_code == 404
    elsewhere = reverse("sales:car_at", args=[ground.nozzles[0].pk])
    assert stranger.get(elsewhere).status_code == 404
    plates.forget(reads=[read], at=now())
    assert "（已销毁）" in client.get(url).content.decode()


def test_cars_cost_the_wall_one_statement_more_however_many(django_assert_num_queries):
    ground = Forecourt()
    for nozzle in ground.nozzles:
        ground.sees(PLATE, nozzle=nozzle.number)
    make.member(ground.station, plate=PLATE)
    with django_assert_num_queries(5):
        ground.tiles()
