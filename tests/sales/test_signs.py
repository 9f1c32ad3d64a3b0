"""改牌: a rise begins at the price sign, a fall at the pumps; nobody pays more than the sign says."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from threading import Barrier

import pytest
from django.db import connections
from django.urls import reverse

from devices.models import Alarm, Command, DispenserWiring, Line, PriceSign, SignRow
from devices.protocols import table
from devices.queries import site as wired
from sales.models import PriceDownload, SignStep
from sales.queries import pricing as asked
from sales.services import price_downloads, pricing, signs
from station.models import Alert, AuditEntry, PriceLine
from station.queries.prices import price_at
from tests import make
from tests.sales.test_pricing import MIDNIGHT, Site

pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-05")]
Y = Decimal
S = timedelta(seconds=1)


def sign_at(station, *grades, kind="LINE", name="进站口价格牌"):
    line = None
    if kind == "LINE":
        line = Line.objects.create(
            station=station, name=name, url=f"/dev/{name}", protocol=table.PRICESIGN, parity="N"
        )
    sign = PriceSign.objects.create(station=station, name=name, kind=kind, line=line)
    for number, grade in enumerate(grades, 1):
        SignRow.objects.create(sign=sign, row=number, grade=grade)
    return sign


class Signed(Site):
    """The same station with a price sign for both grades."""

    def __init__(self, kind="LINE"):
        super().__init__()
        self.sign = sign_at(self.station, self.g92, self.g95, kind=kind)

    def change(self, p92=None, p95=None, effective_at=MIDNIGHT):
        prices = {self.g92: p92 and Y(p92), self.g95: p95 and Y(p95)}
        change = self.approved(
            prices={grade: price for grade, price in prices.items() if price},
            effective_at=effective_at,
        )
        pricing.put_due(at=effective_at)
        return change

    def price(self, grade, at=MIDNIGHT + timedelta(hours=1)):
        return price_at(station=self.station, grade=grade, at=at)

    def step(self, change, grade):
        return SignStep.objects.get(change=change, grade=grade)


def end(kind, status="DONE", at=MIDNIGHT + S, answer="", **more):
    Command.objects.filter(kind=kind, status="WAITING", **more).update(
        status=status, finished_at=at, answer=answer
    )


def orders(kind):
    return Command.objects.filter(kind=kind).count()


@pytest.fixture
def site():
    return Signed()


def test_a_rise_goes_to_the_sign_and_to_the_pumps_when_it_is_there(site):
    change = site.change(p92="8.00")
    step = site.step(change, site.g92)
    assert (step.order, step.status) == ("SIGN_FIRST", "ASKED")
    order = Command.objects.get(kind="SIGN")
    assert order.arguments == {"line": site.sign.line_id, "row": 1, "price": "8.00"}
    assert orders("PRICE") == 0 and site.price(site.g92) == Y("7.85")
    signs.follow_up(at=MIDNIGHT + S)
    assert orders("PRICE") == 0  # no word from the sign yet
    end("SIGN", at=MIDNIGHT + 2 * S)
    for _ in range(2):
        signs.follow_up(at=MIDNIGHT + 3 * S)
    assert orders("PRICE") == 2  # both nozzles, once
    assert site.price(site.g92, at=MIDNIGHT + S) == Y("7.85")
    assert site.price(site.g92, at=MIDNIGHT + 2 * S) == Y("8.00")  # from the sign's word on
    assert SignRow.objects.get(row=1).shown == Y("8.00")
    assert {row.old_price for row in PriceDownload.objects.all()} == {Y("7.85")}


def test_a_fall_goes_to_the_pumps_and_to_the_sign_when_all_have_read_it_back(site):
    change = site.change(p92="7.60")
    assert site.price(site.g92, at=MIDNIGHT) == Y("7.60")
    assert (orders("PRICE"), orders("SIGN")) == (2, 0)
    first = PriceDownload.objects.order_by("pk").first()
    end("PRICE", pk=first.command_id)
    price_downloads.follow_up(at=MIDNIGHT + S)
    signs.follow_up(at=MIDNIGHT + S)
    assert site.step(change, site.g92).status == "WAITING" and orders("SIGN") == 0
    end("PRICE")
    price_downloads.follow_up(at=MIDNIGHT + 2 * S)
    for _ in range(2):
        signs.follow_up(at=MIDNIGHT + 2 * S)
    assert orders("SIGN") == 1
    end("SIGN", at=MIDNIGHT + 3 * S)
    signs.follow_up(at=MIDNIGHT + 3 * S)
    assert site.step(change, site.g92).status == "SHOWN"


def test_one_change_that_rises_and_falls_takes_each_grade_its_own_way(site):
    change = site.change(p92="8.00", p95="8.10")
    assert {one.grade.code: one.order for one in asked.sign_steps(change)} == {
        "92#": "SIGN_FIRST",
        "95#": "PUMPS_FIRST",
    }
    assert (site.price(site.g92), site.price(site.g95)) == (Y("7.85"), Y("8.10"))
    assert list(PriceDownload.objects.values_list("nozzle", flat=True)) == [site.third.pk]
    board = {row.grade.code: row for row in asked.price_board(station=site.station, at=MIDNIGHT)}
    assert board["92#"].waiting.price == Y("8.00") and board["95#"].waiting is None


def test_a_grade_on_no_sign_rises_to_the_second(site):
    SignRow.objects.filter(grade=site.g92).update(grade=None)
    site.change(p92="8.00")
    assert site.price(site.g92, at=MIDNIGHT) == Y("8.00") and orders("PRICE") == 2
    assert not SignStep.objects.exists()


def test_the_line_is_told_of_a_planned_fall_and_not_of_a_rise_that_waits_for_the_sign(site):
    head = site.first.dispenser
    line = Line.objects.create(station=site.station, name="一号线", url="/dev/p1", protocol="DART")
    DispenserWiring.objects.create(dispenser=head, line=line, address=0x50)

    def known():
        [pumps] = [one for one in wired.wiring(at=make.NOW) if one.id == line.pk]
        return [str(price.price) for price in pumps.points[0].nozzles[0].prices]

    site.approved(prices={site.g92: Y("7.60")})
    assert known() == ["7.85", "7.60"]
    site.approved(prices={site.g92: Y("7.70")}, effective_at=MIDNIGHT + timedelta(days=1))
    assert known() == ["7.85", "7.60"]  # above the planned 7.60: a rise
    site.approved(prices={site.g92: Y("7.50")}, effective_at=MIDNIGHT + timedelta(days=2))
    assert known() == ["7.85", "7.60", "7.50"]


def test_a_dead_sign_is_told_again_and_again_then_alarms_and_a_person_goes_on_without_it(site):
    change = site.change(p92="8.00")
    step = site.step(change, site.g92)
    for turn in range(1, 40):
        at = MIDNIGHT + turn * 6 * S
        end("SIGN", status="FAILED", at=at - S, answer="价格牌没有应答")
        signs.follow_up(at=at)
    step.refresh_from_db()
    assert step.attempts > 10 and step.last_error == "价格牌没有应答"
    alert = Alert.objects.get(key=f"sign:{step.pk}")
    assert (alert.level, alert.count) == ("CRITICAL", 1) and "油枪仍按原价" in alert.text
    with pytest.raises(signs.ReasonMissing):
        signs.override(step=step, reason=" ", actor=site.approver, at=at)
    signs.override(step=step, reason="牌坏了，已贴纸", actor=site.approver, at=at)
    with pytest.raises(signs.StepOver):
        signs.override(step=step, reason="再按一次", actor=site.approver, at=at)
    assert site.price(site.g92, at=at) == Y("8.00") and orders("PRICE") == 2
    entry = AuditEntry.objects.get(action="sales.sign.overridden")
    assert (entry.document, entry.reason) == (change.number, "牌坏了，已贴纸")
    assert entry.after["次序"] == "先改牌，后改枪"
    assert Alert.objects.get(key=f"sign:{step.pk}").status == "CLEARED"


def test_a_fall_does_not_wait_for_ever_for_a_pump_that_is_out_of_order(site):
    change = site.change(p95="8.10")
    step = site.step(change, site.g95)
    signs.override(step=step, reason="3 号枪在修", actor=site.approver, at=MIDNIGHT + S)
    step.refresh_from_db()
    assert (step.status, orders("SIGN")) == ("ASKED", 1)
    assert AuditEntry.objects.filter(action="sales.sign.not_waited").count() == 1


def test_a_person_changes_a_manual_sign_and_says_so():
    site = Signed(kind="MANUAL")
    change = site.change(p92="8.00", p95="8.10")
    rise, fall = site.step(change, site.g92), site.step(change, site.g95)
    assert orders("SIGN") == 0
    assert "改成 8.00" in Alert.objects.get(key=f"sign:{rise.pk}").text
    with pytest.raises(signs.StepOver, match="油枪都改完"):
        signs.confirm(step=fall, actor=site.approver, at=MIDNIGHT + S)
    for _ in range(2):
        signs.confirm(step=rise, actor=site.approver, at=MIDNIGHT + S)
    assert site.price(site.g92) == Y("8.00")
    assert SignRow.objects.get(grade=site.g92).shown == Y("8.00")
    assert AuditEntry.objects.filter(action="sales.sign.confirmed").count() == 1
    end("PRICE")
    price_downloads.follow_up(at=MIDNIGHT + 2 * S)
    signs.follow_up(at=MIDNIGHT + 2 * S)
    signs.confirm(step=fall, actor=site.approver, at=MIDNIGHT + 3 * S)
    assert set(SignStep.objects.values_list("status", flat=True)) == {"SHOWN"}


def test_nobody_confirms_a_sign_that_speaks_for_itself(site):
    step = site.step(site.change(p92="8.00"), site.g92)
    with pytest.raises(signs.NotByHand):
        signs.confirm(step=step, actor=site.approver, at=MIDNIGHT + S)


def test_a_later_price_overtakes_a_rise_that_still_waits(site):
    first = site.change(p92="8.20")
    later = site.change(p92="8.00", effective_at=MIDNIGHT + timedelta(hours=1))
    at = MIDNIGHT + timedelta(hours=1) + S
    assert site.step(first, site.g92).status == "SUPERSEDED"
    end("SIGN", at=at)
    signs.follow_up(at=at)
    assert site.price(site.g92, at=at) == Y("8.00")
    assert PriceLine.objects.get(change=first).held  # it never was a price
    assert {row.change_id for row in PriceDownload.objects.all()} == {later.pk}


def test_a_rise_waits_for_every_sign_of_its_grade(site):
    sign_at(site.station, site.g92, name="出站口价格牌")
    change = site.change(p92="8.00")
    one, two = asked.sign_steps(change)
    end("SIGN", pk=one.command_id)
    signs.follow_up(at=MIDNIGHT + S)
    assert orders("PRICE") == 0
    end("SIGN", pk=two.command_id)
    signs.follow_up(at=MIDNIGHT + 2 * S)
    assert orders("PRICE") == 2


def test_a_sign_that_shows_something_else_is_set_again_and_alarms_when_it_does_not_obey(site):
    row = SignRow.objects.get(row=1)
    SignRow.objects.filter(row=2).update(shown="8.40", heard_at=make.NOW)
    SignRow.objects.filter(pk=row.pk).update(shown=None, heard_at=make.NOW)
    assert signs.keep_right(at=make.NOW) == 1
    assert signs.keep_right(at=make.NOW) == 0  # under way
    assert Command.objects.get(kind="SIGN").arguments["price"] == "7.85"
    end("SIGN", status="FAILED", at=make.NOW, answer="价格牌显示的是 全暗")
    for _ in range(2):
        signs.keep_right(at=make.NOW + S)
    alarm = Alarm.objects.get(kind="SIGN")
    assert (alarm.subject, alarm.count) == (str(row), 1)
    later = make.NOW + timedelta(seconds=40)
    SignRow.objects.filter(pk=row.pk).update(heard_at=later)
    assert signs.keep_right(at=later) == 1
    SignRow.objects.filter(pk=row.pk).update(shown="7.85", heard_at=later)
    assert signs.keep_right(at=later) == 0
    assert Alarm.objects.get(kind="SIGN").status == "CLEARED"


def test_a_silent_sign_is_not_set_and_a_sign_under_way_is_left_to_its_change(site):
    SignRow.objects.update(shown=None, heard_at=make.NOW - timedelta(minutes=1))
    assert signs.keep_right(at=make.NOW) == 0
    site.change(p92="7.60", p95="8.10")
    SignRow.objects.update(shown="7.85", heard_at=MIDNIGHT + S)
    assert signs.keep_right(at=MIDNIGHT + S) == 0  # the pumps have the lower price, not all of them


def test_the_page_shows_where_each_step_stands_and_takes_the_word(site):
    change = site.change(p92="8.00", p95="8.10")
    step = site.step(change, site.g92)
    page = make.signed_in(site.approver)
    href = reverse("sales:price_change", args=[change.number])
    text = page.get(href).content.decode()
    for words in ("先改牌，后改枪", "先改枪，后改牌", "待改牌", "等油枪改完", "不等牌，先改枪"):
        assert words in text
    answer = page.post(reverse("sales:sign_override", args=[step.pk]), {"reason": ""})
    assert answer.status_code == 422 and "为什么不等" in answer.content.decode()
    answer = page.post(reverse("sales:sign_override", args=[step.pk]), {"reason": "牌坏了"})
    assert answer.url == href
    assert "人工放行" in page.get(href).content.decode()
    board = page.get(reverse("sales:prices")).content.decode()
    assert "进站口价格牌" in board
    cashier = make.signed_in(make.cashier(site.station))
    assert cashier.post(reverse("sales:sign_override", args=[step.pk])).status_code == 403
    refused = cashier.post(reverse("sales:sign_confirm", args=[step.pk]))
    assert refused.status_code == 422 and "联机的" in refused.content.decode()
    stranger = make.signed_in(make.manager(make.station()))
    assert stranger.post(reverse("sales:sign_confirm", args=[step.pk])).status_code == 404


def together(*acts):
    """Run at once, each on a connection of its own; that one was too late does not matter."""
    barrier = Barrier(len(acts))

    def run(act):
        try:
            barrier.wait()
            with suppress(signs.StepOver):
                act()
        finally:
            connections.close_all()

    with ThreadPoolExecutor(len(acts)) as pool:
        list(pool.map(run, acts))


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.django_db(transaction=True)
def test_two_signs_a_person_and_two_workers_at_once_release_a_rise_exactly_once(turn):
    site = Signed(kind="MANUAL")
    sign_at(site.station, site.g92, name="出站口价格牌", kind="MANUAL")
    change = site.change(p92="8.00")
    one, two = asked.sign_steps(change)
    at = MIDNIGHT + S
    together(
        lambda: signs.confirm(step=one, actor=site.approver, at=at),
        lambda: signs.confirm(step=two, actor=site.approver, at=at),
        lambda: signs.override(step=two, reason="等不及", actor=site.approver, at=at),
        lambda: signs.follow_up(at=at),
    )
    downloads = PriceDownload.objects.filter(change=change)
    assert downloads.count() == 2 and {row.attempts for row in downloads} == {1}
    assert not PriceLine.objects.get(change=change).held


@pytest.mark.parametrize("turn", range(3))
@pytest.mark.django_db(transaction=True)
def test_putting_a_sign_right_never_overtakes_a_fall_that_begins_in_that_instant(turn):
    site = Signed()
    SignRow.objects.filter(sign=site.sign).update(shown="7.00", heard_at=MIDNIGHT)
    change = site.approved(prices={site.g92: Y("7.60")})
    together(
        lambda: pricing.put_into_force(change=change, at=MIDNIGHT),
        lambda: signs.keep_right(at=MIDNIGHT),
        lambda: signs.keep_right(at=MIDNIGHT),
    )
    told = Command.objects.filter(kind="SIGN", arguments__row=1, station=site.station)
    assert {row.arguments["price"] for row in told} <= {"7.85"}  # never below the pumps
    assert told.count() <= 1
