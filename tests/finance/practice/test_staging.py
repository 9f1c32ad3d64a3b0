"""An attempt from its start to its outcome, with a simulated forecourt that really answers."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import connection
from django.urls import reverse
from django.utils.timezone import now

from devices.models import Alarm, Authorisation, NozzleState
from devices.queries.commands import last_stop
from devices.services import alarms, authorising
from devices.simulator.control import ControlServer
from devices.simulator.forecourt import Forecourt
from finance.queries.practice.scene import Scene
from finance.services.practice import staging, virtual
from finance.services.practice.forecourt import ForecourtAway
from finance.services.practice.furnishing import furnish
from sales.models import FillUse, Prepay, SessionTender
from sales.queries.unpaid import unpaid_fills
from sales.services import prepaying, refunds, sessions
from sales.services.refunds import RefundLine
from station.models import PracticeAttempt, Till
from station.services import practice as signing
from station.services.accounts import check_pin
from tests import make
from tests.finance.practice.kit import Practice, practice
from tests.marketing import offers

pytestmark = [pytest.mark.django_db, pytest.mark.req("IMP-03")]
D = Decimal


@pytest.fixture
def forecourt(tmp_path, settings) -> Iterator[Forecourt]:
    settings.PRACTICE, settings.VAR_DIR, settings.PRACTICE_DIR = True, tmp_path, tmp_path
    made = Forecourt(tmp_path / "sim", cars=False, seed=1, tcp=False)
    control = ControlServer(tmp_path / "sim" / "control", made)
    yield made
    control.close()
    made.stop()


@pytest.fixture
def here(forecourt) -> Practice:
    return practice()


def begin(here: Practice, slug: str) -> PracticeAttempt:
    return staging.start(slug=slug, station=here.station, actor=here.trainee, at=make.NOW)


def go_on(attempt: PracticeAttempt, seconds: int = 1) -> str:
    """Advance, and say what was told last."""
    staging.advance(at=make.NOW + timedelta(seconds=seconds))
    attempt.refresh_from_db()
    return str(attempt.told[-1]["text"])


def flows(here: Practice, litres: str = "5.00") -> None:
    make.nozzle_state(here.nozzle, "FUELLING", litres=D(litres))


def test_the_forecourt_of_practice_has_no_port(forecourt):
    addresses = forecourt.addresses()
    assert all(url.startswith(str(forecourt.folder)) for url in addresses.values())
    assert (forecourt.folder / "line-2").is_symlink()


def test_the_car_comes_and_the_customer_pays_when_it_is_full(here, forecourt):
    attempt = begin(here, "fill")
    assert forecourt.places[1].car.wish.plate == attempt.facts["plate"]
    assert staging.advance(at=make.NOW) == 0
    here.fill("21.00")
    assert "递来现金 ¥200.00" in go_on(attempt)
    assert attempt.stage == 2
    assert staging.advance(at=make.NOW) == 0


def test_who_leaves_unpaid_is_seen_by_his_plate(here, forecourt):
    attempt = begin(here, "drive_off")
    assert not forecourt.places[1].car.wish.pays
    here.fill()
    assert attempt.facts["plate"] in go_on(attempt)


def test_the_line_is_cut_in_mid_fill_and_mended_when_the_alarm_was_seen(here, forecourt):
    attempt = begin(here, "lost_line")
    assert staging.advance(at=make.NOW) == 0
    flows(here)
    assert "断了" in go_on(attempt)
    assert not (forecourt.folder / "line-1").exists()
    assert staging.advance(at=make.NOW + timedelta(seconds=60)) == 0
    alarms.raise_alarm(
        station=here.station,
        kind="LINE",
        subject="一号线",
        text="断",
        at=make.NOW + timedelta(seconds=5),
    )
    alarms.see(alarm=Alarm.objects.get(), actor=here.trainee, at=make.NOW + timedelta(seconds=8))
    assert "接好了" in go_on(attempt, 61)
    assert (forecourt.folder / "line-1").exists()


def test_a_line_that_nobody_looked_after_is_mended_too(here, forecourt):
    attempt = begin(here, "lost_line")
    flows(here)
    go_on(attempt)
    assert "接好了" in go_on(attempt, 92)


def test_the_power_goes_for_heads_and_poller_and_comes_back(here, forecourt):
    attempt = begin(here, "power_cut")
    flows(here)
    assert "停电" in go_on(attempt)
    assert forecourt.switch.exists()
    assert not any(place.pump.powered for place in forecourt.places.values())
    assert "来电" in go_on(attempt, 17)
    assert not forecourt.switch.exists()
    assert all(place.pump.powered for place in forecourt.places.values())


@pytest.mark.parametrize("role", ["CASHIER", "MANAGER"])
def test_after_the_stop_a_manager_releases_or_the_trainee_who_is_one(here, role):
    here.trainee.assignments.update(role=role)
    attempt = begin(here, "stop")
    flows(here)
    assert "有人点烟" in go_on(attempt)
    authorising.stop_all(
        station=here.station, actor=here.trainee, at=make.NOW + timedelta(seconds=3)
    )
    words = go_on(attempt, 14)
    by_himself = role == "MANAGER"
    assert ("请解除急停" in words) is by_himself
    assert (last_stop(here.station) is None) is not by_himself


def test_the_prepaid_car_comes_after_the_money_and_takes_less(here, forecourt):
    attempt = begin(here, "prepay")
    assert forecourt.places[1].car is None
    prepaying.create(
        nozzle=here.nozzle, amount=D(200), tender=make.tenders()["CASH"], reference="", plate="",
        session=here.session, actor=here.trainee, at=make.NOW, key="y1",
    )  # fmt: skip
    go_on(attempt)
    assert forecourt.places[1].car.wish.litres == 12
    Authorisation.objects.update(status="USED")
    make.fill(here.nozzle, "12.00", "8.00", authorisation=Prepay.objects.get().authorisation)
    prepaying.settle_due(at=make.NOW)
    assert "¥104.00" in go_on(attempt)
    staging.finish(attempt=attempt, actor=here.trainee, at=make.NOW)
    assert Prepay.objects.get().refunded_at  # what he forgot is not left for the next one


def test_the_member_names_his_phone_and_his_coupon(here):
    member = make.member(here.station, phone="13812345678")
    offers.coupon(here.station, member, kinds=["FUEL"])
    attempt = begin(here, "member")
    here.fill("33.00")
    words = go_on(attempt)
    assert "13812345678" in words
    assert "满200减20" in words


def test_no_coupon_left_and_empty_shelves_are_said(here):
    with pytest.raises(virtual.NothingLeft, match="券用完了"):
        begin(here, "member")
    with pytest.raises(virtual.NothingLeft, match="货架空了"):
        begin(here, "refund")
    assert not PracticeAttempt.objects.exists()


def test_goods_are_asked_for_and_one_comes_back(here):
    water = make.item(on_hand=24, at=here.station)
    attempt = begin(here, "refund")
    sale = make.sale(here.session, items=[(water, 2)])
    words = go_on(attempt)
    assert "退掉" in words
    assert signing.PIN in words
    refunds.refund(
        sale=sale, lines=[RefundLine(1, quantity=D(1))], reason="未拆封", session=here.session,
        actor=here.trainee, at=make.NOW, key="r1", approver=here.manager,
    )  # fmt: skip
    ended = staging.finish(attempt=attempt, actor=here.trainee, at=make.NOW + timedelta(minutes=1))
    assert (ended.passed, ended.points) == (True, 100)


def test_the_drawer_is_told_and_taken_over_when_it_was_counted(here):
    attempt = begin(here, "count")
    sessions.end_session(session=here.session, at=make.NOW, actor=here.trainee)
    assert "100 元 4 张，50 元 1 张，20 元 2 张" in go_on(attempt)
    sessions.count_session(
        session=here.session, denominations={"100": 4, "50": 1, "20": 2}, slips={}, at=make.NOW,
        actor=here.trainee,
    )  # fmt: skip
    make.cashier(here.station)
    assert "接收了现金" in go_on(attempt)
    assert SessionTender.objects.get(tender__code="CASH").difference == D("-10.00")
    ended = staging.finish(attempt=attempt, actor=here.trainee, at=make.NOW + timedelta(minutes=1))
    assert (ended.passed, ended.points) == (True, 100)


# ------------------------------------------------------------------ beginning and end


def test_without_a_till_a_pump_or_a_forecourt_nothing_begins(here, tmp_path, settings):
    make.nozzle_state(here.nozzle, NozzleState.State.OFFLINE)
    with pytest.raises(staging.NotStarted, match="没有空闲的加油机"):
        begin(here, "fill")
    make.nozzle_state(here.nozzle)
    settings.VAR_DIR = tmp_path / "nowhere"
    with pytest.raises(ForecourtAway, match="没有应答"):
        begin(here, "fill")
    sessions.end_session(session=here.session, at=make.NOW, actor=here.trainee)
    with pytest.raises(staging.NotStarted, match="开收银班"):
        begin(here, "fill")
    assert not PracticeAttempt.objects.exists()


def test_one_scenario_at_a_time_and_what_moves_everything_alone(here):
    begin(here, "fill")
    with pytest.raises(staging.NotStarted, match="先交卷"):
        begin(here, "prepay")
    other = make.session(here.station, make.cashier(here.station), make.till(here.station))
    for slug, why in (("power_cut", "互相影响"), ("drive_off", "没有空闲的加油机")):
        with pytest.raises(staging.NotStarted, match=why):
            staging.start(slug=slug, station=here.station, actor=other.cashier, at=make.NOW)


@pytest.mark.django_db(transaction=True)
def test_a_double_click_begins_once(here):
    gate, came = threading.Barrier(2), []

    def click() -> None:
        gate.wait()
        try:
            came.append(begin(here, "fill"))
        except staging.NotStarted as refused:
            came.append(refused)
        finally:
            connection.close()

    threads = [threading.Thread(target=click) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert PracticeAttempt.objects.count() == 1
    assert sorted(type(one).__name__ for one in came) == ["NotStarted", "PracticeAttempt"]


def test_hints_cost_points_and_end_with_the_last(here):
    attempt = begin(here, "fill")
    for shown in (1, 2, 2):
        assert staging.hint(attempt=attempt, actor=here.trainee, at=make.NOW) == shown
    fill = here.fill("21.00")
    go_on(attempt)
    make.sale(here.session, [fill], tenders=[("CASH", "200.00")])
    ended = staging.finish(attempt=attempt, actor=here.trainee, at=make.NOW)
    assert (ended.passed, ended.points) == (True, 80)


def test_an_end_is_once_and_ones_own(here):
    attempt = begin(here, "fill")
    with pytest.raises(staging.NotRunning):
        staging.finish(attempt=attempt, actor=here.manager, at=make.NOW)
    staging.finish(attempt=attempt, actor=here.trainee, at=make.NOW)
    for deed in (staging.finish, staging.hint):
        with pytest.raises(staging.NotRunning, match="已经交卷"):
            deed(attempt=attempt, actor=here.trainee, at=make.NOW)


def test_when_the_time_is_up_the_worker_ends_it_and_signs_it(here, tmp_path):
    attempt = begin(here, "fill")
    staging.advance(at=make.NOW + timedelta(minutes=6, seconds=1))
    attempt.refresh_from_db()
    assert attempt.passed is False
    assert "没有在 6 分钟内做完" in attempt.findings[-1]["text"]
    assert [staging.report(at=make.NOW) for _ in range(2)] == [1, 0]
    assert (tmp_path / "results" / f"{attempt.key}.txt").exists()


def test_again_begins_with_a_free_pump_and_nothing_unpaid(here, forecourt):
    attempt = begin(here, "power_cut")
    flows(here)
    go_on(attempt)
    make.nozzle_state(here.nozzle)
    here.fill()
    before = here.session.sales.count()
    staging.finish(attempt=attempt, actor=here.trainee, at=make.NOW)
    assert not unpaid_fills(station=here.station).exists()
    assert FillUse.objects.get().reason == "练习收场"
    assert here.session.sales.count() == before
    assert all(place.pump.powered for place in forecourt.places.values())
    assert forecourt.places[1].car is None
    again = begin(here, "power_cut")
    assert Scene(again).fill is None


def test_a_fresh_practice_station_has_tills_and_one_pin_for_all(here):
    furnish(here.station)
    assert Till.objects.filter(station=here.station, name__startswith="练习台").count() == 6
    assert all(till.printers.get().kind == "FILE" for till in Till.objects.filter(number__gte=3))
    here.trainee.refresh_from_db()
    check_pin(user=here.trainee, pin=signing.PIN, at=now())


# ------------------------------------------------------------------ the pages


def test_the_pages_of_an_attempt(here, settings):
    client = make.signed_in(here.trainee)
    index = client.get(reverse("finance:practice")).content.decode()
    assert "收银员的课程" in index
    assert "其他科目" in index
    answer = client.post(reverse("finance:practice_start", args=["fill"]))
    page = client.get(answer["Location"]).content.decode()
    assert "停到" in page
    assert "看一条提示" in page
    told = client.get(answer["Location"], headers={"HX-Request": "true"}).content.decode()
    assert told.lstrip().startswith("<section")
    attempt = PracticeAttempt.objects.get()
    client.post(reverse("finance:practice_hint", args=[attempt.key]))
    assert "待付款" in client.get(answer["Location"]).content.decode()
    client.post(reverse("finance:practice_finish", args=[attempt.key]))
    assert "未通过" in client.get(answer["Location"]).content.decode()
    over = client.post(reverse("finance:practice_hint", args=[attempt.key]))
    assert over.status_code == 422
    polled = client.get(answer["Location"], headers={"HX-Request": "true"})
    assert polled["HX-Refresh"] == "true"
    others = make.signed_in(here.manager).get(answer["Location"])
    assert others.status_code == 404
    assert client.post(reverse("finance:practice_start", args=["nothing"])).status_code == 404


def test_a_refused_start_says_why_on_the_page(here):
    sessions.end_session(session=here.session, at=make.NOW, actor=here.trainee)
    answer = make.signed_in(here.trainee).post(reverse("finance:practice_start", args=["fill"]))
    assert answer.status_code == 422
    assert "先在收银台“开收银班”" in answer.content.decode()
