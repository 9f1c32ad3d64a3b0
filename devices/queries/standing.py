"""Whether the statutory verification (检定) of a nozzle holds, asked where a nozzle is used."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from enum import StrEnum

from django.db.models import OuterRef, Q, QuerySet, Subquery
from django.utils.timezone import localtime

from devices.models import MeterChange, MeterTest, Repair
from station.models import Nozzle, Station
from station.queries import settings
from station.queries.columns import Tone


class Verdict(StrEnum):
    """What the newest verification of a nozzle says today."""

    NONE = "NONE"
    VALID = "VALID"
    OVER = "OVER"
    FAILED = "FAILED"
    CHANGED = "CHANGED"
    OPENED = "OPENED"


WORDS: dict[Verdict, str] = {
    Verdict.NONE: "没有登记检定",
    Verdict.VALID: "检定有效",
    Verdict.OVER: "检定已过期",
    Verdict.FAILED: "检定不合格",
    Verdict.CHANGED: "换表后没有检定",
    Verdict.OPENED: "维修后没有检定",
}


@dataclass(frozen=True, slots=True)
class Standing:
    """Of one nozzle: the verdict, when it was tested and until when that holds."""

    verdict: Verdict
    until: date | None
    tested_at: datetime | None

    @property
    def word(self) -> str:
        return WORDS[self.verdict]

    @property
    def warns(self) -> bool:
        """It should not be sold from. One that nobody entered says nothing yet."""
        return self.verdict not in {Verdict.NONE, Verdict.VALID}

    @property
    def tone(self) -> Tone:
        return "bad" if self.warns else "good" if self.verdict == Verdict.VALID else "off"

    @property
    def text(self) -> str:
        """The word, and since when for one that is over."""
        over = self.verdict == Verdict.OVER and self.until is not None
        return f"{self.word}（有效期至 {self.until}）" if over else self.word


def with_standing(nozzles: QuerySet[Nozzle]) -> QuerySet[Nozzle]:
    """Nozzles with what `standing_of` reads; no statement of its own."""
    newest = MeterTest.objects.filter(
        nozzle=OuterRef("pk"), kind=MeterTest.Kind.STATUTORY, voided_at=None
    ).order_by("-tested_at", "-pk")
    swapped = MeterChange.objects.filter(
        nozzle=OuterRef("pk"), kind=MeterChange.Kind.SWAP
    ).order_by("-occurred_at")
    opened = Repair.objects.filter(
        Q(nozzle=OuterRef("pk")) | Q(nozzle=None, equipment__dispenser=OuterRef("dispenser")),
        meter_opened=True,
    ).order_by("-done_at")
    return nozzles.annotate(
        verified_at=Subquery(newest.values("tested_at")[:1]),
        verified_as=Subquery(newest.values("result")[:1]),
        verified_until=Subquery(newest.values("valid_until")[:1]),
        swapped_at=Subquery(swapped.values("occurred_at")[:1]),
        opened_at=Subquery(opened.values("done_at")[:1]),
    )


def standing_of(nozzle: Nozzle, *, at: datetime) -> Standing:
    """What holds on the local day of `at`; `nozzle` comes from `with_standing`.

    A verification counts for a changed meter from the day of the change, since both are written
    down on one visit, and for an opened one from the minute at which the repair was done.
    """
    more = nozzle.__dict__
    tested, until = more["verified_at"], more["verified_until"]
    return Standing(_verdict(more, tested, until, at), until, tested)


def _verdict(
    more: dict[str, datetime | None], tested: datetime | None, until: date | None, at: datetime
) -> Verdict:
    swapped, opened = more["swapped_at"], more["opened_at"]
    if tested is None:
        return Verdict.OPENED if opened else Verdict.NONE
    if opened and opened > tested:
        return Verdict.OPENED
    if more["verified_as"] == MeterTest.Result.FAIL:
        return Verdict.FAILED
    if swapped and localtime(swapped).date() > localtime(tested).date():
        return Verdict.CHANGED
    if until is None or until < localtime(at).date():
        return Verdict.OVER
    return Verdict.VALID


def standings(*, station: Station, at: datetime) -> list[tuple[Nozzle, Standing]]:
    """Every nozzle in use by number with its standing. One statement."""
    rows = with_standing(Nozzle.objects.filter(station=station, active=True))
    return [(row, standing_of(row, at=at)) for row in rows.order_by("number")]


def is_blocking(station: Station) -> bool:
    """Whether the station lets no nozzle run whose verification is over."""
    return settings.whole("devices.block_unverified", station) == 1


def blocked_nozzles(*, station: Station, at: datetime) -> frozenset[int]:
    """The nozzles that must not be let loose by themselves. Two statements, one where none are."""
    if not is_blocking(station):
        return frozenset()
    return frozenset(row.pk for row, now in standings(station=station, at=at) if now.warns)


def refusal_of(*, nozzle: Nozzle, at: datetime) -> str:
    """Why a nozzle is not let loose; "" where it may be, or where the station only warns."""
    if not is_blocking(nozzle.station):
        return ""
    row = with_standing(Nozzle.objects.filter(pk=nozzle.pk)).get()
    now = standing_of(row, at=at)
    return now.text if now.warns else ""
