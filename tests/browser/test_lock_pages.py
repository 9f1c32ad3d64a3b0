"""锁价's pages in a real browser: form, list and one of them at both widths, and the member's phone."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now
from playwright.sync_api import expect

from tests import make
from tests.browser.conftest import Look
from tests.marketing.offers import lock

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.req("SAL-17")
@pytest.mark.parametrize("width", [1440, 390])
def test_the_pages_of_locked_prices_stand(look: Look, width: int) -> None:
    station = make.station()
    until = now() + timedelta(days=30)
    made = lock(station, make.member(station), valid_until=until, at=now())
    waits = lock(station, make.member(station), litres="2000", valid_until=until, at=now())
    page = look.at(width, as_=make.manager(station)).open(reverse("marketing:locks"))
    expect(page.locator("body")).to_contain_text(made.number)
    look.check()
    look.shoot("locks")
    look.open(reverse("marketing:lock_new"))
    look.check()
    look.shoot("lock-new")
    look.open(reverse("marketing:lock", args=[made.pk]))
    look.check()
    look.shoot("lock")
    look.open(reverse("marketing:lock", args=[waits.pk]))
    expect(page.get_by_role("button", name="批准")).to_be_visible()
    look.check()
