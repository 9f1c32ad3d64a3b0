"""调价: planned, approved by another, in force to the second, read back from every pump."""

from datetime import date, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connections

from devices.models import Command, TotalizerReading
from sales.models import PriceDownload
from sales.queries import pricing as asked
from sales.services import price_downloads, pricing
from sales.tasks import put_due_prices
from station.models import Alert, AuditEntry, Message, PriceCeiling, PriceChange
from station.queries.prices import price_at
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-05")]
MIDNIGHT = make.at(0, day=date(2026, 4, 23))
Y = Decimal


class Site:
    """A station with two nozzles of 92# and one of 95#, selling at 7.85 and 8.40."""

    def __init__(self):
        self.first = make.nozzle()
        self.station = self.first.station
        self.second = make.nozzle(self.station)
        self.third = make.nozzle(self.station, make.grade("95#"))
        self.g92, self.g95 = self.first.tank.grade, self.third.tank.grade
        make.price(self.station, self.g92, "7.85")
        make.price(self.station, self.g95, "8.40")
        self.planner = make.accountant(self.station)
        self.approver = make.manager(self.station)

    def plan(self, prices=None, effective_at=MIDNIGHT, at=make.NOW, actor=None):
        return pricing.plan(
            station=self.station,
            prices=prices or {self.g92: Y("7.60"), self.g95: Y("8.10")},
            effective_at=effective_at,
            actor=actor or self.planner,
            at=at,
            note="发改委 4 月 22 日",
        )

    def approved(self, **fields):
        return pricing.approve(change=self.plan(**fields), actor=self.approver, at=make.NOW)

    def ceiling(self, price, grade=None, since=MIDNIGHT):
        return PriceCeiling.objects.create(
            zone=self.station.price_zone,
            grade=grade or self.g92,
            ceiling=Y(price),
            effective_at=since,
            notice="云发改价格〔2026〕12 号",
        )


@pytest.fixture
def site():
    return Site()


def finish(status="DONE", at=None, answer=""):
    Command.objects.filter(kind="PRICE", status="WAITING").update(
        status=status, finished_at=at or MIDNIGHT + timedelta(seconds=1), answer=answer
    )


def test_a_plan_keeps_old_and_new_price_and_leaves_out_what_stays(site):
    change = site.plan({site.g92: Y("7.60"), site.g95: Y("8.40")})
    assert list(change.lines.values_list("grade__code", "old_price", "price")) == [
        ("92#", Y("7.85"), Y("7.60"))
    ]
    assert change.number.startswith(f"PC{site.station.code}-0-20260422-")
    assert AuditEntry.objects.get().after["92#"] == "7.60"


def test_plans_that_are_none_are_refused(site):
    diesel = make.grade("0#")
    refusals = {
        "已过": {"effective_at": make.NOW - timedelta(seconds=1)},
        "没有一个油品": {"prices": {site.g92: Y("7.85")}},
        "本站不卖": {"prices": {diesel: Y("7.00")}},
        "不是两位小数": {"prices": {site.g92: Y("7.605")}},
        "合理价格": {"prices": {site.g92: Y("760")}},
    }
    for words, fields in refusals.items():
        with pytest.raises(pricing.PlanRefused, match=words):
            site.plan(**fields)
    site.plan()
    with pytest.raises(pricing.PlanRefused, match="同一时刻"):
        site.plan({site.g92: Y("7.50")})
    assert PriceChange.objects.filter(status="PLANNED").count() == 1


def test_a_price_above_the_ceiling_of_its_instant_is_refused_and_at_the_ceiling_is_not(site):
    site.ceiling("8.61", since=make.at(0))
    site.ceiling("7.60")
    with pytest.raises(pricing.AboveCeiling, match="云发改价格"):
        site.plan({site.g92: Y("7.61")})
    assert site.plan({site.g92: Y("7.61")}, effective_at=make.at(12)).status == "PLANNED"
    assert site.plan({site.g92: Y("7.60")}).status == "PLANNED"


def test_a_ceiling_published_after_the_plan_stops_the_approval(site):
    change = site.plan()
    site.ceiling("7.59")
    with pytest.raises(pricing.AboveCeiling):
        pricing.approve(change=change, actor=site.approver, at=make.NOW)


def test_the_planner_does_not_approve_and_a_decision_is_taken_once(site):
    change = site.plan()
    with pytest.raises(pricing.NotYours):
        pricing.approve(change=change, actor=site.planner, at=make.NOW)
    pricing.approve(change=change, actor=site.approver, at=make.NOW)
    for act in (
        lambda: pricing.approve(change=change, actor=site.approver, at=make.NOW),
        lambda: pricing.reject(change=change, actor=site.approver, at=make.NOW, reason="不"),
    ):
        with pytest.raises(pricing.ChangeIsOver):
            act()
    assert Command.objects.get().kind == "REWIRE"


def test_a_change_is_rejected_or_withdrawn_with_a_reason_and_never_comes_into_force(site):
    first = site.plan()
    with pytest.raises(pricing.PlanRefused, match="驳回原因"):
        pricing.reject(change=first, actor=site.approver, at=make.NOW, reason=" ")
    pricing.reject(change=first, actor=site.approver, at=make.NOW, reason="算错了")
    told = Message.objects.get(recipient=site.planner)
    assert first.number in told.subject and told.text == f"{site.approver.name} 驳回：算错了"
    second = site.approved()
    with pytest.raises(pricing.PlanRefused, match="撤销原因"):
        pricing.withdraw(change=second, actor=site.approver, at=make.NOW, reason="")
    with pytest.raises(pricing.ChangeIsOver, match="执行时间已到"):
        pricing.withdraw(change=second, actor=site.approver, at=MIDNIGHT, reason="晚了")
    pricing.withdraw(change=second, actor=site.approver, at=make.NOW, reason="通知撤回")
    assert pricing.put_due(at=MIDNIGHT) == 0
    assert price_at(station=site.station, grade=site.g92, at=MIDNIGHT) == Y("7.85")


def test_at_midnight_to_the_second_every_pump_of_the_grades_is_sent_its_price(site):
    change = site.approved()
    assert pricing.put_due(at=MIDNIGHT - timedelta(seconds=1)) == 0
    assert price_at(station=site.station, grade=site.g92, at=MIDNIGHT) == Y("7.85")
    assert pricing.put_due(at=MIDNIGHT) == 1
    before = MIDNIGHT - timedelta(seconds=1)
    assert price_at(station=site.station, grade=site.g92, at=MIDNIGHT) == Y("7.60")
    assert price_at(station=site.station, grade=site.g92, at=before) == Y("7.85")
    rows = change.downloads.order_by("nozzle__number").values_list(
        "nozzle__number", "old_price", "price", "status", "command__arguments"
    )
    assert list(rows) == [
        (1, Y("7.85"), Y("7.60"), "WAITING", {"price": "7.60"}),
        (2, Y("7.85"), Y("7.60"), "WAITING", {"price": "7.60"}),
        (3, Y("8.40"), Y("8.10"), "WAITING", {"price": "8.10"}),
    ]
    assert pricing.put_due(at=MIDNIGHT) == 0
    assert pricing.put_into_force(change=change, at=MIDNIGHT) is False
    assert Command.objects.filter(kind="PRICE").count() == 3


def test_a_change_approved_late_counts_from_its_approval_not_before(site):
    change = site.plan(effective_at=make.at(11))
    late = make.at(11, 30)
    pricing.approve(change=change, actor=site.approver, at=late)
    put = pricing.put_due(at=late)
    assert put == 1
    assert price_at(station=site.station, grade=site.g92, at=make.at(11, 29)) == Y("7.85")
    assert price_at(station=site.station, grade=site.g92, at=late) == Y("7.60")


def test_a_price_read_back_is_done_with_its_totalizer_as_the_segments_edge(site):
    make.fill(site.first, "20", at=make.at(23), totalizer_after="1020")
    change = site.approved()
    pricing.put_due(at=MIDNIGHT)
    finish()
    price_downloads.follow_up(at=MIDNIGHT + timedelta(seconds=2))
    download = change.downloads.get(nozzle=site.first)
    assert (download.status, download.totalizer) == ("DONE", Y("1020.000"))
    kept = TotalizerReading.objects.get(nozzle=site.first, kind="PRICE")
    assert (kept.litres, kept.document) == (Y("1020.000"), change.number)
    assert change.downloads.get(nozzle=site.third).totalizer is None  # never heard
    price_downloads.follow_up(at=MIDNIGHT + timedelta(seconds=3))
    assert TotalizerReading.objects.filter(kind="PRICE").count() == 1


def test_a_fill_under_way_at_midnight_ends_at_its_own_price_and_before_the_edge(site):
    make.fill(site.first, "20", at=make.at(23), totalizer_after="1020")
    change = site.approved()
    pricing.put_due(at=MIDNIGHT)
    over = MIDNIGHT + timedelta(minutes=2)
    make.fill(site.first, "40", "7.85", at=over, totalizer_after="1060")
    make.fill(site.first, "10", "7.60", at=over + timedelta(minutes=3), totalizer_after="1070")
    finish(at=over + timedelta(minutes=4))
    price_downloads.follow_up(at=over + timedelta(minutes=5))
    assert change.downloads.get(nozzle=site.first).totalizer == Y("1060.000")


def test_what_failed_is_sent_again_after_a_while_and_said_aloud(site):
    change = site.approved()
    pricing.put_due(at=MIDNIGHT)
    at = MIDNIGHT
    for attempt in range(1, 5):
        at += timedelta(seconds=30)
        finish("FAILED", at=at, answer="加油机没有应答")
        price_downloads.follow_up(at=at + timedelta(seconds=1))
        download = change.downloads.get(nozzle=site.first)
        assert (download.attempts, download.status) == (attempt, "FAILED")
        assert download.last_error == "加油机没有应答"
        price_downloads.follow_up(at=at + timedelta(seconds=5 * attempt))
        download.refresh_from_db()
        assert download.attempts == attempt + 1
    assert Alert.objects.filter(status="OPEN", kind="sales.price").count() == 3
    finish(at=at + timedelta(seconds=60))
    price_downloads.follow_up(at=at + timedelta(seconds=61))
    assert not change.downloads.exclude(status="DONE", last_error="").exists()
    assert not Alert.objects.filter(status="OPEN").exists()


def test_an_order_no_poller_took_is_void_and_sent_again(site):
    change = site.approved()
    pricing.put_due(at=MIDNIGHT)
    later = MIDNIGHT + timedelta(seconds=61)
    price_downloads.follow_up(at=later)
    assert set(change.downloads.values_list("last_error", flat=True)) == {"超时未下发，已作废"}
    price_downloads.follow_up(at=later + timedelta(seconds=5))
    assert Command.objects.filter(kind="PRICE", status="WAITING").count() == 3


def test_a_later_price_takes_the_place_of_one_that_never_arrived(site):
    first = site.approved()
    pricing.put_due(at=MIDNIGHT)
    finish("FAILED")
    second = site.approved(prices={site.g92: Y("7.70")}, effective_at=MIDNIGHT + timedelta(hours=1))
    pricing.put_due(at=MIDNIGHT + timedelta(hours=1))
    live = asked.live_downloads().values_list("change__number", "nozzle__number")
    assert sorted(live) == [
        (first.number, 3),
        (second.number, 1),
        (second.number, 2),
    ]
    words = [row.word for row in asked.pump_prices(first)]
    assert words == ["已被新价取代", "已被新价取代", "下发中"]


def test_what_a_change_does_is_told_before_it_is_made(site):
    make.fill(site.first, "1000", at=make.at(9))
    site.ceiling("7.70")
    (effect,) = asked.effects(
        station=site.station, prices={site.g92: Y("7.60")}, effective_at=MIDNIGHT, at=make.NOW
    )
    assert (effect.old, effect.step, effect.room) == (Y("7.85"), Y("-0.25"), Y("0.10"))
    assert (effect.litres_30d, effect.what_if) == (Y("1000.000"), Y("-250.00"))
    assert effect.revaluation == effect.tank_litres * Y("-0.25")
    assert effect.margin_new is None  # no cost is known yet


def test_the_board_shows_what_holds_and_what_comes(site):
    site.approved()
    board = asked.price_board(station=site.station, at=make.NOW)
    assert [(row.grade.code, row.price, row.next_price, row.next_at) for row in board] == [
        ("92#", Y("7.85"), Y("7.60"), MIDNIGHT),
        ("95#", Y("8.40"), Y("8.10"), MIDNIGHT),
    ]


def test_the_task_of_each_second_puts_and_follows(site):
    change = site.plan(effective_at=make.at(11))
    pricing.approve(change=change, actor=site.approver, at=make.at(11, 30))
    put_due_prices()
    change.refresh_from_db()
    assert change.status == "IN_FORCE"
    assert PriceDownload.objects.count() == 3


@pytest.mark.django_db(transaction=True)
def test_two_approvals_and_two_workers_at_once_put_one_price_into_force(site):
    change = site.plan(effective_at=make.at(11))
    other = make.owner(site.station)
    start, refused = Barrier(4), []

    def approve(who):
        try:
            start.wait()
            pricing.approve(change=change, actor=who, at=make.NOW)
        except pricing.ChangeIsOver:
            refused.append(who)
        finally:
            connections.close_all()

    race([lambda: approve(site.approver), lambda: approve(other)] * 2)
    assert len(refused) == 3
    assert AuditEntry.objects.filter(action="sales.price.approved").count() == 1
    race([lambda: put(make.at(11))] * 4)
    assert PriceDownload.objects.count() == 3
    assert Command.objects.filter(kind="PRICE").count() == 3


def put(at):
    pricing.put_due(at=at)
    price_downloads.follow_up(at=at)
    connections.close_all()


def race(acts):
    threads = [Thread(target=act) for act in acts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
