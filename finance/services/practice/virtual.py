"""Who and what a scene needs besides the trainee: a manager, who takes over, a member, goods, notes."""

from __future__ import annotations

from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from finance.queries.practice.scene import Scene
from inventory.models import Item, StockBalance
from marketing.models import Coupon
from members.models import Member
from sales.models import Tender
from sales.queries.sessions import FACES
from station.errors import Refusal
from station.models import Assignment, PracticeEntry, User
from station.models.people import Role

ON_SLIPS: Final = (Tender.Kind.SLIP, Tender.Kind.MANUAL)
STILL_GOOD = timedelta(hours=1)


class NothingLeft(Refusal):
    """The practice station has nothing more of what the scene needs."""


def lead(scene: Scene) -> User:
    """A manager or owner who is nobody's trainee where there is one. Refuses NothingLeft."""
    return _someone(scene, (Role.MANAGER, Role.OWNER))


def receiver(scene: Scene) -> User:
    """Who takes the drawer over: a cashier, else a lead."""
    try:
        return _someone(scene, (Role.CASHIER,))
    except NothingLeft:
        return lead(scene)


def _someone(scene: Scene, roles: tuple[Role, ...]) -> User:
    held = Assignment.objects.filter(role__in=roles, user__is_active=True).exclude(
        user=scene.trainee
    )
    here = held.filter(station__in=[scene.attempt.station]) | held.filter(station=None)
    people = [one.user for one in here.select_related("user").order_by("role", "pk")]
    came = set(PracticeEntry.objects.values_list("user_id", flat=True))
    people.sort(key=lambda one: one.pk in came)
    if not people:
        raise NothingLeft("练习站里没有别的站长，这个科目演不下去。请技术人员重建练习站。")
    return people[0]


def pick_coupon(scene: Scene, at: datetime) -> Coupon:
    """A coupon for fuel in the hands of a member, which the scene's sale can use. Refuses NothingLeft."""
    rows = Coupon.objects.filter(
        state=Coupon.State.ISSUED,
        member__status=Member.Status.ACTIVE,
        valid_from__lte=at,
        valid_until__gt=at + STILL_GOOD,
        template__tenders=[],
        template__threshold__lte=200,
    ).exclude(member__phone_sealed="")
    found = rows.order_by("?").first()
    if found is None:
        raise NothingLeft(
            "没有开始：练习站里会员手上的券用完了。请站长在练习站的“营销 → 券批次”里再发一批。"
        )
    return found


def member_of(scene: Scene) -> Member:
    """The member of the scene."""
    return Member.objects.select_related("key").get(pk=scene.facts["member"])


def pick_item(scene: Scene) -> Item:
    """Goods that are on the shelf and whose name is easy to find. Refuses NothingLeft."""
    stocked = StockBalance.objects.filter(
        station=scene.attempt.station, place__selling=True, quantity__gte=4
    )
    items = Item.objects.filter(kind=Item.Kind.GOODS, active=True, pk__in=stocked.values("item"))
    found = items.order_by("-is_favourite", "?").first()
    if found is None:
        raise NothingLeft("没有开始：练习站的货架空了。请先在练习站的“商品”里入库一些。")
    return found


def notes(amount: Decimal) -> dict[str, int]:
    """The fewest notes and coins of an amount; what is less than a jiao stays out of the drawer."""
    counted = {}
    for face, _ in FACES:
        number, amount = divmod(amount, Decimal(face))
        if number:
            counted[face] = int(number)
    return counted
