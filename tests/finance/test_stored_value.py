"""储值 in the figures of a day: owed, moved, tied out, and the same when asked again."""

from __future__ import annotations

from decimal import Decimal

import pytest

from finance.models import DayTender
from finance.queries.figures import day_figures, differences_of, figures_of_facts
from finance.queries.reports.comparing import Comparison
from finance.queries.reports.daily import daily_report
from finance.services.closing import close_day
from members.models import ValueTxn
from sales.services import topping
from station.queries.reporting import Head
from tests import make
from tests.finance.days import end_day, next_session, site

pytestmark = pytest.mark.django_db
D = Decimal


def day_with_value(here):
    till = here.session
    account = make.value_account(at=here.station)
    top = make.top_up(till, account, "1000.00", bonus="50.00")
    fill = make.fill_at(here.station, litres="25.00", unit_price="8.00")
    make.sale(till, [fill], tenders=[("MEMBER", "200.00", account.number)])
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
    return account


@pytest.mark.req("FIN-04", "PAY-04")
def test_a_day_says_what_is_owed_and_its_money_and_ledger_agree() -> None:
    here = site()
    day_with_value(here)
    figures = figures_of_facts(day=here.day)
    assert figures.value is not None
    principal, bonus = figures.value.principal, figures.value.bonus
    assert (principal.opening, principal.topped_up, principal.spent, principal.refunded) == (
        0, D("1000.00"), D("-190.48"), D("-100.00"),
    )  # fmt: skip
    assert (principal.closing, bonus.closing) == (D("709.52"), D("35.48"))
    checks = {check.name: (check.left, check.right) for check in figures.checks}
    assert checks["充值收款 − 储值退款 = 储值本金充值 − 退款"] == (D("900.00"), D("900.00"))
    assert checks["会员储值收款 = 储值消费"] == (D("200.00"), D("200.00"))
    assert all(check.holds for check in figures.checks)
    report = daily_report(
        figures=figures,
        against=Comparison(make.TODAY, None, None, {}),
        head=Head(figures.station, "站长 Wang", make.NOW),
        month_permille=None,
    )
    table = report.tables[-1]
    assert table.title == "十三、储值余额"
    assert [row[-1] for row in table.rows] == [D("709.52"), D("35.48")]


def test_money_without_a_row_of_the_ledger_does_not_hold() -> None:
    here = site()
    account = make.value_account(at=here.station)
    top = make.top_up(here.session, account, "100.00")
    payment = here.session.payments.get(document=top.number)
    type(payment).objects.create(
        station=here.station,
        number=f"{top.number}-P9",
        document=top.number,
        kind="ADVANCE",
        tender=payment.tender,
        amount=D("1.00"),
        session=here.session,
        day=here.day,
        shift=here.session.shift,
        occurred_at=make.NOW,
    )
    broken = [check.name for check in figures_of_facts(day=here.day).checks if not check.holds]
    assert broken == ["充值收款 − 储值退款 = 储值本金充值 − 退款"]


def test_what_is_owed_is_carried_on_and_a_frozen_day_says_the_same_again() -> None:
    here = site()
    account = day_with_value(here)
    day = end_day(here)
    close_day(day=day, actor=here.owner, at=make.at(23), remarks="")
    day.refresh_from_db()
    frozen = day_figures(day=day)
    assert differences_of(frozen, figures_of_facts(day=day)) == []
    assert frozen.value is not None
    assert DayTender.objects.get(day=day, code="MEMBER").fuel == D("200.00")
    tomorrow = next_session(here)
    fill = make.fill_at(here.station, litres="10.00", unit_price="8.00")
    make.sale(tomorrow.session, [fill], tenders=[("MEMBER", "80.00", account.number)])
    value = figures_of_facts(day=tomorrow.day).value
    assert value is not None
    assert value.principal.opening == frozen.value.principal.closing == D("709.52")
    account.refresh_from_db()
    assert (value.principal.closing, value.bonus.closing) == (account.principal, account.bonus)
    with pytest.raises(Exception, match="closed"):
        ValueTxn.objects.create(
            account=account, kind="ADJUST", principal=D("1"), principal_after=account.principal + 1,
            bonus_after=account.bonus, idem="x", document="x", station=here.station, day=day,
            occurred_at=make.NOW,
        )  # fmt: skip
