"""自校到期: one alert of a station, renewed by what is tested and ended when nothing is due."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import now

from devices.services import meter_tests, self_tests
from devices.tasks import check_self_tests
from station.models import Alert, Nozzle
from station.services import alerts
from tests import make
from tests.devices import register

pytestmark = pytest.mark.django_db


def _live(nozzle: Nozzle) -> list[str]:
    rows = Alert.objects.filter(
        station=nozzle.station, key__startswith=self_tests.PREFIX, status__in=alerts.LIVE
    )
    return list(rows.values_list("text", flat=True))


def test_a_meter_that_is_due_is_told_once_and_the_alert_goes_when_it_is_tested() -> None:
    nozzle = make.nozzle()
    register.own(nozzle, at=make.NOW)
    late = make.NOW + timedelta(days=20)
    self_tests.remind_all(at=late)
    assert _live(nozzle) == []
    late = make.NOW + timedelta(days=32)
    for _ in range(2):
        self_tests.remind_all(at=late)
    (text,) = _live(nozzle)
    assert text.startswith(f"{nozzle.number} 号枪的自校已到期，最早 2026-")
    alert = Alert.objects.get()
    assert (alert.level, alert.count) == ("WARNING", 1)
    page = make.signed_in(make.manager(nozzle.station)).get(alert.url).content.decode()
    assert str(nozzle) in page and alert.url == f"{reverse('devices:tests')}?due=OWN"
    made = register.own(nozzle, at=late)
    assert _live(nozzle) == []
    meter_tests.void(test=made, reason="填错", at=late, actor=make.manager(nozzle.station))
    self_tests.remind_all(at=late)
    assert _live(nozzle) == [text]


def test_several_are_one_alert_and_handled_it_comes_again_only_with_another() -> None:
    first = make.nozzle()
    second = make.nozzle(dispenser=first.dispenser)
    closed = make.nozzle(dispenser=first.dispenser)
    Nozzle.objects.filter(pk=closed.pk).update(active=False)
    self_tests.remind_all(at=make.NOW)
    (text,) = _live(first)
    assert text.startswith(f"{first.number}、{second.number} 号枪的自校已到期：")
    register.own(first, at=make.NOW)
    assert _live(first) == [text.replace(f"{first.number}、", "")]
    alerts.handle(
        alert=Alert.objects.get(), word="周五做", at=make.NOW, actor=make.manager(first.station)
    )
    self_tests.remind_all(at=make.NOW)
    assert len(_live(first)) == 1  # how many were never tested has changed since
    alerts.handle(
        alert=Alert.objects.get(status="OPEN"), word="周五做", at=make.NOW,
        actor=make.manager(first.station),
    )  # fmt: skip
    self_tests.remind_all(at=make.NOW)
    assert _live(first) == []
    self_tests.remind_all(at=make.NOW + timedelta(days=40))
    (text,) = _live(first)
    assert f"{first.number}、{second.number} 号枪" in text and "最早" in text


def test_of_many_the_first_are_named_and_the_rest_counted() -> None:
    nozzle = make.nozzle()
    for _ in range(22):
        make.nozzle(dispenser=nozzle.dispenser)
    check_self_tests()
    (text,) = _live(nozzle)
    assert "等 23 把枪的自校已到期" in text and text.count("、") == self_tests.NAMED - 1
    stranger = make.nozzle(make.station())
    self_tests.settle(station=stranger.station, at=now())
    assert _live(stranger) == []
