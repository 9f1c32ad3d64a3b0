"""What no page sends is refused in peace: never a 500."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.core.handlers import wsgi
from django.http import request as django_request
from django.urls import reverse

from finance.services.demonstration.build import Demo
from finance.services.demonstration.site import Site
from finance.services.demonstration.trade import LOCAL
from sales.queries.unpaid import unpaid_fills
from station.access import may_do
from station.models.people import Role
from tests import make
from tests.station.garbage import Listening, Walker
from tests.test_role_matrix import addresses

pytestmark = pytest.mark.django_db
UNTIL = datetime(2026, 11, 20, 17, 30, tzinfo=LOCAL)


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


@pytest.mark.parametrize(
    ("path", "told", "status"),
    [
        ("/look/", {"theme": "dark", "next": "NaN"}, 302),
        ("/sales/uploads/{till}/", {}, 403),  # a form with parts has no body to be signed
        ("/settings/", {"inventory.delivery_tolerance": "1e400"}, 422),
        ("/setup/stations/{station}/", {"code": "9" * 40}, 422),
    ],
)
def test_what_once_broke_a_page_is_refused(path, told, status):
    till = make.till(make.station())
    client = make.signed_in(make.owner(till.station))
    at = path.format(till=till.pk, station=till.station_id)
    assert client.post(at, told).status_code == status


@pytest.fixture
def site(settings: Any, tmp_path: Path) -> Site:
    """A station with three days of trade, so that most pages have a row to open."""
    settings.VAR_DIR = tmp_path
    return Demo(days=3, until=UNTIL, busy=0.05).build(progress=lambda *_: None)


@pytest.fixture
def listening(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Forms and addresses tell what is asked of them; a thousand refusals are not logged."""
    monkeypatch.setattr(wsgi, "QueryDict", Listening)
    monkeypatch.setattr(django_request, "QueryDict", Listening)
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


@pytest.mark.timeout(300)
def test_no_url_answers_rubbish_with_a_500(site: Site, listening: None):
    walker = Walker(site.owner)
    walker.look_around()
    walker.all_at_once()
    walker.one_at_a_time()
    walker.addresses()
    assert set(walker.paths) == {one.name for one in addresses()}
    assert len(walker.forms) > 60
    assert not walker.failures, "\n".join(sorted(set(walker.failures)))


def test_the_tills_urls_answer_a_cashiers_rubbish_with_a_refusal(site: Site, listening: None):
    cashier = make.cashier(site.station)
    make.session(site.station, cashier, make.till(site.station, 9))
    walker = Walker(cashier, till_names().__contains__)
    walker.look_around()
    walker.all_at_once(times=2)
    walker.json_bodies(till_bodies(site))
    assert not walker.failures, "\n".join(sorted(set(walker.failures)))


def till_names() -> set[str]:
    """What stands under the till and is open to its cashier."""
    return {
        one.name
        for one in addresses()
        if one.path.startswith(("/sales/till/", "/sales/uploads/", "/sales/wall/"))
        and (one.is_open or may_do(Role.CASHIER, str(one.right)))
    }


def till_bodies(site: Site) -> dict[str, Any]:
    """What the till's script sends, as it should be."""
    basket = make.basket(unpaid_fills(station=site.station)[:1], [(site.items[0], 2)])
    fills = {"fills": [1, 2]}
    return {
        reverse("sales:settle"): basket,
        reverse("sales:park"): {"basket": basket, "label": "白车", "total": "10.00"},
        reverse("sales:void_line"): {"lines": basket["lines"], "reason": "不要了", "total": "1"},
        reverse("sales:lease"): fills,
        reverse("sales:put_back"): fills,
        reverse("sales:set_free"): fills,
    }
