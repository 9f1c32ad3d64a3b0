"""服务时长: lifted to paid as median and p90 per hour, and an alert above the target."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils.timezone import localtime

from sales.models import FillClaim
from sales.queries.service_times import service_time_since, service_times
from sales.services.service_times import watch
from station.models import Alert, Setting
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-16")]


def served(nozzle, lifted, wait=10, fuel=90, pay=60, kind="SALE", **fields):
    over = lifted + timedelta(seconds=wait + fuel)
    fill = make.fill(
        nozzle,
        at=over,
        lifted_at=lifted,
        started_at=lifted + timedelta(seconds=wait),
        **fields,
    )
    return FillClaim.objects.create(
        station=nozzle.station,
        fill=fill,
        kind=kind,
        document=f"S{fill.pk}",
        day=fill.day,
        claimed_at=over + timedelta(seconds=pay),
    )


def test_medians_and_p90_per_hour_of_lifting():
    nozzle = make.nozzle()
    for number in range(10):
        served(nozzle, make.at(9, number), pay=60 + 10 * number)
    served(nozzle, make.at(17, 59), pay=200)
    served(nozzle, make.at(11), kind="TEST")  # no customer
    served(nozzle, make.at(12), pay=5 * 3600)  # forgotten
    make.fill(nozzle, at=make.at(13))  # entered by hand: nobody knows when it was lifted
    hours, whole = service_times(station=nozzle.station, since=make.TODAY, until=make.TODAY)
    assert [(one.hour, one.count, one.median, one.p90) for one in hours] == [
        (9, 10, 200, 240),
        (17, 1, 300, 300),
    ]
    assert (whole.count, whole.waiting, whole.fuelling, whole.paying) == (11, 10, 90, 110)
    none = service_times(
        station=nozzle.station,
        since=make.TODAY - timedelta(days=9),
        until=make.TODAY - timedelta(days=1),
    )
    assert none == ([], None)
    assert service_times(station=make.station(), since=make.TODAY, until=make.TODAY) == ([], None)


def test_a_prepaid_fill_was_paid_before_it_ended_and_takes_no_paying_time():
    nozzle = make.nozzle()
    served(nozzle, make.at(9), pay=-50)
    _, whole = service_times(station=nozzle.station, since=make.TODAY, until=make.TODAY)
    assert (whole.median, whole.paying) == (100, 0)


def test_a_slow_hour_is_an_alert_until_it_is_over():
    nozzle = make.nozzle()
    station = nozzle.station
    Setting.objects.create(station=station, name="sales.service_time_target", value="180")
    for number in range(4):
        served(nozzle, make.at(9, number), pay=200)
    assert not watch(station=station, at=make.at(9, 30))  # four cars are no queue
    served(nozzle, make.at(9, 5), pay=200)
    assert watch(station=station, at=make.at(9, 30))
    alert = Alert.objects.get(status="OPEN")
    assert "中位时长 300 秒，超过目标 180 秒" in alert.text
    assert watch(station=station, at=make.at(9, 35))
    assert service_time_since(station=station, since=make.at(11)) is None
    assert not watch(station=station, at=make.at(11))
    assert not Alert.objects.filter(status="OPEN").exists()


def test_the_page_shows_the_hours_against_the_target():
    nozzle = make.nozzle()
    served(nozzle, make.at(9), pay=400)
    manager = make.signed_in(make.manager(nozzle.station))
    asked = {"since": f"{make.TODAY}", "until": f"{make.TODAY}"}
    page = manager.get(reverse("sales:service_times"), asked).content.decode()
    assert "09:00" in page and "8 分 20 秒" in page and "超过目标" in page
    empty = manager.get(reverse("sales:service_times"), {"since": "bad"}).content.decode()
    assert "服务时长" in empty
    assert localtime(make.at(9)).hour == 9
    cashier = make.signed_in(make.cashier(nozzle.station))
    assert cashier.get(reverse("sales:service_times")).status_code == 403
