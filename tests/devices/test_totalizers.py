"""The last totalizer known right at an instant, and runs through a changed meter."""

from decimal import Decimal

import pytest

from devices.models import MeterChange, TotalizerReading
from devices.queries import totalizers
from devices.services import readings
from tests import make

pytestmark = pytest.mark.django_db


def test_the_reading_at_an_instant_is_the_highest_known_by_then():
    nozzle = make.nozzle()
    make.reading(nozzle, "1000.000", at=make.at(8))
    make.fill(nozzle, "20", at=make.at(9), totalizer_after="1020")
    make.fill(nozzle, "30", at=make.at(11), totalizer_after="1050")
    make.reading(nozzle, "1049.990", at=make.at(11, 5))  # a coarser counter, heard later
    asked = {
        hour: totalizers.reading_at(nozzle=nozzle, at=make.at(hour)) for hour in (7, 8, 10, 12)
    }
    assert asked[7] is None
    assert [asked[hour].litres for hour in (8, 10, 12)] == [1000, 1020, 1050]


def test_the_live_state_counts_as_known_and_the_new_meter_outranks_the_old(
    django_assert_num_queries,
):
    nozzle = make.nozzle()
    silent = make.nozzle(nozzle.station)
    make.fill(nozzle, "20", at=make.at(9), totalizer_after="99999990")
    make.nozzle_state(
        nozzle, totalizer=Decimal("99999995"), totalizer_at=make.at(9, 30), meter_epoch=0
    )
    MeterChange.objects.create(
        nozzle=nozzle,
        kind="ROLL_OVER",
        epoch=1,
        last_litres=Decimal("100000000"),
        first_litres=Decimal(0),
        occurred_at=make.at(10),
    )
    make.fill(nozzle, "15", at=make.at(10, 30), totalizer_after="15", meter_epoch=1)
    opening = totalizers.reading_at(nozzle=nozzle, at=make.at(9, 45))
    assert opening.litres == Decimal("99999995")
    with django_assert_num_queries(1):
        found = totalizers.latest(station=nozzle.station)
    closing = found[nozzle.pk]
    assert (closing.epoch, closing.litres, silent.pk in found) == (1, 15, False)
    changes = MeterChange.objects.filter(nozzle=nozzle)
    assert totalizers.run_between(opening, closing, changes) == Decimal("20.000")
    assert totalizers.meter_adjustment(changes) == Decimal("100000000.000")


def test_a_reading_is_kept_once_per_document():
    nozzle = make.nozzle()
    kept = totalizers.Reading(nozzle.pk, 0, Decimal("12.500"), make.NOW)
    readings.keep([kept], kind=TotalizerReading.Kind.PRICE, document="PC1")
    readings.keep([kept], kind=TotalizerReading.Kind.PRICE, document="PC1")
    assert TotalizerReading.objects.get().litres == Decimal("12.500")
