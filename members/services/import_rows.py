"""Rows of an import: judged against the rules and the members that are there, and written in bulk."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time

from django.conf import settings as project
from django.db import transaction
from django.utils.module_loading import import_string
from django.utils.timezone import get_current_timezone

from devices.models import Card
from members.models import Channel, Consent, ImportBatch, Member, Vehicle
from members.queries.consents import policy_version
from members.queries.import_files import Row, day_of
from members.services.joining import age_at, checked_birthday, checked_phone
from members.services.vehicles import checked_plate
from station.errors import Refusal
from station.models import DataKey, Grade, User
from station.queries import settings
from station.queries.masking import mask_name, mask_phone
from station.services import sealing
from station.services.numbering import next_block
from station.services.sealing import Indexer

LIVE_CARDS = (Card.Status.ACTIVE, Card.Status.LOST)


@dataclass(frozen=True)
class Extra:
    """Columns that another floor takes from the file (balances, points): named in `IMPORTERS`.

    `check(values)` returns what is wrong with a row's values, "" for nothing; `take` gets pairs of
    member and values in the transaction in which the members were written.
    """

    columns: tuple[str, ...]
    check: Callable[[Mapping[str, str]], str]
    take: Callable[..., None]


@dataclass
class Judged:
    """A row with what is wrong with it ("" for nothing), and its values as they are kept."""

    row: Row
    words: str = ""
    known: bool = False
    taken: bool = False  # by this batch already, before a crash
    phone: str = ""
    plates: list[str] = field(default_factory=list)
    card: str = ""
    birthday: date | None = None
    joined_at: datetime | None = None
    grade: Grade | None = None
    phone_index: str = ""

    @property
    def masked(self) -> str:
        phone = mask_phone(self.phone) if self.phone else "*" * len(self.row.phone)
        return f"{mask_name(self.row.name)} {phone}".strip()


def extras() -> list[Extra]:
    """What other floors take from the file, by the names in settings."""
    return [import_string(path) for path in project.IMPORTERS]


def extra_columns() -> tuple[str, ...]:
    """Their columns."""
    return tuple(name for one in extras() for name in one.columns)


class Judge:
    """Tells good rows from bad and known ones; remembers what came before in the file."""

    def __init__(self, *, batch: ImportBatch, at: datetime) -> None:
        self.batch, self.at = batch, at
        self.index = Indexer()
        self._grades = {one.code: one for one in Grade.objects.filter(active=True)}
        self._adult = settings.whole("members.guardian_age", batch.station)
        self._extras = extras()
        self._seen: dict[str, int] = {}

    def judged(self, rows: Sequence[Row]) -> list[Judged]:
        """Every row of a part with its verdict. Three statements."""
        found = [self._alone(row) for row in rows]
        self._against_the_books(found)
        for one in found:
            if not one.words and not one.taken:
                self._against_the_file(one)
        return found

    def forget(self, rows: Sequence[Row]) -> None:
        """These rows were not written after all."""
        lines = {row.line for row in rows}
        self._seen = {key: line for key, line in self._seen.items() if line not in lines}

    def _alone(self, row: Row) -> Judged:
        one = Judged(row)
        try:
            one.phone = checked_phone(row.phone)
            one.plates = list(dict.fromkeys(checked_plate(plate) for plate in row.plates))
        except Refusal as refusal:
            one.words = str(refusal)
            return one
        one.phone_index = self.index("phone", one.phone)
        one.card = row.card
        one.words = self._dates(one) or self._rest(one)
        return one

    def _dates(self, one: Judged) -> str:
        if one.row.birthday:
            one.birthday = day_of(one.row.birthday)
            if one.birthday is None:
                return "生日看不懂，请写成 1990-04-22。"
            try:
                checked_birthday(one.birthday, at=self.at)
            except Refusal as refusal:
                return str(refusal)
            if age_at(one.birthday, at=self.at) < self._adult:
                return "未满 14 周岁须监护人同意，不能成批导入，请在收银台登记。"
        if one.row.joined:
            day = day_of(one.row.joined)
            if day is None or day.year < 1990 or day > self.at.date():
                return "入会日期看不懂或在今天之后，请写成 2020-04-22。"
            one.joined_at = datetime.combine(day, time(12), get_current_timezone())
        return ""

    def _rest(self, one: Judged) -> str:
        code = one.row.grade
        one.grade = self._grades.get(code) or self._grades.get(f"{code}#")
        if code and one.grade is None:
            return f"没有油品 {code[:10]}。"
        if one.card and not (4 <= len(one.card) <= 40 and one.card.isascii()):
            return "卡号不对：应为 4 到 40 位数字或字母。"
        return next((said for extra in self._extras if (said := extra.check(one.row.extra))), "")

    def _against_the_books(self, found: Sequence[Judged]) -> None:
        good = [one for one in found if not one.words]
        holders = dict(
            Member.objects.filter(phone_index__in=[one.phone_index for one in good])
            .exclude(status=Member.Status.CLOSED)
            .values_list("phone_index", "batch_id")
        )
        plates = {self.index("plate", plate) for one in good for plate in one.plates}
        taken = set(
            Vehicle.objects.filter(plate_index__in=plates, active=True).values_list(
                "plate_index", flat=True
            )
        )
        cards = set(
            Card.objects.filter(
                number__in=[one.card for one in good if one.card], status__in=LIVE_CARDS
            ).values_list("number", flat=True)
        )
        for one in good:
            if one.phone_index in holders:
                one.taken = holders[one.phone_index] == self.batch.pk
                if not one.taken:
                    one.known, one.words = True, "手机号已是会员，没有重复导入。"
            elif any(self.index("plate", plate) in taken for plate in one.plates):
                one.known, one.words = True, "车牌已在别的会员或单位名下。"
            elif one.card in cards:
                one.known, one.words = True, "卡号已经发出。"

    def _against_the_file(self, one: Judged) -> None:
        keys = [one.phone_index, *(f"车牌{plate}" for plate in one.plates)]
        keys += [f"卡{one.card}"] if one.card else []
        for key in keys:
            if self._seen.get(key, one.row.line) != one.row.line:
                one.known, one.words = True, f"与第 {self._seen[key]} 行的手机号、车牌或卡号重复。"
                return
        self._seen |= dict.fromkeys(keys, one.row.line)


def take(
    good: Sequence[Judged], *, batch: ImportBatch, at: datetime, actor: User, index: Indexer
) -> None:
    """Write the members of good rows with their plates, cards and consents. Seven statements."""
    if not good:
        return
    station = batch.station
    keys = sealing.new_keys(count=len(good), at=at)
    numbers = next_block(f"M{station.code}", width=6, count=len(good))
    members = Member.objects.bulk_create(
        _member(one, key, number, batch, at, index)
        for one, key, number in zip(good, keys, numbers, strict=True)
    )
    pairs = list(zip(members, good, strict=True))
    Vehicle.objects.bulk_create(
        Vehicle(
            member=member,
            plate_sealed=sealing.seal(member.key, plate),
            plate_index=index("plate", plate),
            plate_tail_index=index.tail("plate", plate),
            model=one.row.model[:40],
            grade=one.grade,
        )
        for member, one in pairs
        for plate in one.plates
    )
    Card.objects.bulk_create(
        Card(
            station=station,
            number=one.card,
            meaning="MEMBER_CARD",
            document=member.number,
            issued_at=one.joined_at or at,
        )
        for member, one in pairs
        if one.card
    )
    _agree(pairs, batch=batch, at=at, actor=actor)
    for extra in extras():
        told = [(member, one.row.extra) for member, one in pairs]
        extra.take(pairs=told, batch=batch, at=at, actor=actor)


def _agree(
    pairs: Sequence[tuple[Member, Judged]], *, batch: ImportBatch, at: datetime, actor: User
) -> None:
    """The policy for everybody, messages for who agreed to them in the old system."""
    version = policy_version(batch.station)
    Consent.objects.bulk_create(
        Consent(
            member=member,
            purpose=purpose,
            policy_version=version,
            given_at=at,
            given_channel=Channel.IMPORT,
            given_by=actor,
            evidence=f"导入 {batch.pk} 第 {one.row.line} 行",
        )
        for member, one in pairs
        for purpose in (["POLICY", "SMS"] if one.row.sms else ["POLICY"])
    )


def _member(
    one: Judged, key: DataKey, number: str, batch: ImportBatch, at: datetime, index: Indexer
) -> Member:
    birthday = one.birthday
    return Member(
        number=number,
        home_station=batch.station,
        key=key,
        batch=batch,
        name_sealed=sealing.seal(key, one.row.name[:40]),
        name_index=index("name", one.row.name),
        phone_sealed=sealing.seal(key, one.phone),
        phone_index=one.phone_index,
        phone_tail_index=index.tail("phone", one.phone),
        birthday_sealed=sealing.seal(key, birthday.isoformat()) if birthday else "",
        birthday_index=index("birthday", f"{birthday:%m%d}") if birthday else "",
        preferences_sealed=sealing.seal(key, one.row.preferences[:100]),
        joined_at=one.joined_at or at,
    )


@transaction.atomic
def forget(
    *, ids: Sequence[int], at: datetime, actor: User | None, empty: Mapping[str, str]
) -> None:
    """Close members by the thousand as `closing.forget` closes one. Six statements."""
    rows = Member.objects.filter(pk__in=ids)
    keys = list(rows.values_list("key_id", flat=True))
    numbers = list(rows.values_list("number", flat=True))
    Vehicle.objects.filter(member__in=ids).update(
        active=False, model="", plate_sealed="", plate_index="", plate_tail_index=""
    )
    Card.objects.filter(document__in=numbers, status__in=LIVE_CARDS).update(
        status=Card.Status.CANCELLED
    )
    Consent.objects.filter(member__in=ids, withdrawn_at=None).update(
        withdrawn_at=at, withdrawn_channel=Channel.IMPORT, withdrawn_by=actor
    )
    rows.update(status=Member.Status.CLOSED, closed_at=at, **empty)
    DataKey.objects.filter(pk__in=keys, destroyed_at=None).update(wrapped="", destroyed_at=at)
