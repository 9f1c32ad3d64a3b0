"""What the phone of an attendant shows: the pumps where he stands, and what to say to a member."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.core.signing import BadSignature, Signer
from django.db.models import Count, Q
from django.utils.timezone import localtime

from devices.models import Fill
from members.models import Purchase
from sales.models import FillClaim
from sales.queries.selling import fills_to_sell
from sales.queries.wall import Pump, Wall
from station.models import Crew, Island, Station, TillSession, User

USUAL = timedelta(days=180)
NAMED_LIFE = timedelta(minutes=15)  # from being found to the money
_SEAL = Signer(salt="sales.attending.member")
Status = TillSession.Status


@dataclass(frozen=True)
class Usual:
    """The grade that a member mostly takes."""

    grade: str
    times: int


def islands_of(station: Station) -> list[Island]:
    """Where somebody may stand."""
    return list(Island.objects.filter(station=station, active=True).order_by("number"))


def post_of(*, user: User, station: Station) -> Island | None:
    """The island that the shift on duty gave him; None where it gave none."""
    rows = Crew.objects.filter(user=user, shift__station=station, shift__status="OPEN")
    found = rows.exclude(island=None).select_related("island").first()
    return found.island if found else None


def pumps_at(wall: Wall, island: Island | None) -> list[Pump]:
    """The pumps of an island, or all of them."""
    return [one for one in wall.pumps if island is None or one.island == str(island)]


def mark_of(pumps: list[Pump]) -> str:
    """Changes when anything that the phone shows has changed."""
    return "-".join(tile.digest for pump in pumps for tile in pump.tiles)


def session_of(*, user: User, station: Station) -> TillSession | None:
    """The session whose money he holds: open, or ended and not handed over yet."""
    rows = TillSession.objects.filter(cashier=user, station=station).exclude(status=Status.CLOSED)
    found = rows.select_related("station", "till", "cashier", "shift__day")
    return min(found, key=lambda one: (one.status != Status.OPEN, -one.pk), default=None)


def fill_to_pay(*, pk: int, station: Station, at: datetime) -> Fill | None:
    """A fill with whose it is: claim, prepay and lease. One statement."""
    return fills_to_sell(ids=[pk], station=station, at=at).get(pk)


def basket_key(*, fill_id: int, session: TillSession) -> str:
    """The key of a fill's basket: two taps are one sale, and what was reversed is paid anew."""
    claims = FillClaim.objects.filter(fill=fill_id, released_at__isnull=False).count()
    return f"phone:{session.pk}:{fill_id}:{claims}"


def named(*, member_id: int, fill_id: int, session: TillSession, at: datetime) -> str:
    """A member who was found for a fill, sealed for the hidden fields of its bill.

    A session is one person's: what he seals is good for him, for this fill, and not for long.
    """
    told = [member_id, fill_id, session.pk, session.cashier_id, int(at.timestamp())]
    return _SEAL.sign_object(told)


def read_named(*, text: str, fill_id: int, session: TillSession, at: datetime) -> int | None:
    """The member whom a bill names; None for what was not sealed here, for this fill, just now."""
    try:
        member_id, *of, since = _SEAL.unsign_object(text)
    except (BadSignature, ValueError):
        return None
    age = at.timestamp() - since
    if of != [fill_id, session.pk, session.cashier_id] or age > NAMED_LIFE.total_seconds():
        return None
    return int(member_id)


def usual_of(*, member_id: int, at: datetime) -> Usual | None:
    """The grade that a member took most often in half a year. One statement."""
    rows = (
        Purchase.objects.filter(
            Q(member=member_id) | Q(member__merged_into=member_id),
            kind="FUEL",
            net__gt=0,
            occurred_at__gt=localtime(at) - USUAL,
        )
        .values("product")
        .annotate(times=Count("document", distinct=True))
        .order_by("-times", "product")
    )
    first = rows.first()
    return Usual(first["product"], first["times"]) if first else None
