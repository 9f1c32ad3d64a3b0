"""Who the demo station knows: members from an old system, with plates and cards, coming again."""

from __future__ import annotations

import hashlib
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from finance.services.demonstration.site import Site
from finance.services.demonstration.traffic import Car
from members.models import ImportBatch, Member
from members.queries.import_files import Row
from members.services import duplicates, freezing, import_rows
from members.services.import_rows import Judged
from station.services import sealing
from station.services.sealing import Indexer

COUNT = 260
SHARE = 0.38  # of all sales
CARDS = 0.4
CONFIRMED = 0.8
SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧"
GIVEN = "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英建国华玉兰志文海燕红梅春辉"
LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
MODELS = ("大众朗逸", "丰田卡罗拉", "哈弗 H6", "五菱宏光", "本田 CR-V", "比亚迪宋", "长安 CS75")
TRUCKS = ("东风天锦", "解放 J6", "福田欧曼")


@dataclass
class Regulars:
    """Members by the grade that their cars take, the frequent ones first."""

    by_grade: dict[str, list[int]]
    chance: random.Random

    def buyer(self, car: Car) -> int | None:
        """The member at the wheel of a car, or None: most come without saying who they are."""
        known = self.by_grade.get(car.grade)
        if not known or self.chance.random() >= SHARE:
            return None
        return known[int(len(known) * self.chance.random() ** 2)]


def add_regulars(site: Site, *, at: datetime, seed: int) -> Regulars:
    """Take in the members of the old system as the import does; one is frozen, one there twice."""
    chance = random.Random(seed + 7)
    batch = ImportBatch.objects.create(
        station=site.station,
        name="旧系统会员.xlsx",
        sha256=hashlib.sha256(b"demo").hexdigest(),
        key=sealing.new_key(at=at),
        status=ImportBatch.Status.DONE,
        uploaded_by=site.manager,
        uploaded_at=at,
        rows=COUNT,
        good=COUNT,
        taken=COUNT,
        finished_at=at,
    )
    index = Indexer()
    people = [_person(number, site, chance, index, at) for number in range(COUNT)]
    import_rows.take(people, batch=batch, at=at, actor=site.manager, index=index)
    sealing.destroy_key(key=batch.key, at=at)
    members = list(batch.members.order_by("pk"))
    sure = [one.pk for one in members if chance.random() < CONFIRMED]
    Member.objects.filter(pk__in=sure).update(confirmed_at=at)
    by_grade: dict[str, list[int]] = {}
    for member, person in zip(members, people, strict=True):
        by_grade.setdefault(person.row.grade, []).append(member.pk)
    freezing.freeze(member=members[-2], reason="卡被盗用，本人来电", at=at, actor=site.manager)
    duplicates.find(at=at)
    return Regulars(by_grade, chance)


def _person(number: int, site: Site, chance: random.Random, index: Indexer, at: datetime) -> Judged:
    twin = number == COUNT - 1  # the first one, registered again under another phone
    phone = f"1370000{1000:04d}" if twin else f"1390000{number + 1000:04d}"
    name = "王建国" if number == 0 or twin else _name(chance)
    grade = chance.choices(list(site.grades), weights=_weights(site))[0]
    truck = grade.startswith("0")
    letters = f"{chance.choice(LETTERS)}{chance.choice(LETTERS)}"
    plate = f"云A{letters}{number:03d}"
    row = Row(
        line=number + 2,
        phone=phone,
        name=name,
        plates=(plate,),
        model=chance.choice(TRUCKS if truck else MODELS),
        grade=grade,
        sms=chance.random() < 0.6,
    )
    return Judged(
        row,
        phone=phone,
        plates=[plate],
        card=f"0087{number:06d}" if chance.random() < CARDS else "",
        joined_at=at - timedelta(days=chance.randrange(30, 1500)),
        grade=site.grades[grade],
        phone_index=index("phone", phone),
    )


def _weights(site: Site) -> list[int]:
    """How many members take which grade: a little more 95# than the forecourt as a whole."""
    likely = {"92#": 45, "95#": 35, "98#": 6}
    return [likely.get(code, 14) for code in site.grades]


def _name(chance: random.Random) -> str:
    given = "".join(chance.sample(GIVEN, chance.choice((1, 2, 2))))
    return chance.choice(SURNAMES) + given
