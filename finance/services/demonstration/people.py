"""Who the members of the demo are: names, cars, how often each comes, since when and how long.

Pure: seeded, so that a seed gives the same people. `regulars` takes them in and lets them come.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta

from finance.services.demonstration import plan

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英建国华玉兰志文海燕红梅春辉"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
MODELS = ("大众朗逸", "丰田卡罗拉", "哈弗 H6", "五菱宏光", "本田 CR-V", "比亚迪宋", "长安 CS75")
TRUCKS = ("东风天锦", "解放 J6", "福田欧曼")
CARDS, TEXTS, BIRTHDAYS = 0.4, 0.6, 0.4
DAY = timedelta(days=1)
POINTS_A_VISIT = 23  # of a fill of about 230 yuan


@dataclass(frozen=True)
class Person:
    """A member on paper. `gap` is the days between two visits; `stops` when he comes no more."""

    number: int
    phone: str
    name: str
    plate: str
    model: str
    grade: str
    card: str
    texts: bool
    birthday: date | None
    gap: float
    joined: datetime
    stops: datetime
    points: str = ""  # what the old system had, as the import's column says it


def people_of(*, count: int, days: int, at: datetime, chance: random.Random) -> list[Person]:
    """The members of the old system, then those who join during the days, in the order of joining.

    The last of the old ones is the first one again, under another phone.
    """
    old = [_person(number, count - 1, at, None, chance) for number in range(count)]
    joins = sorted(_joining(count, days, at, chance))
    return old + [
        _person(number, 0, at, joined, chance) for number, joined in enumerate(joins, count)
    ]


def _joining(count: int, days: int, at: datetime, chance: random.Random) -> list[datetime]:
    """When new members join: by day, from seven in the morning to ten in the evening."""
    dawn = at.replace(hour=0, minute=0, second=0, microsecond=0) + DAY
    return [
        dawn + chance.randrange(days) * DAY + timedelta(seconds=chance.randrange(7 * 3600, 79_200))
        for _ in range(round(count * plan.JOINING_A_DAY * days) if days else 0)
    ]


def _person(
    number: int, twin: int, at: datetime, joined: datetime | None, chance: random.Random
) -> Person:
    is_twin = bool(twin) and number == twin
    phone = f"1370000{1000:04d}" if is_twin else f"139{number + 1000:08d}"
    grade = chance.choices([row.code for row in plan.GRADES], weights=plan.MEMBERS_BY_GRADE)[0]
    truck = grade.startswith("0")
    letters = f"{chance.choice(LETTERS)}{chance.choice(LETTERS)}"
    habit = chance.choices(plan.HABITS, weights=[row[0] for row in plan.HABITS])[0]
    gap = chance.uniform(habit[1], habit[2])
    since = joined or at - chance.randrange(30, 1500) * DAY
    return Person(
        number=number,
        phone=phone,
        name="王建国" if number == 0 or is_twin else _name(chance),
        plate=f"云A{f'{letters}{number:03d}'[-5:]}",
        model=chance.choice(TRUCKS if truck else MODELS),
        grade=grade,
        card=f"0087{number:06d}" if chance.random() < CARDS else "",
        texts=chance.random() < TEXTS,
        birthday=_birthday(chance) if chance.random() < BIRTHDAYS else None,
        gap=gap,
        joined=since,
        stops=(joined or at) + chance.expovariate(plan.STOPPING_A_DAY) * DAY
        if chance.random() > plan.ASLEEP
        else since,
        points="" if joined else _points((at - since) / DAY / gap, at.date(), chance),
    )


def _points(visits: float, today: date, chance: random.Random) -> str:
    """What is left of the points of so many visits; of a third a part ends with some month."""
    points = int(min(visits, 500) * POINTS_A_VISIT * chance.uniform(0.1, 0.7))
    old = points // 4 if chance.random() < plan.POINTS_ENDING else 0
    lots = [str(points - old)] if points > old else []
    if old:
        ends = _month_end(today, chance.randrange(7))
        lots.append(f"{old}@{ends}")
    return "、".join(lots)


def _month_end(day: date, months: int) -> date:
    """The last day of the month that lies so many months later; never before the day."""
    count = day.year * 12 + day.month + months
    return date(count // 12, count % 12 + 1, 1) - DAY


def _birthday(chance: random.Random) -> date:
    return date(chance.randrange(1962, 2002), 1, 1) + chance.randrange(365) * DAY


def _name(chance: random.Random) -> str:
    given = "".join(chance.sample(GIVEN, chance.choice((1, 2, 2))))
    return chance.choice(SURNAMES) + given


def id_number(person: int, birthday: date | None) -> str:
    """A number of an identity card whose last figure is right; nobody's."""
    body = f"530112{birthday or date(1980, 1, 1):%Y%m%d}{person % 1000:03d}"
    return body + _check_figure(body)


def _check_figure(body: str) -> str:
    weights: Sequence[int] = (7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2)
    total = sum(int(figure) * weight for figure, weight in zip(body, weights, strict=True))
    return "10X98765432"[total % 11]
