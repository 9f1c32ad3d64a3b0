"""Who the demo station knows: members of an old system and those who join, coming again.

Each has a gap of his own between two visits, from a day of a taxi to six weeks. Whoever is due
next is at the wheel of the next member's car, so that the share of sales stays what it is.
"""

from __future__ import annotations

import hashlib
import heapq
import random
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby

from finance.services.demonstration import plan
from finance.services.demonstration.people import Person, people_of
from finance.services.demonstration.site import Site
from finance.services.demonstration.traffic import Car
from members.models import ImportBatch, Member
from members.queries.import_files import Row
from members.services import duplicates, freezing, import_points, import_rows
from members.services.import_rows import Judged
from station.services import sealing
from station.services.sealing import Indexer

CONFIRMED = 0.8
SOONER, LATER = 0.6, 1.4  # times his gap, from one visit to the next
WEEK = timedelta(days=7)


@dataclass(frozen=True)
class Regular:
    """A member who was taken in, with what he is on paper."""

    id: int
    person: Person


class Regulars:
    """Lets members come: those of the old system from the first day, new ones once they joined."""

    def __init__(
        self, people: Sequence[Regular], *, since: datetime, chance: random.Random
    ) -> None:
        self.people = {one.id: one for one in people}
        self.chance = chance
        self._due: dict[str, list[tuple[float, int]]] = defaultdict(list)
        self._joining: dict[str, list[Regular]] = defaultdict(list)
        self._clock: dict[str, float] = defaultdict(float)  # in days, by what members have come
        for one in people:
            if one.person.joined > since:
                self._joining[one.person.grade].append(one)
            else:
                due = chance.uniform(0, one.person.gap)
                heapq.heappush(self._due[one.person.grade], (due, one.id))
        for joining in self._joining.values():
            joining.reverse()  # the next one is the last

    def buyer(self, car: Car) -> int | None:
        """The member at the wheel of a car, or None: most come without saying who they are."""
        if self.chance.random() >= plan.MEMBERS_SHARE:
            return None
        joining = self._joining[car.grade]
        while joining and joining[-1].person.joined < car.started:
            new = joining.pop()
            if new.person.stops > car.started:  # a few never come, once they have joined
                return self._again(car.grade, new)
        due = self._due[car.grade]
        while due:
            self._clock[car.grade], pk = heapq.heappop(due)
            one = self.people[pk]
            if one.person.stops > car.started:
                return self._again(car.grade, one)
        return None

    def _again(self, grade: str, one: Regular) -> int:
        gap = one.person.gap * self.chance.uniform(SOONER, LATER)
        heapq.heappush(self._due[grade], (self._clock[grade] + gap, one.id))
        return one.id


def add_regulars(site: Site, *, count: int, days: int, at: datetime, until: datetime, seed: int) -> Regulars:  # fmt: skip
    """Take in the members of the old system as the import does; one is frozen, one there twice.

    Those who join during the days filled in forms, which are taken in at the end of each week.
    """
    chance = random.Random(seed + 7)
    index = Indexer()
    people = people_of(count=count, days=days, at=at, chance=chance)
    old = _taken(site, people[:count], "旧系统会员.xlsx", at, index)
    joined: list[Member] = []
    for week, forms in groupby(people[count:], key=lambda one: (one.joined - at) // WEEK):
        ends = min(at + (week + 1) * WEEK, until)
        joined += _taken(site, list(forms), f"入会登记表 {ends:%Y-%m-%d}.xlsx", ends, index)
    sure = [one.pk for one in old if chance.random() < CONFIRMED]
    Member.objects.filter(pk__in=sure).update(confirmed_at=at)
    freezing.freeze(member=old[-2], reason="卡被盗用，本人来电", at=at, actor=site.manager)
    duplicates.find(at=at)
    regulars = [
        Regular(member.pk, person) for member, person in zip([*old, *joined], people, strict=True)
    ]
    return Regulars(regulars, since=at, chance=chance)


def _taken(
    site: Site, people: Sequence[Person], name: str, at: datetime, index: Indexer
) -> list[Member]:
    """One file of the import, taken in; its members in their order."""
    batch = ImportBatch.objects.create(
        station=site.station,
        name=name,
        sha256=hashlib.sha256(name.encode()).hexdigest(),
        key=sealing.new_key(at=at),
        status=ImportBatch.Status.DONE,
        uploaded_by=site.manager,
        uploaded_at=at,
        rows=len(people),
        good=len(people),
        taken=len(people),
        finished_at=at,
    )
    judged = [_judged(line, one, site, index) for line, one in enumerate(people, 2)]
    batch.sums = {name: str(sum_) for name, sum_ in import_rows.totals_of([one.row for one in judged]).items()}  # fmt: skip
    batch.save(update_fields=["sums"])
    import_rows.take(judged, batch=batch, at=at, actor=site.manager, index=index)
    sealing.destroy_key(key=batch.key, at=at)
    return list(batch.members.order_by("pk"))


def _judged(line: int, one: Person, site: Site, index: Indexer) -> Judged:
    row = Row(
        line=line,
        phone=one.phone,
        name=one.name,
        plates=(one.plate,),
        model=one.model,
        grade=one.grade,
        sms=one.texts,
        extra={import_points.COLUMN: one.points},
    )
    return Judged(
        row,
        phone=one.phone,
        plates=[one.plate],
        card=one.card,
        birthday=one.birthday,
        joined_at=one.joined,
        grade=site.grades[one.grade],
        phone_index=index("phone", one.phone),
    )
