"""不记名卡: good for three years at least; what is left on one that is over is renewed or moved, never lost."""

from __future__ import annotations

from datetime import date, datetime, timedelta
from decimal import Decimal

import pytest
from django.db import IntegrityError, transaction
from django.utils.timezone import localdate, now

from members.models import ValueAccount
from members.queries.value import adds_up
from members.queries.value_expiry import last_day
from members.services import value_accounts, value_expiry
from members.services.value_keeping import CardOver, ValueRefused
from members.tasks import warn_bearer_cards
from sales.queries.topups import paper_of
from sales.services import refunds, topping
from sales.services.settling import settle
from station.models import Alert, AuditEntry, Setting, TillSession
from station.services import settings
from station.services.settings import BadValue
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("PAY-03")]
D = Decimal
CARD = "A12345678"
AFTER = make.NOW.replace(year=make.NOW.year + 3) + timedelta(days=1)


def card_with(amount: str = "300.00") -> tuple[TillSession, ValueAccount]:
    """A bearer card that was topped up when it was sold."""
    till = make.session()
    make.tenders()
    account = make.value_account(at=till.station, card=CARD)
    make.top_up(till, account, amount)
    account.refresh_from_db()
    return till, account


def sell(till: TillSession, amount: str, card: str, at: datetime):
    wash = make.item(f"洗车{amount}", price=amount, kind="SERVICE")
    ticket = make.ticket(items=[(wash, 1)], tenders=[("MEMBER", amount, card)])
    return settle(ticket, session=till, actor=till.cashier, at=at)


@pytest.mark.parametrize(
    ("on", "until"),
    [
        (date(2026, 4, 22), date(2029, 4, 22)),
        (date(2028, 2, 29), date(2031, 3, 1)),
        (date(2025, 3, 1), date(2028, 3, 1)),
    ],
)
def test_the_last_day_is_the_same_day_years_later(on: date, until: date):
    assert last_day(on=on, years=3) == until


def test_a_bearer_card_has_a_last_day_and_a_named_account_none():
    till, account = card_with()
    named = make.value_account(at=till.station)
    assert account.expires_on == last_day(on=make.TODAY, years=3)
    assert named.expires_on is None
    assert (account.is_over(account.expires_on), named.is_over(date.max)) == (False, False)
    assert account.is_over(account.expires_on + timedelta(days=1))
    for pk, day in (
        (account.pk, None),
        (account.pk, account.expires_on - timedelta(days=1)),
        (named.pk, account.expires_on),
    ):
        with pytest.raises(IntegrityError, match="a_bearer_card"), transaction.atomic():
            ValueAccount.objects.filter(pk=pk).update(expires_on=day)


def test_the_years_are_a_setting_that_the_law_does_not_let_below_three():
    station, name = make.station(), "members.value_bearer_years"
    boss = make.manager(station)
    for told in ("2", "0", "2.5", "-3"):
        with pytest.raises(BadValue):
            settings.change(name=name, station=station, value=told, at=make.NOW, actor=boss)
    with pytest.raises(BadValue, match="不得少于 3 年"):
        settings.change(name=name, station=station, value="2", at=make.NOW, actor=boss)
    settings.change(name=name, station=station, value="5", at=make.NOW, actor=boss)
    account = make.value_account(at=station, card=CARD)
    assert account.expires_on == last_day(on=make.TODAY, years=5)


def test_the_last_day_stands_on_the_receipt_and_at_the_till():
    till, account = card_with()
    rows = [(row.left, row.right) for row in paper_of(top=account.top_ups.get()).rows]
    assert ("有效期至", str(account.expires_on)) in rows
    client = make.signed_in(till.cashier)
    told = client.get("/sales/till/value/", {"text": CARD}).json()["account"]
    assert (told["until"].startswith("2029-04-22"), told["state"]) == (True, "")
    page = client.get(f"/members/value/{CARD}/").content.decode()
    assert "有效期至" in page
    assert "已过期" not in page


def test_a_card_that_is_over_neither_pays_nor_is_topped_up_and_keeps_what_is_on_it():
    till, account = card_with()
    last = make.NOW.replace(year=make.NOW.year + 3)
    sold = sell(till, "50.00", CARD, last)  # the last day itself is good
    for _ in range(2):
        with pytest.raises(CardOver, match=r"余额 250\.00 元还在"):
            sell(till, "20.00", CARD, AFTER)
    with pytest.raises(CardOver, match="没有充值"):
        make.top_up(till, account, "100.00", at=AFTER)
    refunds.reverse(
        sale=sold, session=till, reason="错", actor=till.cashier, at=AFTER, key="r1"
    )  # what comes back comes back
    account.refresh_from_db()
    assert account.balance == D("300.00")
    top = account.top_ups.get()
    topping.refund(
        top=top,
        amount=D("100.00"),
        reference="",
        reason="顾客要求",
        session=till,
        actor=till.cashier,
        at=AFTER,
        key="back",
    )
    account.refresh_from_db()
    assert account.balance == D("200.00")
    assert adds_up(account)


def test_it_is_renewed_from_the_day_of_renewing_once_and_pays_again():
    till, account = card_with()
    boss = make.manager(till.station)
    with pytest.raises(ValueRefused, match="才到期"):
        value_expiry.renew(account=account, at=make.NOW + timedelta(days=99), actor=boss)
    for _ in range(2):
        held = value_expiry.renew(account=account, at=AFTER, actor=boss)
        assert held.expires_on == last_day(on=localdate(AFTER), years=3)
    assert AuditEntry.objects.filter(action="members.value.renewed").count() == 1
    sell(till, "20.00", CARD, AFTER)
    named = make.value_account(at=till.station)
    with pytest.raises(ValueRefused, match="没有有效期"):
        value_expiry.renew(account=named, at=AFTER, actor=boss)


def test_a_few_weeks_before_its_end_it_is_renewed_too():
    till, account = card_with()
    boss, early = make.manager(till.station), AFTER - timedelta(days=40)
    held = value_expiry.renew(account=account, at=early, actor=boss)
    assert held.expires_on == last_day(on=localdate(early), years=3)


def test_what_is_on_a_card_that_is_over_goes_to_a_new_one_whole():
    till, account = card_with()
    boss, day = make.manager(till.station), till.shift.day
    with pytest.raises(ValueRefused, match="没有挂失或冻结"):
        value_accounts.reissue(account=account, card="B7654321", day=day, at=make.NOW, actor=boss)
    for _ in range(2):
        new = value_accounts.reissue(
            account=account, card="B7654321", day=day, at=AFTER, actor=boss
        )
    account.refresh_from_db()
    new.refresh_from_db()
    assert (account.status, account.balance) == ("CLOSED", 0)
    assert (new.kind, new.balance) == ("BEARER", D("300.00"))
    assert new.expires_on == last_day(on=localdate(AFTER), years=3)
    assert adds_up(account)
    assert adds_up(new)
    with pytest.raises(ValueRefused, match="已换成新卡"):
        value_expiry.renew(account=account, at=AFTER, actor=boss)
    sell(till, "20.00", "B7654321", AFTER)


def test_a_named_account_that_is_issued_anew_has_no_last_day():
    till = make.session()
    account, boss = make.value_account(at=till.station), make.manager(till.station)
    make.top_up(till, account, "300.00")
    value_accounts.report_loss(account=account, reason="丢了", at=make.NOW, actor=boss)
    new = value_accounts.reissue(
        account=account, card="", day=till.shift.day, at=make.NOW, actor=boss
    )
    new.refresh_from_db()
    assert (new.kind, new.expires_on) == ("NAMED", None)


def over_now(account: ValueAccount) -> ValueAccount:
    """A card that was sold more than three years ago."""
    ValueAccount.objects.filter(pk=account.pk).update(
        opened_at=now() - timedelta(days=4 * 365), expires_on=localdate() - timedelta(days=9)
    )
    account.refresh_from_db()
    return account


def test_the_manager_is_told_finds_them_and_renews_them_on_the_page():
    till, account = card_with()
    empty = make.value_account(at=till.station, card="E00000001")
    over_now(account)
    over_now(empty)
    for _ in range(2):
        warn_bearer_cards()
    [alert] = Alert.objects.filter(kind="不记名卡到期")
    assert "1 张不记名卡" in alert.text
    assert "300.00 元" in alert.text
    boss = make.signed_in(make.manager(till.station))
    listed = boss.get(alert.url).content.decode()
    assert CARD in listed
    assert empty.number not in listed
    assert CARD in boss.get("/members/value/?life=over").content.decode()
    page = f"/members/value/{CARD}/"
    assert "已过期" in boss.get(page).content.decode()
    client = make.signed_in(till.cashier)
    told = client.get("/sales/till/value/", {"text": CARD}).json()["account"]
    assert "激活或换卡" in told["state"]
    assert client.post(f"{page}renew/").status_code == 403
    assert boss.post(f"{page}renew/").status_code == 302
    assert "已过期" not in boss.get(page).content.decode()
    assert CARD not in boss.get("/members/value/?life=soon").content.decode()
    warn_bearer_cards()
    alert.refresh_from_db()
    assert alert.status == "CLEARED"


def test_a_card_is_exchanged_on_its_page():
    till, account = card_with()
    over_now(account)
    boss = make.signed_in(make.manager(till.station))
    page = f"/members/value/{CARD}/"
    assert "换卡" in boss.get(page).content.decode()
    answer = boss.post(f"{page}reissue/", {"card": ""})
    assert (answer.status_code, "新卡上的卡号" in answer.content.decode()) == (422, True)
    answer = boss.post(f"{page}reissue/", {"card": "B7654321"})
    assert answer["Location"] == "/members/value/B7654321/"
    assert ValueAccount.objects.get(number="B7654321").balance == D("300.00")


def test_how_many_days_before_is_a_setting():
    till, account = card_with()
    Setting.objects.create(
        station=till.station, name="members.value_bearer_warn_days", value="2000"
    )
    warn_bearer_cards()
    assert Alert.objects.filter(kind="不记名卡到期").count() == 1
    assert (
        account.number
        in make.signed_in(make.manager(till.station))
        .get("/members/value/?life=soon")
        .content.decode()
    )
