"""班次 pages: what each shows, refuses, and leads to."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.urls import reverse

from sales.models import CashMovement, Deposit, SessionTender, ShiftCorrection
from sales.queries.cash import custody
from sales.services import cash, sessions, shifts
from sales.services.shifts import Member
from station.models import BusinessDay, Island, Shift, ShiftPattern, Station, TillSession
from tests import make
from tests.sales.test_worked_shift import closed, counted, handed_over, worked

D = Decimal
pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-06")]


def test_the_first_shift_is_opened_on_a_page_that_shows_the_crew():
    station = make.station()
    nozzle = make.nozzle(station)
    make.reading(nozzle, "1000", kind="OPENING", document="OPEN")
    make.day(station)
    leader, helper = make.cashier(station), make.attendant(station)
    client = make.signed_in(leader)
    assert "还没有开班" in client.get(reverse("sales:shift")).content.decode()
    answer = client.post(
        reverse("sales:shift_open"),
        {
            "leader": leader.username,
            "name": "全天班",
            f"post_{helper.pk}": f"ATTENDANT:{station.islands.get().pk}",
        },
    )
    assert answer.status_code == 302, answer.content.decode()
    shift = Shift.objects.get(station=station)
    assert [(row.user, row.post) for row in shift.crew.order_by("pk")] == [
        (leader, "LEADER"),
        (helper, "ATTENDANT"),
    ]
    page = client.get(reverse("sales:shift")).content.decode()
    assert helper.name in page and "1 号岛" in page


def test_handing_over_on_the_page_ends_tills_and_leads_to_the_close():
    day = worked()
    client = make.signed_in(day.leader)
    page = client.get(reverse("sales:hand_over")).content.decode()
    assert "300.00" in page  # the unpaid fill that passes on
    answer = client.post(
        reverse("sales:hand_over"),
        {
            "shift": day.shift.pk,
            "leader": day.receiver.username,
            "name": "全天班",
            "ends_day": "on",
        },
    )
    assert answer.status_code == 302, answer.content.decode()
    assert answer.headers["Location"] == reverse("sales:shift_close", args=[day.shift.pk])
    following = Shift.objects.get(station=day.shift.station, status="OPEN")
    day.session.refresh_from_db()
    assert day.session.status == TillSession.Status.ENDED
    assert following.leader == day.receiver
    assert following.day != day.shift.day
    assert BusinessDay.objects.get(pk=day.shift.day_id).status == BusinessDay.Status.CUT


def _handed(shift: Shift, receiver, crew=(), hour: int = 12) -> Shift:
    return shifts.hand_over(
        shift=shift,
        receiver=receiver,
        crew=crew,
        at=make.at(hour),
        actor=shift.leader,
        ends_day=False,
    )


def test_the_next_shift_is_filled_in_with_the_crew_that_worked_it_last():
    station = make.station()
    pattern = ShiftPattern.objects.create(name="两班")
    for ordinal, name in enumerate(("早班", "晚班"), start=1):
        pattern.slots.create(ordinal=ordinal, name=name, starts_at="08:00", ends_at="20:00")
    Station.objects.filter(pk=station.pk).update(shift_pattern=pattern)
    station.refresh_from_db()
    day_boss, night_boss = make.cashier(station), make.cashier(station)
    stays, gone, cash = make.attendant(station), make.attendant(station), make.cashier(station)
    island, closed_island = make.island(station), make.island(station)
    early = make.shift(station, leader=day_boss, name="早班")
    client = make.signed_in(day_boss)
    page = client.get(reverse("sales:hand_over"))
    assert "以前没有同名的班" in page.content.decode()
    crew = [
        Member(stays, "ATTENDANT", island),
        Member(gone, "ATTENDANT", closed_island),
        Member(cash, "CASHIER"),
    ]
    night = _handed(early, night_boss, crew)
    _handed(night, day_boss, hour=20)
    Island.objects.filter(pk=closed_island.pk).update(active=False)
    gone.assignments.all().delete()

    page = client.get(reverse("sales:hand_over"))
    form = page.context["form"]
    assert form["name"].value() == "晚班"
    assert form["leader"].value() == night_boss.username
    posts = {one.name: one.value() for one in form.posts}
    assert posts[f"post_{stays.pk}"] == f"ATTENDANT:{island.pk}"
    assert posts[f"post_{cash.pk}"] == "CASHIER"
    assert f"post_{gone.pk}" not in posts  # no longer of this station
    assert posts[f"post_{day_boss.pk}"] == posts[f"post_{night_boss.pk}"] == ""
    assert "按上一个晚班" in page.content.decode()


def test_who_stood_at_an_island_that_is_closed_now_is_proposed_for_the_whole_forecourt():
    station = make.station()
    boss, other, helper = make.cashier(station), make.cashier(station), make.attendant(station)
    island = make.island(station)
    first = make.shift(station, leader=boss, name="全天班")
    second = _handed(first, other, [Member(helper, "ATTENDANT", island)])
    _handed(second, boss, hour=20)
    Island.objects.filter(pk=island.pk).update(active=False)
    form = make.signed_in(boss).get(reverse("sales:hand_over")).context["form"]
    assert form[f"post_{helper.pk}"].value() == "ATTENDANT:"


def test_a_second_handover_from_a_stale_page_is_refused_in_the_form():
    day = worked()
    handed_over(day)
    client = make.signed_in(day.leader)
    answer = client.post(
        reverse("sales:hand_over"),
        {"shift": day.shift.pk, "leader": day.leader.username, "name": "全天班"},
    )
    assert answer.status_code == 422
    assert "已经交班" in answer.content.decode()
    odd = {"shift": "²", "leader": day.leader.username, "name": "全天班"}
    assert client.post(reverse("sales:hand_over"), odd).status_code == 404


def test_what_should_be_there_shows_only_after_the_count():
    day = worked()
    handed_over(day)
    client = make.signed_in(day.leader)
    page = reverse("sales:session", args=[day.session.pk])
    assert "1,384.50" not in client.get(page).content.decode()
    count = reverse("sales:session_count", args=[day.session.pk])
    assert "1,384.50" not in client.get(count).content.decode()
    answer = client.post(
        count,
        {
            "n_100": 13,
            "n_50": 1,
            "n_10": 1,
            "n_1": 4,
            "n_0_5": 1,
            "amount_CARD": "2553.88",
            "slips_CARD": 1,
            "amount_WECHAT": "636.00",
        },
    )
    assert answer.status_code == 302, answer.content.decode()
    shown = client.get(answer.headers["Location"]).content.decode()
    assert "1,384.50" in shown and "短 ¥20.00" in shown


def test_the_shift_report_hides_the_tenders_from_a_cashier_until_the_count():
    day = worked()
    handed_over(day)
    page = reverse("sales:shift_report", args=[day.shift.pk])
    assert "C 收款" not in make.signed_in(day.leader).get(page).content.decode()
    assert "C 收款" in make.signed_in(day.manager).get(page).content.decode()
    counted(day)
    assert "C 收款" in make.signed_in(day.leader).get(page).content.decode()


def test_acceptance_needs_reason_receiver_and_approver_with_their_secrets():
    day = worked()
    handed_over(day)
    counted(day)
    client = make.signed_in(day.leader)
    page = reverse("sales:session_accept", args=[day.session.pk])
    said = {
        "receiver": day.receiver.username,
        "receiver_secret": make.PIN,
        "approver": day.manager.username,
        "approver_secret": make.PIN,
        "reason_CASH": "找错零钱",
    }
    silent = client.post(page, {**said, "reason_CASH": ""})
    wrong = client.post(page, {**said, "receiver_secret": "000000"})
    assert (silent.status_code, wrong.status_code) == (422, 422)
    assert not SessionTender.objects.filter(session=day.session).exists()
    answer = client.post(page, said)
    assert answer.status_code == 302, answer.content.decode()
    cash = SessionTender.objects.get(session=day.session, tender__code="CASH")
    assert (cash.difference, cash.reason) == (D("-20.00"), "找错零钱")


def test_the_close_page_walks_from_dips_to_signatures():
    day = worked()
    handed_over(day)
    counted(day)
    sessions.accept_count(
        session=day.session,
        receiver=day.receiver,
        reasons={"CASH": "找错零钱"},
        approver=day.manager,
        at=make.at(16, 20),
        actor=day.leader,
    )
    client = make.signed_in(day.leader)
    page = reverse("sales:shift_close", args=[day.shift.pk])
    tanks = list(day.shift.station.tanks.order_by("number"))
    for tank in tanks:
        dip = reverse("sales:shift_dip", args=[day.shift.pk, tank.pk])
        assert client.post(dip, {}).status_code == 422
        assert client.post(dip, {"net_l": "0"}).status_code == 302
    assert "已量" in client.get(page).content.decode()
    sign = reverse("sales:shift_sign", args=[day.shift.pk])
    said = {
        "giver_secret": make.PIN,
        "receiver_secret": make.PIN,
        "approver": day.manager.username,
        "approver_secret": make.PIN,
        **{f"tank_{tank.pk}": "首班，罐存未建账" for tank in tanks},
    }
    assert client.post(sign, {**said, "giver_secret": "1"}).status_code == 422
    answer = client.post(sign, said)
    assert answer.status_code == 302, answer.content.decode()
    day.shift.refresh_from_db()
    assert day.shift.status == Shift.Status.CLOSED
    assert client.get(page).status_code == 302


@pytest.mark.parametrize("paper", ["full", "paper", "egs"])
@pytest.mark.parametrize("kind", ["", "xlsx", "csv", "pdf"])
def test_the_shift_report_is_a_page_and_every_kind_of_file(paper, kind):
    day = worked()
    closed(day)
    client = make.signed_in(day.manager)
    address = reverse("sales:shift_paper", args=[day.shift.pk, paper])
    answer = client.get(address, {"export": kind} if kind else {})
    assert answer.status_code == 200
    if kind:
        content = b"".join(answer.streaming_content) if answer.streaming else answer.content
        answer.close()
        assert content.startswith({"xlsx": b"PK", "csv": "\ufeff".encode(), "pdf": b"%PDF"}[kind])
    else:
        page = answer.content.decode()
        assert {"full": "B 油罐", "paper": "付油分类", "egs": "订单付油升数"}[paper] in page
        assert "100,260.00" in page


def test_the_paper_form_keeps_its_columns_and_adds_up():
    day = worked()
    closed(day)
    page = make.signed_in(day.manager).get(
        reverse("sales:shift_paper", args=[day.shift.pk, "paper"])
    )
    table = page.context["report"].tables[1]
    assert [column.label for column in table.columns] == [
        "油品",
        "合计",
        "现金",
        "油票",
        "记账",
        "银行卡",
        "其他1",
        "其他2",
        "IC卡",
        "IC卡积分",
        "已售未提",
        "已提未售",
        "代存代付",
        "油票代管",
        "自用油",
        "非机走",
    ]
    rows = {row[0]: row[1:] for row in table.rows}
    # 走字 less 回罐: 260 − 20 + 80; 410.25
    assert rows["92#"][0] == D("320.000")
    assert rows["0#"][0] == D("410.250")
    assert (rows["0#"][4], rows["0#"][10], rows["0#"][13]) == (
        D("340.250"),
        D("40.000"),
        D("30.000"),
    )


def test_a_correction_stands_beside_the_frozen_figure():
    day = worked()
    closed(day)
    client = make.signed_in(day.manager)
    page = reverse("sales:shift_correct", args=[day.shift.pk])
    key = f"nozzle:{day.nozzles[1].pk}:closing"
    assert (
        client.post(page, {"subject": key, "value": "50080", "reason": "看错"}).status_code == 422
    )
    answer = client.post(page, {"subject": key, "value": "50081", "reason": "泵码抄错一升"})
    assert answer.status_code == 302, answer.content.decode()
    row = ShiftCorrection.objects.get(shift=day.shift)
    assert (row.old_value, row.new_value) == ("50080.000", "50081.000")
    again = client.post(page, {"subject": key, "value": "50082", "reason": "复核"})
    assert again.status_code == 302
    second = ShiftCorrection.objects.filter(shift=day.shift).last()
    assert second.old_value == "50081.000"
    assert day.shift.nozzle_rows.get(nozzle=day.nozzles[1]).closing == D("50080.000")


def test_a_cashier_sees_only_his_own_sessions():
    day = worked()
    other = make.cashier(day.shift.station)
    client = make.signed_in(other)
    assert client.get(reverse("sales:session", args=[day.session.pk])).status_code == 404
    assert day.session.till.name not in client.get(reverse("sales:sessions")).content.decode()


def test_a_stranger_sees_nothing_of_another_station():
    day = worked()
    client = make.signed_in(make.stranger())
    assert client.get(reverse("sales:shift_report", args=[day.shift.pk])).status_code == 404
    assert client.get(reverse("sales:session", args=[day.session.pk])).status_code == 404


@pytest.mark.req("FIN-01")
def test_the_manager_spot_checks_a_till_while_it_sells():
    day = worked()
    page = reverse("sales:session_spot_check", args=[day.session.pk])
    assert "1,384.50" in make.signed_in(day.manager).get(page).content.decode()
    assert make.signed_in(day.leader).get(page).status_code == 403


def test_cash_movements_are_asked_for_a_witness_and_happen_once():
    day = worked()
    client = make.signed_in(day.leader)
    page = reverse("sales:session_cash", args=[day.session.pk])
    said = {"kind": "PAID_OUT", "amount": "8.00", "reason": "买水", "key": "once"}
    assert client.post(page, said).status_code == 422
    said |= {"witness": day.manager.username, "witness_secret": make.PIN}
    for _ in range(2):
        assert client.post(page, said).status_code == 302
    rows = CashMovement.objects.filter(session=day.session, reason="买水")
    assert [row.amount for row in rows] == [D("-8.00")]


@pytest.mark.parametrize("key", ["", "k" * 61])
def test_a_page_without_a_key_of_its_own_moves_no_cash(key: str):
    day = worked()
    client = make.signed_in(day.leader)
    page = reverse("sales:session_cash", args=[day.session.pk])
    said = {"kind": "DROP", "amount": "8.00", "key": key}
    before = CashMovement.objects.count()
    refused = client.post(page, said)
    assert refused.status_code == 422 and "页面不完整" in refused.content.decode()
    assert CashMovement.objects.count() == before
    # the page that says so carries a key, and one that was used is not taken for another amount
    said["key"] = "mine"
    assert [client.post(page, said).status_code for _ in range(2)] == [302, 302]
    again = client.post(page, said | {"amount": "9.00"})
    assert again.status_code == 422 and "已用来登记" in again.content.decode()
    assert CashMovement.objects.count() == before + 1


@pytest.mark.parametrize("key", ["", "k" * 61])
def test_a_page_without_a_key_of_its_own_deposits_nothing(key: str):
    day = worked()
    client = make.signed_in(day.manager)
    drop = CashMovement.objects.get(kind="DROP")
    said = {"chosen": [f"d{drop.pk}"], "amount": "1000.00", "bank": "工商银行", "slip_no": "A-1"}
    refused = client.post(reverse("sales:deposit"), said | {"key": key})
    assert refused.status_code == 422 and "页面不完整" in refused.content.decode()
    assert not Deposit.objects.exists()
    assert client.post(reverse("sales:deposit"), said | {"key": "mine"}).status_code == 302


@pytest.mark.req("FIN-01")
def test_custody_says_who_holds_the_cash_until_the_bank_has_it():
    day = worked()
    closed(day)
    client = make.signed_in(day.manager)
    page = client.get(reverse("sales:custody"))
    custody = page.context["custody"]
    # 1364.50 counted less the float of 500, and 1000 in the safe
    assert custody.total == D("1864.50")
    assert {row.name: row.amount for row in custody.holders} == {
        "保险柜": D("1000.00"),
        day.receiver.name: D("864.50"),
    }
    drop = CashMovement.objects.get(kind="DROP")
    said = {
        "chosen": [f"s{day.session.pk}", f"d{drop.pk}"],
        "amount": "1864.00",
        "bank": "工商银行",
        "slip_no": "A-778",
        "key": "bank-1",
    }
    wrong = client.post(reverse("sales:deposit"), said)
    assert wrong.status_code == 422 and "1864.50" in wrong.content.decode()
    said["amount"] = "1864.50"
    for _ in range(2):  # a double click
        assert client.post(reverse("sales:deposit"), said).status_code == 302
    assert Deposit.objects.get().amount == D("1864.50")
    assert client.get(reverse("sales:custody")).context["custody"].total == 0
    assert "A-778" in client.get(reverse("sales:deposits")).content.decode()


def test_a_bank_slip_entered_twice_is_refused_in_words_and_keeps_the_cash():
    day = worked()
    client = make.signed_in(day.manager)
    for number, (status, left) in enumerate([(302, []), (422, [D(100)])]):
        drop = cash.move(
            session=day.session,
            kind="DROP",
            amount=D(100),
            at=make.at(15, 30),
            actor=day.leader,
            client_key=f"later-{number}",
        )
        said = {
            "chosen": [f"d{drop.pk}"],
            "amount": "100.00",
            "bank": "工商银行",
            "slip_no": "A-778",
            "key": f"bank-{number}",
        }
        answer = client.post(reverse("sales:deposit"), said)
        assert answer.status_code == status
        holdings = custody(station=day.session.station).holdings
        assert [one.amount for one in holdings if one.drop == drop] == left
    assert "A-778 已登记过" in answer.content.decode()


def test_a_cashier_reads_his_own_counts_beside_the_median(monkeypatch):
    day = worked()
    closed(day)
    monkeypatch.setattr("django.utils.timezone.now", lambda: make.at(18))
    page = make.signed_in(day.leader).get(reverse("sales:my_over_short"))
    assert page.status_code == 200 and "20.00" in page.content.decode()
    manager = make.signed_in(day.manager)
    assert manager.get(reverse("sales:over_short_of", args=[day.leader.pk])).status_code == 200
    assert (
        make.signed_in(day.leader)
        .get(reverse("sales:over_short_of", args=[day.receiver.pk]))
        .status_code
        == 403
    )


@pytest.mark.parametrize("rows", [1, 3])
def test_the_shift_list_costs_the_same_for_one_and_three_shifts(
    rows, django_assert_max_num_queries
):
    station = make.station()
    leaders = [make.cashier(station), make.cashier(station)]
    shift = make.shift(station, leader=leaders[0])
    for number in range(1, rows):
        shift = shifts.hand_over(
            shift=shift,
            receiver=leaders[number % 2],
            crew=[],
            at=make.at(8 + number),
            actor=leaders[0],
            ends_day=False,
        )
    client = make.signed_in(make.manager(station))
    client.get(reverse("sales:shifts"))
    with django_assert_max_num_queries(8):
        page = client.get(reverse("sales:shifts"))
    assert len(page.context["page"].rows) == rows
