"""Who belongs together in the demo: a family, a company with its drivers, a partner, and the goals."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.utils.timezone import localdate

from finance.services.demonstration.site import Site
from members.models import ExchangeOrder, Member, MemberTarget, Pool, PoolMember
from members.queries.present_codes import code_for
from members.services import companies, exchange_partners, exchanges, pools, targets, vehicles
from members.services.exchanges import Asked
from members.services.pools import Terms

DRIVERS = ("云AF6012", "云AF6035")
Measure, Way = MemberTarget.Measure, ExchangeOrder.Way


def gather(site: Site, *, members: Sequence[Member], at: datetime) -> None:
    """A family of three, a company with two drivers, and a partner; `members` are in no pool yet."""
    family(site, members[:3], at)
    company(site, members[3:5], at)
    if len(members) > 5:
        partner(site, members[5:], at)


def family(site: Site, members: Sequence[Member], at: datetime) -> Pool:
    """The head and who said yes to him; all that they earn goes into one purse."""
    pool = pools.open_family(head=members[0], share_pct=100, at=at, actor=None)
    for member in members[1:]:
        terms = Terms(can_spend=True, cap_month=2000)
        _join(pools.invite(pool=pool, member=member, terms=terms, at=at, actor=None), terms, at)
    return pool


def company(site: Site, drivers: Sequence[Member], at: datetime) -> Pool:
    """A haulier whose cars bring half of their drivers' points of fuel into its pool."""
    made = companies.add_company(
        station=site.station, name="昆明滇和物流有限公司", tax_no="91530100DEMO00001X", contact="何志强",
        phone="0871-63550000", bank_account="", at=at, actor=site.manager,
    )  # fmt: skip
    pool = pools.open_company(company=made, at=at, actor=site.manager)
    terms = Terms(share_pct=50, can_spend=False)
    for plate, member in zip(DRIVERS, drivers, strict=False):
        car = vehicles.add_vehicle(
            owner=made, plate=plate, at=at, actor=site.manager, model="福田欧曼", tank_litres=400
        )
        place = pools.invite(
            pool=pool, member=member, terms=terms, at=at, actor=site.manager, vehicle=car
        )
        _join(place, terms, at)
    return pool


def _join(place: PoolMember, terms: Terms, at: datetime) -> None:
    pools.accept(place=place, seen=terms, at=at, actor=None)


def partner(site: Site, members: Sequence[Member], at: datetime) -> None:
    """A supermarket whose points are exchanged with ours, once in and once out."""
    made, _ = exchange_partners.add_partner(
        station=site.station, code="HUIMIN", name="惠民超市", at=at, actor=site.manager
    )
    today = localdate(at)
    terms = {
        "ratio_out": 125,
        "ratio_in": 80,
        "least": 50,
        "most": 2000,
        "daily": 2000,
        "daily_all": 20_000,
        "fee": 5,
        "valid_from": today,
        "valid_until": today + timedelta(days=180),
    }
    program = exchange_partners.plan(partner=made, values=terms, at=at, actor=site.manager)
    exchange_partners.approve(program=program, at=at, actor=site.owner)
    asked = Asked(made, "HM-0001", Way.IN, members[0].number, 500)
    exchanges.exchange(asked=asked, at=at)
    rich = next((one for one in members if one.points.balance > 500), None)
    if rich is not None:
        code = code_for(member_id=rich.pk, at=at)
        exchanges.exchange(asked=Asked(made, "HM-0002", Way.OUT, code, 200), at=at)


def set_targets(site: Site, *, at: datetime, members: int) -> None:
    """What membership should come to this month, and what it should have come to in the last one."""
    today = localdate(at)
    first = today.replace(day=1)
    last = (first + timedelta(days=32)).replace(day=1) - timedelta(days=1)
    before = (first - timedelta(days=1)).replace(day=1)
    for since, until in ((first, last), (before, first - timedelta(days=1))):
        for measure, goal in (
            (Measure.JOINED, round(members * 0.055)),
            (Measure.BUYERS, round(members * 0.8)),
            (Measure.CONVERSION, 95),
        ):
            values = {"measure": measure, "since": since, "until": until, "goal": max(goal, 1)}
            targets.save(row=None, values=values, station=site.station, actor=site.owner, at=at)
