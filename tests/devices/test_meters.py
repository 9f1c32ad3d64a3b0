"""换表: the run goes on through a changed meter, and a change that cannot be is refused."""

from decimal import Decimal

import pytest
from django.urls import reverse

from devices.models import Command, MeterChange
from devices.queries import totalizers
from devices.services.meters import MeterRefused, change_meter
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def nozzle():
    made = make.nozzle()
    make.reading(made, "5000.00", at=make.at(8))
    make.nozzle_state(made, "IDLE")
    return made


def change(nozzle, last="5010.00", first="0.00", reason="表坏，铅封 8812", actor=None):
    return change_meter(
        nozzle=nozzle,
        last_litres=Decimal(last),
        first_litres=Decimal(first),
        reason=reason,
        actor=actor or make.manager(nozzle.station),
        at=make.at(12),
    )


def test_the_run_goes_on_through_the_new_meter(nozzle):
    opening = totalizers.reading_at(nozzle=nozzle, at=make.at(9))
    change(nozzle, first="100.00")
    make.fill(nozzle, "20", at=make.at(13), totalizer_after="120", meter_epoch=1)
    closing = totalizers.reading_at(nozzle=nozzle, at=make.at(14))
    changes = MeterChange.objects.filter(nozzle=nozzle)
    assert totalizers.run_between(opening, closing, changes) == Decimal("30.000")
    assert Command.objects.get().kind == "REWIRE"
    assert change(nozzle, last="120", first="0").epoch == 2


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"last": "4999.99"}, "小于已读到的"),
        ({"first": "-1"}, "不能小于 0"),
        ({"reason": "  "}, "原因和铅封号"),
    ],
)
def test_a_change_that_cannot_be_is_refused(nozzle, fields, words):
    with pytest.raises(MeterRefused, match=words):
        change(nozzle, **fields)
    assert not MeterChange.objects.exists()


@pytest.mark.parametrize("state", ["AUTHORISED", "FUELLING", "SUSPENDED"])
def test_a_nozzle_in_use_keeps_its_meter(nozzle, state):
    make.nozzle_state(nozzle, state)
    with pytest.raises(MeterRefused, match="正在使用"):
        change(nozzle)


def test_the_page_records_a_change(nozzle):
    office = make.signed_in(make.manager(nozzle.station))
    form = reverse("devices:meter_new")
    assert "5000.000" in office.get(form).content.decode()
    typed = {"nozzle": nozzle.pk, "last_litres": "5010", "first_litres": "0", "reason": "铅封 8812"}
    assert office.post(form, {**typed, "last_litres": "1"}).status_code == 422
    assert office.post(form, typed).url == reverse("devices:meters")
    listed = office.get(reverse("devices:meters")).content.decode()
    assert "铅封 8812" in listed and "5,010.00" in listed
    foreign = make.nozzle(make.station())
    assert office.post(form, {**typed, "nozzle": foreign.pk}).status_code == 422
