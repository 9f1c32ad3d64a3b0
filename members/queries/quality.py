"""How good the member file is: what is missing, wrong and old."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal

from django.db.models import Count, Exists, OuterRef, Q

from members.models import Consent, DuplicatePair, Member, Vehicle
from members.queries.merging import LIVING
from station.models import Station
from station.queries import settings

DAYS_A_MONTH = 30.44


@dataclass(frozen=True, slots=True)
class Mark:
    """One thing that may be wrong: how many of how many, and what to do about it."""

    title: str
    sort: str  # 缺少, 存疑 or 过期
    count: int
    of: int
    advice: str

    @property
    def share(self) -> Decimal:
        return Decimal(self.count) / self.of if self.of else Decimal(0)


def stale_before(*, station: Station, at: datetime) -> datetime:
    """A profile that nobody confirmed since then is old. One statement."""
    months = settings.whole("members.confirm_months", station)
    return at - timedelta(days=round(min(months, 1200) * DAYS_A_MONTH))


def marks_of(*, stations: Iterable[Station], station: Station, at: datetime) -> list[Mark]:
    """What is missing, doubtful and old of the living members of some stations. Three statements."""
    places = list(stations)
    old = stale_before(station=station, at=at)
    rows = Member.objects.filter(home_station__in=places, status__in=LIVING)
    plate = Exists(Vehicle.objects.filter(member=OuterRef("pk"), active=True))
    policy = Exists(
        Consent.objects.filter(member=OuterRef("pk"), purpose="POLICY", withdrawn_at=None)
    )
    found = rows.aggregate(
        all=Count("pk"),
        name=Count("pk", filter=Q(name_sealed="")),
        phone=Count("pk", filter=Q(phone_sealed="")),
        plate=Count("pk", filter=~Q(plate)),
        birthday=Count("pk", filter=Q(birthday_sealed="")),
        policy=Count("pk", filter=~Q(policy)),
        stale=Count("pk", filter=Q(confirmed_at=None) | Q(confirmed_at__lt=old)),
        never=Count("pk", filter=Q(confirmed_at=None)),
    )
    pairs = DuplicatePair.objects.filter(
        dismissed_at=None,
        first__status__in=LIVING,
        second__status__in=LIVING,
        first__home_station__in=places,
    ).count()
    total = found["all"]
    return [
        Mark("手机号", "缺少", found["phone"], total, "下次到站时补登记"),
        Mark("姓名", "缺少", found["name"], total, "可不填；合并重复会员要用"),
        Mark("车牌", "缺少", found["plate"], total, "下次加油时登记，认车就快"),
        Mark("生日", "缺少", found["birthday"], total, "愿意说才填，生日礼要用"),
        Mark("隐私政策同意", "缺少", found["policy"], total, "请顾客看过政策后登记同意"),
        Mark("可能重复", "存疑", pairs, total, "到「可能重复」里比较、合并"),
        Mark("从没核对过的资料", "存疑", found["never"], total, "导入的资料，收银台会问一次"),
        Mark("太久没核对的资料", "过期", found["stale"], total, "收银台会在下次到站时问一次"),
    ]
