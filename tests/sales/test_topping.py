"""充值 at the till: money of the drawer, a debt to the customer, and never a sale."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal

import pytest
from django.db import DatabaseError, IntegrityError, connection, transaction
from django.db.models import Model

from finance.queries.figures import figures_of_facts
from members.models import Purchase, TopUpPlan, ValueAccount, ValueTxn
from members.services import value_accounts, value_keeping
from members.services.value_keeping import NotEnoughValue, ValueRefused
from members.services.value_topping import OverLimit, PlanRefused, RealNameNeeded
from sales.models import Payment, Receipt, Sale, SaleLine, TopUp
from sales.queries.mix import shift_mix
from sales.queries.sessions import tender_dues
from sales.queries.topups import paper_of
from sales.services import refunds, topping
from sales.services.settling import SessionEnded, settle
from sales.services.tenders import TenderRefused, change_tender
from station.models import Setting, TillSession
from station.money import ZERO
from tests import make

pytestmark = pytest.mark.django_db
D = Decimal


def spend(till: TillSession, account: ValueAccount, amount: str, **fields: object) -> Sale:
    """A fill of so much, paid by stored value."""
    fill = make.fill_at(till.station, litres="25.00", unit_price="8.00", amount=D(amount))
    ticket = make.ticket(fills=[fill], tenders=[("MEMBER", amount, account.number)], **fields)
    return settle(ticket, session=till, actor=till.cashier, at=make.NOW)


def fresh(account: ValueAccount) -> tuple[Decimal, Decimal]:
    account.refresh_from_db()
    return account.principal, account.bonus


@pytest.mark.req("FIN-04", "PAY-03")
def test_a_top_up_raises_what_is_owed_by_principal_and_bonus_and_no_revenue() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    top = make.top_up(till, account, "1000.00", bonus="50.00")

    assert fresh(account) == (D("1000.00"), D("50.00"))
    assert [(row.kind, row.principal, row.bonus) for row in ValueTxn.objects.order_by("pk")] == [
        ("TOPUP", D("1000.00"), ZERO),
        ("BONUS", ZERO, D("50.00")),
    ]
    paid = Payment.objects.get()
    assert (paid.kind, paid.amount, paid.sale, paid.document) == (
        "ADVANCE", D("1000.00"), None, top.number,
    )  # fmt: skip
    assert not Sale.objects.exists()
    assert not SaleLine.objects.exists()
    assert not Purchase.objects.exists()
    figures = figures_of_facts(day=till.shift.day)
    assert (figures.head.due, figures.fuel_net, figures.shop_net) == (ZERO, ZERO, ZERO)
    assert [(row.code, row.net, row.advance) for row in figures.tenders] == [
        ("CASH", D("1000.00"), D("1000.00"))
    ]
    assert all(check.holds for check in figures.checks)
    assert figures.advances == ()  # nothing of it waits for a pump


@pytest.mark.req("FIN-04", "PAY-01")
def test_revenue_comes_when_the_fuel_is_taken_and_what_is_owed_falls_by_as_much() -> None:
    till = make.session()
    make.fuel_cost(till.station)
    account = make.value_account(at=till.station)
    make.top_up(till, account, "1000.00", bonus="50.00")
    sale = spend(till, account, "200.00")

    # 200 of 1000 : 50 is 190.48 of principal and 9.52 of bonus
    assert fresh(account) == (D("809.52"), D("40.48"))
    row = ValueTxn.objects.get(kind="SPEND")
    assert (row.document, row.principal, row.bonus) == (sale.number, D("-190.48"), D("-9.52"))
    payment = sale.payments.get()
    assert (payment.tender.code, payment.amount, payment.reference) == (
        "MEMBER", D("200.00"), account.number,
    )  # fmt: skip
    figures = figures_of_facts(day=till.shift.day)
    assert figures.fuel_net == D("200.00")
    assert all(check.holds for check in figures.checks)


def test_principal_goes_first_where_the_station_says_so() -> None:
    till = make.session()
    Setting.objects.create(station=till.station, name="members.value_bonus_order", value="1")
    account = make.value_account(at=till.station)
    make.top_up(till, account, "100.00", bonus="10.00")
    spend(till, account, "80.00")
    assert fresh(account) == (D("20.00"), D("10.00"))
    spend(till, account, "25.00")
    assert fresh(account) == (ZERO, D("5.00"))


@pytest.mark.req("PAY-01")
def test_value_card_and_cash_pay_one_sale() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "100.00")
    fill = make.fill_at(till.station, litres="25.00", unit_price="8.00")
    tenders = [("MEMBER", "60.00", account.number), ("CARD", "100.00", "1"), ("CASH", "50.00")]
    sale = settle(
        make.ticket(fills=[fill], tenders=tenders), session=till, actor=till.cashier, at=make.NOW
    )
    assert sum(one.amount for one in sale.payments.all()) == sale.due == D("200.00")
    assert fresh(account) == (D("40.00"), ZERO)


def test_more_than_is_there_is_refused_and_nothing_is_sold() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "100.00", bonus="5.00")
    with pytest.raises(NotEnoughValue, match=r"余额 105\.00 元"):
        spend(till, account, "105.01")
    assert not Sale.objects.exists()
    assert fresh(account) == (D("100.00"), D("5.00"))
    spend(till, account, "105.00")
    assert fresh(account) == (ZERO, ZERO)


def test_two_tenders_of_one_account_are_seen_together() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "100.00")
    fill = make.fill_at(till.station, litres="25.00", unit_price="8.00", amount=D("120.00"))
    two = [("MEMBER", "60.00", account.number), ("MEMBER", "60.00", account.number)]
    with pytest.raises(NotEnoughValue):
        settle(
            make.ticket(fills=[fill], tenders=two), session=till, actor=till.cashier, at=make.NOW
        )


@pytest.mark.req("PAY-03")
@pytest.mark.parametrize(
    ("card", "room", "words"),
    [("", "5000.00", "记名卡限额 5000"), ("A12345678", "1000.00", "不记名卡限额 1000")],
)
def test_the_limit_of_a_card_is_held_to_the_fen_and_the_rule_is_quoted(card, room, words) -> None:
    till = make.session()
    account = make.value_account(at=till.station, card=card)
    make.top_up(till, account, D(room) - D("0.01"))
    with pytest.raises(OverLimit, match=words) as refused:
        make.top_up(till, account, "0.02")
    assert "第十八条" in str(refused.value)
    make.top_up(till, account, "0.01")
    assert account.rows.count() == 2
    with pytest.raises(OverLimit):
        make.top_up(till, account, "0.01")
    assert Payment.objects.count() == 2


@pytest.mark.req("PAY-03")
def test_the_limit_is_a_setting_and_bonus_counts_within_it() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    Setting.objects.create(station=till.station, name="members.value_named_limit", value="1049.99")
    with pytest.raises(OverLimit, match=r"1049\.99"):
        make.top_up(till, account, "1000.00", bonus="50.00")
    Setting.objects.update(value="1050.00")
    make.top_up(till, account, "1000.00", bonus="50.00")


@pytest.mark.req("PAY-03")
def test_a_named_account_needs_papers_unless_the_station_says_not() -> None:
    till = make.session()
    member = make.member(till.station)
    account = value_accounts.open_named(
        member=member, station=till.station, at=make.NOW, actor=till.cashier
    )
    with pytest.raises(RealNameNeeded, match="第十五条"):
        make.top_up(till, account, "100.00")
    Setting.objects.create(station=till.station, name="members.value_named_real_name", value="0")
    make.top_up(till, account, "100.00")


@pytest.mark.req("PAY-03")
def test_ten_thousand_on_bearer_cards_at_once_needs_a_name() -> None:
    till = make.session()
    cards = [make.value_account(at=till.station, card=f"B{n:07d}") for n in range(11)]
    for card in cards[:9]:
        make.top_up(till, card, "1000.00")
    make.top_up(till, cards[9], "999.99")
    with pytest.raises(RealNameNeeded, match=r"10000\.00"):
        make.top_up(till, cards[10], "0.01")
    buyer = make.value_account(at=till.station).member
    asked = topping.Asked(D("1000.00"), make.tenders()["CASH"], buyer=buyer)
    top = topping.top_up(
        account=cards[10], asked=asked, session=till, actor=till.cashier, at=make.NOW, key="k"
    )
    assert top.buyer == buyer
    # an hour later it is another customer
    later = make.value_account(at=till.station, card="B9999999")
    make.top_up(till, later, "1000.00", at=make.NOW + timedelta(hours=1))


def test_the_same_key_is_the_same_top_up_and_another_amount_is_refused() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    first = make.top_up(till, account, "100.00", key="once")
    assert make.top_up(till, account, "100.00", key="once") == first
    TillSession.objects.update(status="ENDED", ended_at=make.NOW)
    assert make.top_up(till, account, "100.00", key="once") == first
    with pytest.raises(ValueRefused, match=first.number):
        make.top_up(till, account, "200.00", key="once")
    assert fresh(account) == (D("100.00"), ZERO)
    with pytest.raises(SessionEnded):
        make.top_up(till, account, "100.00")


def test_a_card_slip_needs_its_number_and_value_does_not_buy_value() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    for code, words in (("CARD", "凭证号"), ("MEMBER", "不能用储值充储值")):
        asked = topping.Asked(D("100.00"), make.tenders()[code])
        with pytest.raises(ValueRefused, match=words):
            topping.top_up(
                account=account,
                asked=asked,
                session=till,
                actor=till.cashier,
                at=make.NOW,
                key=code,
            )
    assert not TopUp.objects.exists()


def test_a_plan_is_for_its_days_its_amount_and_its_kind_of_account() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    plan = TopUpPlan.objects.create(
        name="春节充500送30", amount=D("500"), bonus=D("30"), since=make.TODAY, until=make.TODAY
    )
    asked = topping.Asked(D("500.00"), make.tenders()["CASH"], plan=plan)

    def go(what=asked, at=make.NOW, where=account):
        return topping.top_up(
            account=where, asked=what, session=till, actor=till.cashier, at=at, key=f"{at}{where}"
        )

    for day in (-1, 1):
        with pytest.raises(PlanRefused, match="不在有效期"):
            go(at=make.NOW + timedelta(days=day))
    with pytest.raises(PlanRefused, match="应收 500"):
        go(replace(asked, amount=D("400.00")))
    with pytest.raises(PlanRefused, match="仅记名"):
        go(where=make.value_account(at=till.station, card="C1234567"))
    assert go().bonus == D("30.00")


@pytest.mark.req("MEM-12")
def test_a_lost_or_frozen_account_or_member_neither_pays_nor_is_topped_up() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "100.00")
    say = {"account": account, "reason": "本人电话", "at": make.NOW, "actor": till.cashier}
    value_accounts.report_loss(**say)
    with pytest.raises(ValueRefused, match="已挂失"):
        spend(till, account, "10.00")
    with pytest.raises(ValueRefused, match="已挂失"):
        make.top_up(till, account, "10.00")
    value_accounts.release(**say)
    value_accounts.freeze(**say)
    with pytest.raises(ValueRefused, match="已冻结"):
        spend(till, account, "10.00")
    value_accounts.release(**say)
    type(account.member).objects.update(status="FROZEN")
    with pytest.raises(ValueRefused, match="会员"):
        spend(till, account, "10.00")
    assert fresh(account) == (D("100.00"), ZERO)


@pytest.mark.req("MEM-12")
def test_the_balance_of_a_lost_card_moves_to_the_new_one_once() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "1000.00", bonus="50.00")
    sale = spend(till, account, "105.00")
    say = {"at": make.NOW, "actor": till.cashier}
    with pytest.raises(ValueRefused, match="先挂失"):
        value_accounts.reissue(account=account, card="", day=till.shift.day, **say)
    value_accounts.report_loss(account=account, reason="丢失", **say)
    new = value_accounts.reissue(account=account, card="", day=till.shift.day, **say)
    assert value_accounts.reissue(account=account, card="", day=till.shift.day, **say) == new
    assert (fresh(account), account.status) == ((ZERO, ZERO), "CLOSED")
    assert (fresh(new), new.member) == ((D("900.00"), D("45.00")), account.member)
    with pytest.raises(ValueRefused, match="已注销"):
        spend(till, account, "1.00")
    # what the old card paid comes back to the new one
    refunds.reverse(sale=sale, reason="收错", session=till, key="x", **say)
    assert fresh(new) == (D("1000.00"), D("50.00"))


def test_a_sale_paid_by_value_is_refunded_as_it_came_to_the_fen() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "1000.00", bonus="50.00")
    sale = spend(till, account, "199.99")
    gave = ValueTxn.objects.get(kind="SPEND")
    for turn, amount in enumerate(("33.33", "0.01", "66.65", "100.00")):
        refunds.refund(
            sale=sale,
            lines=[refunds.RefundLine(position=1, amount=D(amount))],
            reason="多收",
            session=till,
            actor=till.cashier,
            at=make.NOW,
            key=f"r{turn}",
        )
    back = ValueTxn.objects.filter(kind="SPEND_CANCEL")
    assert sum(row.principal for row in back) == -gave.principal
    assert sum(row.bonus for row in back) == -gave.bonus
    assert fresh(account) == (D("1000.00"), D("50.00"))
    assert sum(one.amount for one in Payment.objects.filter(tender__code="MEMBER")) == 0


def test_stored_value_is_not_changed_into_another_tender_nor_another_into_it() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "500.00")
    by_value = spend(till, account, "10.00")
    by_cash = make.sale(till, [make.fill_at(till.station)])
    tenders = make.tenders()
    for sale, code in ((by_value, "CASH"), (by_cash, "MEMBER")):
        with pytest.raises(TenderRefused, match="会员储值"):
            change_tender(
                payment=sale.payments.get(),
                tender=tenders[code],
                reference=account.number,
                reason="点错",
                actor=till.cashier,
                at=make.NOW,
            )


def test_the_drawer_and_the_shift_tie_out_with_top_ups_and_value_tenders() -> None:
    till = make.session(float_amount="500.00")
    account = make.value_account(at=till.station)
    top = make.top_up(till, account, "1000.00", bonus="50.00")
    make.top_up(till, account, "300.00", tender="CARD")
    spend(till, account, "200.00")
    make.sale(till, [make.fill_at(till.station, litres="10.00", unit_price="8.00")])
    topping.refund(
        top=top,
        amount=D("100.00"),
        reference="",
        reason="不用了",
        session=till,
        actor=till.cashier,
        at=make.NOW,
        key="back",
    )
    dues = {due.tender.code: due.expected for due in tender_dues(till)}
    assert dues == {"CASH": D("1480.00"), "CARD": D("300.00"), "MEMBER": D("200.00")}
    mix = {row.code: shift_mix(till.shift).tenders[row.pk] for row in make.tenders().values()}
    assert (mix["CASH"].fuel, mix["CASH"].advance) == (D("80.00"), D("900.00"))
    assert (mix["MEMBER"].fuel, mix["MEMBER"].advance) == (D("200.00"), ZERO)
    figures = figures_of_facts(day=till.shift.day)
    assert sum(row.advance for row in figures.tenders) == D("1200.00")
    assert figures.head.due == D("280.00")
    assert all(check.holds for check in figures.checks)


@pytest.mark.req("PAY-04")
def test_bonus_is_taken_back_first_and_what_was_spent_of_it_is_withheld() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    top = make.top_up(till, account, "1000.00", bonus="100.00")
    Setting.objects.create(station=till.station, name="members.value_pin_above", value="9999")
    spend(till, account, "550.00")  # 500 of principal, 50 of bonus
    late = make.NOW + timedelta(days=8)

    def back(amount: str, key: str) -> TopUp:
        return topping.refund(
            top=top, amount=D(amount), reference="", reason="不用了", session=till,
            actor=till.cashier, at=late, key=key,
        )  # fmt: skip

    # 400 of 1000 asks 40 of 100 back: it is there
    first = back("400.00", "a")
    assert (first.principal, first.bonus, first.withheld) == (D("400.00"), D("40.00"), ZERO)
    assert fresh(account) == (D("100.00"), D("10.00"))
    with pytest.raises(ValueRefused, match=r"还能退本金 100\.00"):
        back("100.01", "b")
    # another 100 asks 10 back
    second = back("100.00", "c")
    assert (second.principal, second.bonus, second.withheld) == (D("100.00"), D("10.00"), ZERO)
    assert fresh(account) == (ZERO, ZERO)
    assert back("100.00", "c") == second
    out = sum(-row.amount for row in Payment.objects.filter(kind="REFUND"))
    assert out == D("500.00") == -sum(r.principal for r in ValueTxn.objects.filter(kind="REFUND"))


@pytest.mark.req("PAY-04")
def test_spent_bonus_is_withheld_after_the_first_days_and_not_before() -> None:
    till = make.session()
    Setting.objects.create(station=till.station, name="members.value_pin_above", value="9999")
    for days, paid, withheld in ((7, "800.00", "0.00"), (8, "720.00", "80.00")):
        account = make.value_account(at=till.station, member=make.member(till.station))
        top = make.top_up(till, account, "1000.00", bonus="100.00")
        # principal 200 and all of the bonus are gone
        with transaction.atomic():
            value_spend(till, account, principal="200.00", bonus="100.00")
        made = topping.refund(
            top=top, amount=D("800.00"), reference="", reason="不用了", session=till,
            actor=till.cashier, at=make.NOW + timedelta(days=days), key=f"d{days}",
        )  # fmt: skip
        assert (made.principal, made.withheld, made.bonus) == (D(paid), D(withheld), ZERO)
        assert fresh(account) == (ZERO, ZERO)


def value_spend(till: TillSession, account: ValueAccount, *, principal: str, bonus: str) -> None:
    """Spend exactly these parts, as an order of the station's own would."""
    value_keeping.post(
        account=value_keeping.locked_one(account),
        kind="SPEND",
        principal=-D(principal),
        bonus=-D(bonus),
        document="S-TEST",
        idem=f"spend:{account.pk}",
        day=till.shift.day,
        at=make.NOW,
        actor=till.cashier,
    )


def test_a_receipt_waits_for_the_printer_and_says_the_rule() -> None:
    till = make.session()
    make.printer(till.till)
    account = make.value_account(at=till.station)
    top = make.top_up(till, account, "1000.00", bonus="50.00")
    assert Receipt.objects.get(document=top.number).kind == "TOPUP"
    text = "\n".join(f"{row.left} {row.right}" for row in paper_of(top=top).rows)
    assert "¥1000.00" in text
    assert "收回赠金 50.00 元" in text


def test_the_database_refuses_a_balance_that_its_rows_do_not_make() -> None:
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "100.00")
    for change in ({"principal": D("99.00")}, {"bonus": D("1.00")}):
        with pytest.raises(IntegrityError, match="its rows make"):
            force(ValueAccount, account.pk, change)
    with pytest.raises(DatabaseError, match="append-only"):
        force(ValueTxn, ValueTxn.objects.get().pk, {"principal": D("5.00")})


def force(model: type[Model], pk: int, change: dict[str, object]) -> None:
    """Change a row past every service, as at the end of a transaction."""
    with transaction.atomic(), connection.cursor() as cursor:
        model._default_manager.filter(pk=pk).update(**change)
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
