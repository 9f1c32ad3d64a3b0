"""Strapping tables and temperature, against published worked figures."""

from __future__ import annotations

from decimal import Decimal

import pytest

from inventory.queries.strapping import (
    HeightOutsideTable,
    NoStrappingTable,
    interpolate,
    net_of,
    v20,
)
from station.models import StrappingPoint, StrappingTable
from tests import make

D = Decimal


def table(tank, *points):  # type: ignore[no-untyped-def]
    row = StrappingTable.objects.create(
        tank=tank, source=StrappingTable.Source.TYPED, in_use_from=make.NOW, checksum="x"
    )
    StrappingPoint.objects.bulk_create(
        [StrappingPoint(table=row, height_mm=height, litres=D(litres)) for height, litres in points]
    )


def test_a_height_between_two_marks_is_interpolated_as_the_gaugers_do() -> None:
    # Gauger's examination: reading 1854 mm, tape correction +2.9 mm, so 1857 mm.
    assert interpolate([(1850, D(40236)), (1860, D(40526))], 1857) == D("40439.000")
    assert interpolate([(90, D(866)), (100, D(986))], 96) == D("938.000")
    assert interpolate([(1380, D(27496)), (1390, D(27727))], 1386) == D("27634.600")
    assert interpolate([(40, D(1179)), (50, D(1280))], 42) == D("1199.200")


@pytest.mark.django_db
@pytest.mark.req("INV-04")
def test_net_oil_is_the_whole_less_the_water() -> None:
    tank = make.tank()
    table(tank, (0, 0), (90, 866), (100, 986), (1850, 40236), (1860, 40526))
    volumes = net_of(tank=tank, total_height_mm=1857, water_height_mm=96)
    assert (volumes.total, volumes.water, volumes.net) == (D(40439), D(938), D(39501))


@pytest.mark.django_db
def test_impossible_heights_are_refused_in_words() -> None:
    tank = make.tank()
    with pytest.raises(NoStrappingTable, match="没有在用的罐容表"):
        net_of(tank=tank, total_height_mm=100, water_height_mm=0)
    table(tank, (0, 0), (2600, 30050))
    with pytest.raises(HeightOutsideTable, match="最高 2600 mm"):
        net_of(tank=tank, total_height_mm=2601, water_height_mm=0)
    with pytest.raises(HeightOutsideTable, match="水高"):
        net_of(tank=tank, total_height_mm=100, water_height_mm=101)


@pytest.mark.parametrize(
    ("litres", "temperature", "beta", "standard"),
    [
        ("15000", "18.5", "0.0012", "15027.00"),
        ("8250", "22.4", "0.0012", "8226.24"),
        ("23190", "19.6", "0.0012", "23201.13"),
        ("20000", "20", "0.0008", "20000.00"),
    ],
)
def test_standard_volume_by_the_fixed_coefficient(
    litres: str, temperature: str, beta: str, standard: str
) -> None:
    assert v20(D(litres), D(temperature), D(beta)) == D(standard)
