"""What no page sends is refused in peace: never a 500."""

from __future__ import annotations

import pytest
from django.urls import reverse

from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("SEC-12")]


def test_a_word_as_the_next_page_leads_home():
    client = make.signed_in(make.cashier(make.station()))
    answer = client.get("/sign-in/", {"next": "sales"})
    assert (answer.status_code, answer["Location"]) == (302, "/")


def test_a_nul_in_an_address_or_a_form_is_a_bad_request():
    client = make.signed_in(make.manager(make.station()))
    assert client.get("/search/", {"q": "a\x00b"}).status_code == 400
    assert client.post("/sign-in/", {"username": "a\x00b", "password": "x"}).status_code == 400


@pytest.mark.parametrize("name", ["dips", "deliveries", "stock_moves"])
def test_a_list_up_to_the_last_day_of_the_calendar_is_a_list(name):
    client = make.signed_in(make.manager(make.station()))
    for bounds in ({"until": "9999-12-31"}, {"since": "0001-01-01"}, {"since": "9999-12-31"}):
        assert client.get(reverse(f"inventory:{name}"), bounds).status_code == 200
