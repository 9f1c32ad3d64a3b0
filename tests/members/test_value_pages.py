"""储值账户: its pages, what is done on them, and what is owed."""

from __future__ import annotations

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.utils.timezone import localdate

from members.models import TopUpPlan, ValueAccount
from members.queries.value_liability import liability
from station.models import AuditEntry
from tests import make

pytestmark = pytest.mark.django_db
D = Decimal


@pytest.fixture
def topped():
    till = make.session()
    account = make.value_account(at=till.station)
    make.top_up(till, account, "1000.00", bonus="50.00")
    fill = make.fill_at(till.station, litres="25.00", unit_price="8.00")
    make.sale(till, [fill], tenders=[("MEMBER", "200.00", account.number)])
    return till, account


def test_the_ledger_is_told_in_words(topped) -> None:
    till, account = topped
    client = make.signed_in(till.cashier)
    page = client.get(f"/members/value/{account.number}/").content.decode()
    assert "充值 1000.00 元" in page
    assert "赠送 50.00 元" in page
    assert "消费 200.00 元（本金 190.48，赠金 9.52）" in page
    assert client.get(f"/members/value/{account.number}/ledger/").status_code == 200
    assert account.number in client.get("/members/value/").content.decode()
    other = make.signed_in(make.stranger())
    assert other.get(f"/members/value/{account.number}/").status_code == 404


@pytest.mark.req("MEM-12")
def test_a_cashier_reports_a_loss_and_a_manager_issues_a_new_card(topped) -> None:
    till, account = topped
    cashier = make.signed_in(till.cashier)
    base = f"/members/value/{account.number}"
    assert cashier.post(f"{base}/lose/", {"reason": ""}).status_code == 422
    assert cashier.post(f"{base}/lose/", {"reason": "本人来电"}).status_code == 302
    account.refresh_from_db()
    assert account.status == "LOST"
    assert cashier.post(f"{base}/reissue/", {"card": ""}).status_code == 403
    manager = make.signed_in(make.manager(till.station))
    answer = manager.post(f"{base}/reissue/", {"card": "K-2026-0001"})
    assert answer["Location"] == "/members/value/K20260001/"
    new = ValueAccount.objects.get(number="K20260001")
    assert (new.principal, new.bonus) == (D("809.52"), D("40.48"))
    assert "从 " in manager.get("/members/value/K20260001/").content.decode()
    assert AuditEntry.objects.filter(document=account.number).count() == 3


def test_a_pin_is_six_figures_that_are_not_plain(topped) -> None:
    till, account = topped
    client = make.signed_in(make.manager(till.station))
    for pin, again, status in (
        ("123456", "123456", 422), ("888888", "888888", 422), ("12a456", "12a456", 422),
        ("258036", "258037", 422), ("258036", "258036", 302),
    ):  # fmt: skip
        answer = client.post(f"/members/value/{account.number}/pin/", {"pin": pin, "again": again})
        assert answer.status_code == status, pin
    assert not AuditEntry.objects.filter(after__icontains="258036").exists()


def test_plans_are_kept_on_a_page_of_their_own(topped) -> None:
    till, _ = topped
    client = make.signed_in(make.manager(till.station))
    form = {"name": "充500送20", "amount": "500", "bonus": "20", "audience": "NAMED",
            "since": "2026-01-01", "until": "", "position": "1", "active": "on"}  # fmt: skip
    assert client.post("/members/value/plans/new/", {**form, "bonus": "501"}).status_code == 422
    assert client.post("/members/value/plans/new/", form).status_code == 302
    plan = TopUpPlan.objects.get(name="充500送20")
    assert (
        client.post(f"/members/value/plans/{plan.pk}/", {**form, "bonus": "30"}).status_code == 302
    )
    plan.refresh_from_db()
    assert plan.bonus == D("30.00")


@pytest.mark.req("FIN-04")
def test_what_is_owed_is_told_by_principal_and_bonus_for_any_day(topped) -> None:
    till, _ = topped
    told = liability(stations=[till.station], since=make.TODAY, until=make.TODAY)
    assert (told.principal.opening, told.principal.topped_up, told.principal.spent) == (
        0, D("1000.00"), D("-190.48"),
    )  # fmt: skip
    assert (told.principal.closing, told.bonus.closing) == (D("809.52"), D("40.48"))
    later = make.TODAY + timedelta(days=1)
    after = liability(stations=[till.station], since=later, until=later)
    assert (after.principal.opening, after.principal.closing) == (D("809.52"), D("809.52"))
    before = liability(
        stations=[till.station],
        since=make.TODAY - timedelta(days=9),
        until=make.TODAY - timedelta(days=1),
    )
    assert before.closing == 0
    client = make.signed_in(make.accountant(till.station))
    page = client.get("/members/value/liability/", {"since": make.TODAY, "until": make.TODAY})
    text = page.content.decode()
    assert "809.52" in text
    assert "161.90" in text  # 20 % of it is to be kept apart
    assert client.get("/members/value/liability/", {"export": "csv"}).status_code in (200, 302)
    usual = client.get("/members/value/liability/").content.decode()
    today = localdate()
    for name, day in (("since", today.replace(day=1)), ("until", today)):
        field = re.search(rf'<input[^>]*name="{name}"[^>]*>', usual)
        assert field is not None
        assert f'value="{day:%Y-%m-%d}"' in field[0]  # the period in force stands in the fields


def test_a_member_with_value_left_is_not_forgotten(topped) -> None:
    till, account = topped
    client = make.signed_in(make.manager(till.station))
    number = account.member.number
    answer = client.post(f"/members/{number}/forget/", {"reason": "本人要求"})
    assert (answer.status_code, "还有储值 850.00 元" in answer.content.decode()) == (422, True)
