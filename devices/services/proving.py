"""What a prover says of a meter: standard values, errors, and figures that cannot be."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from devices.models import Fill, MeterTestRun
from station.errors import Refusal
from station.models import Nozzle, Station
from station.money import Litres, round_litres, round_to
from station.queries import settings

LEAST_PROVER = Decimal(20)
STEEL = Decimal("0.00005")  # of a prover, per ℃ and volume
NEAR = Decimal("0.05")  # a prover shows its own volume, or somebody typed another figure
UNBELIEVABLE = Decimal(20)  # per cent: a slip of the pen and no meter
GRAIN = Decimal("0.00001")


class TestRefused(Refusal):
    """The test cannot have been so."""

    __test__ = False  # for pytest


@dataclass(frozen=True, slots=True)
class Run:
    """One filling: what the prover showed, the flow in L/min, and the fill or the meter's litres."""

    standard_l: Litres
    meter_l: Litres | None = None
    flow_lpm: Decimal | None = None
    fill: Fill | None = None


@dataclass(frozen=True, slots=True)
class Prover:
    """The prover's volume in litres, and the temperatures in ℃ where they were read."""

    litres: Litres
    oil_c: Decimal | None = None
    own_c: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Judged:
    """A run with its standard value and its error in per cent."""

    run: Run
    meter_l: Litres
    corrected_l: Litres
    error: Decimal

    def exceeds(self, limit: Decimal) -> bool:
        """By the litres, not by the rounded error."""
        return abs(self.meter_l - self.corrected_l) * 100 > limit * self.corrected_l


def corrected(
    standard_l: Litres, *, expansion: Decimal, oil_c: Decimal, prover_c: Decimal
) -> Litres:
    """The standard value at the meter's temperature: V·[1 + β(t_oil − t_prover) + β_steel(t_prover − 20)].

    Not confirmed by an institute yet, so a station switches it on by itself.
    """
    factor = 1 + expansion * (oil_c - prover_c) + STEEL * (prover_c - 20)
    return round_litres(standard_l * factor)


def error_percent(meter_l: Litres, standard_l: Litres) -> Decimal:
    """(meter − standard) / standard × 100 %."""
    return round_to((meter_l - standard_l) * 100 / standard_l, GRAIN)


def judge(nozzle: Nozzle, prover: Prover, runs: Sequence[Run]) -> list[Judged]:
    """Each run with its error; refuses what cannot be. A fill is taken by one test only."""
    fills = [run.fill.pk for run in runs if run.fill is not None]
    if len(fills) != len(set(fills)):
        raise TestRefused("自校未登记：同一笔加油填了两次")
    used = MeterTestRun.objects.filter(fill__in=fills, test__voided_at=None).select_related("test")
    if taken := used.first():
        raise TestRefused(f"自校未登记：这笔加油已用在 {taken.test.number}，请换一笔")
    return [_judged(nozzle, prover, run) for run in runs]


def _judged(nozzle: Nozzle, prover: Prover, run: Run) -> Judged:
    meter = run.meter_l
    if meter is None and run.fill is not None:
        meter = run.fill.litres
    if run.fill is not None and run.fill.nozzle_id != nozzle.pk:
        raise TestRefused(f"自校未登记：选的加油不是 {nozzle} 的，请核对")
    if run.fill is not None and meter != run.fill.litres:
        raise TestRefused(
            f"自校未登记：示值 {meter} 升与那笔加油的 {run.fill.litres} 升不同，示值留空即可"
        )
    if meter is None or meter <= 0:
        raise TestRefused("自校未登记：请选加油记录，或填加油机示值")
    if abs(run.standard_l - prover.litres) > prover.litres * NEAR:
        raise TestRefused(
            f"自校未登记：标准量器示值 {run.standard_l} 升与量器 {prover.litres} 升差得太多，请核对"
        )
    standard = _standard(nozzle, prover, run)
    error = error_percent(meter, standard)
    if abs(error) > UNBELIEVABLE:
        raise TestRefused(f"自校未登记：误差 {error:.2f}% 不像实测值，请核对两个示值")
    return Judged(run, meter, standard, error)


def _standard(nozzle: Nozzle, prover: Prover, run: Run) -> Litres:
    if not corrects(nozzle.station):
        return run.standard_l
    if prover.oil_c is None or prover.own_c is None:
        raise TestRefused("自校未登记：本站按温度修正，请填油温和量器温度（限额与参数里可关闭）")
    return corrected(
        run.standard_l,
        expansion=nozzle.tank.grade.expansion,
        oil_c=prover.oil_c,
        prover_c=prover.own_c,
    )


def corrects(station: Station) -> bool:
    return settings.whole("devices.test_temperature", station) == 1
