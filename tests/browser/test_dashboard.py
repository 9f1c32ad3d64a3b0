"""The dashboard moves by itself: who watches it sees a sale a moment after it is paid."""

from __future__ import annotations

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from devices.models import Fill
from tests import make
from tests.browser.conftest import Look
from tests.browser.test_till import ready

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.req("RPT-10")
def test_a_sale_shows_on_the_open_dashboard_within_five_seconds(look: Look) -> None:
    till = ready()
    page = look.at(1440, as_=make.manager(till.station)).open(reverse("finance:dashboard"))
    board = page.locator("#dash")
    expect(board).not_to_contain_text("200.00")
    fill = Fill.objects.order_by("occurred_at", "pk").first()
    make.sale(till, [fill], tenders=[("CASH", "200.00")])
    expect(board).to_contain_text("200.00", timeout=5000)
