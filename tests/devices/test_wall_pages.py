"""What is done at the wall: a nozzle's panel, orders, the stop of everything and its release."""

import json
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import now

from devices.models import Authorisation, Command
from devices.poller.stopping import StopSocket
from devices.queries.commands import last_stop
from station.models import AuditEntry
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def nozzle():
    made = make.nozzle()
    make.price(made.station, made.tank.grade, "7.85")
    make.nozzle_state(made, "CALLING", since=now(), unit_price=Decimal("7.85"))
    return made


@pytest.fixture
def attendant(nozzle):
    return make.signed_in(make.attendant(nozzle.station))


def post(attendant, name, nozzle, **data):
    return attendant.post(reverse(f"devices:{name}", args=[nozzle.pk]), data)


def test_the_panel_offers_what_the_state_allows(attendant, nozzle):
    page = attendant.get(reverse("devices:nozzle", args=[nozzle.pk])).content.decode()
    assert "授权" in page and "暂停" not in page and "7.85 元/升" in page
    make.nozzle_state(nozzle, "FUELLING", litres=Decimal("12.34"), amount=Decimal("96.87"))
    page = attendant.get(reverse("devices:nozzle", args=[nozzle.pk])).content.decode()
    assert "暂停" in page and "¥96.87" in page and "data-preset" not in page


@pytest.mark.req("SAL-03")
@pytest.mark.parametrize(
    ("typed", "amount", "litres", "words"),
    [
        ({"kind": "yuan", "figure": "200"}, "200.00", None, "预置 200 元"),
        ({"kind": "litres", "figure": "30.5"}, None, "30.500", "预置 30.5 升"),
        ({"kind": "full"}, None, None, "已下发授权：1 号枪"),
    ],
)
def test_a_preset_from_the_page_reaches_the_poller(attendant, nozzle, typed, amount, litres, words):
    answer = post(attendant, "authorise", nozzle, **typed)
    assert answer.status_code == 204
    assert words in json.loads(answer["HX-Trigger"])["toast"]["text"]
    made = Authorisation.objects.get()
    assert (made.limit_amount, made.limit_litres) == (
        amount and Decimal(amount),
        litres and Decimal(litres),
    )


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ({"kind": "yuan"}, "请填预置的金额或升数"),
        ({"kind": "yuan", "figure": "abc"}, "请填数字"),
        ({"kind": "litres", "figure": "1.234"}, "最多两位小数"),
        ({"kind": "yuan", "figure": "0"}, "不在 0.01 到"),
        ({}, "这个字段是必填项"),
    ],
)
def test_a_preset_that_is_none_comes_back_with_the_panel(attendant, nozzle, typed, words):
    answer = post(attendant, "authorise", nozzle, **typed)
    assert answer.status_code == 422
    assert words in answer.content.decode()
    assert not Authorisation.objects.exists()


def test_orders_of_a_nozzle_are_sent_and_refusals_shown(attendant, nozzle):
    assert post(attendant, "cancel", nozzle).status_code == 422
    post(attendant, "authorise", nozzle, kind="full")
    assert post(attendant, "cancel", nozzle).status_code == 204
    refused = post(attendant, "suspend", nozzle)
    assert refused.status_code == 422
    assert "未暂停：它不在加油" in refused.content.decode()
    make.nozzle_state(nozzle, "FUELLING")
    assert post(attendant, "suspend", nozzle).status_code == 204
    assert post(attendant, "stop", nozzle).status_code == 204
    make.nozzle_state(nozzle, "SUSPENDED")
    assert post(attendant, "resume", nozzle).status_code == 204
    kinds = Command.objects.order_by("id").values_list("kind", flat=True)
    assert list(kinds) == ["AUTHORISE", "SUSPEND", "STOP", "RESUME"]


@pytest.mark.req("SEC-15")
def test_a_nozzle_of_another_station_is_not_found(nozzle):
    stranger = make.signed_in(make.stranger())
    assert stranger.get(reverse("devices:nozzle", args=[nozzle.pk])).status_code == 404
    assert post(stranger, "stop", nozzle).status_code == 404
    assert not Command.objects.exists()


@pytest.mark.req("DEV-05")
def test_the_stop_is_on_every_page_and_only_a_manager_releases_it(attendant, nozzle):
    answer = attendant.post(
        reverse("devices:stop_all"), headers={"referer": "http://testserver/x/"}
    )
    assert answer.url == "http://testserver/x/"
    assert last_stop(nozzle.station) is not None
    away = attendant.post(reverse("devices:stop_all"), headers={"referer": "http://evil.example/"})
    assert away.url == "/"
    release = reverse("devices:release_all")
    assert attendant.post(release, {"reason": "误按"}).status_code == 403
    manager = make.signed_in(make.manager(nozzle.station))
    assert "按下急停" in manager.get(release).content.decode()
    assert manager.post(release, {}).status_code == 422
    assert manager.post(release, {"reason": "误按"}).url == reverse("sales:wall")
    assert AuditEntry.objects.get(action="devices.release_all").reason == "误按"
    again = manager.post(release, {"reason": "误按"})
    assert again.status_code == 422
    assert "当前没有急停" in again.content.decode()


@pytest.mark.req("DEV-05")
def test_the_stop_goes_straight_to_the_poller_where_it_listens(
    attendant, nozzle, settings, tmp_path
):
    settings.VAR_DIR = tmp_path
    heard = []
    door = StopSocket(tmp_path / "poller.sock", halt=heard.append, release=heard.append)
    try:
        page = attendant.post(reverse("devices:stop_all"), follow=True).content.decode()
    finally:
        door.close()
    assert heard == ["加油员 Sun"]
    assert "急停已送达" in page
    deaf = attendant.post(reverse("devices:stop_all"), follow=True).content.decode()
    assert "没有当场应答" in deaf
    assert Command.objects.filter(kind="STOP_ALL").count() == 2
