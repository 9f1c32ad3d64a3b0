"""What the frame's search field finds on this floor: members and companies, masked; orders of the mall."""

from __future__ import annotations

import re

from django.db.models import Q, QuerySet
from django.urls import reverse

from members.models import Member, Redemption
from members.queries.cards import companies_of
from members.queries.finding import find
from station.access import may_do, role_at
from station.models import Station, User
from station.queries.search import Hit
from station.services.sealing import blind_index

CODE = re.compile(r"[2-9A-Z]{8}")  # of a service: what `services.redemptions` mints


def hits(*, query: str, user: User, stations: QuerySet[Station]) -> list[Hit]:
    """Members by phone, plate, number or last four; companies by name, number, phone, plate."""
    places = list(stations)
    rights = {place.pk: role_at(user, place) for place in places}
    known = [place for place in places if may_do(rights[place.pk], "members.view")]
    firms = [place for place in places if may_do(rights[place.pk], "members.companies")]
    found: list[Hit] = []
    if known:
        candidates = find(text=query)
        home = Member.objects.filter(
            pk__in=[one.member_id for one in candidates], home_station__in=known
        ).values_list("pk", flat=True)
        found += [
            Hit(
                "会员",
                one.number,
                reverse("members:member", args=[one.number]),
                " ".join((one.name, one.phone, *one.plates)),
            )
            for one in candidates
            if one.member_id in set(home)
        ]
    if firms:
        rows = companies_of(firms).filter(
            Q(name__icontains=query)
            | Q(number__iexact=query)
            | Q(phone_index=blind_index("phone", query))
            | Q(vehicles__plate_index=blind_index("plate", query), vehicles__active=True)
        )
        found += [
            Hit("单位客户", row.name, reverse("members:company", args=[row.number]), row.number)
            for row in rows.distinct().order_by("number")[:8]
        ]
    shops = [place for place in places if may_do(rights[place.pk], "members.rewards")]
    return found + _orders(query.strip().upper(), shops)


def _orders(text: str, shops: list[Station]) -> list[Hit]:
    """Orders of the mall by the number or code on their slip; other text costs no statement."""
    if not shops or not (text.startswith("DH") or CODE.fullmatch(text)):
        return []
    rows = Redemption.objects.filter(
        Q(number=text) | Q(code=text), station__in=shops
    ).select_related("reward")
    return [
        Hit("兑换单", one.number, reverse("members:redemption", args=[one.number]), one.reward.name)
        for one in rows
    ]
