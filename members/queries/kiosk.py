"""What a kiosk shows of the member who stands there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from devices.models import Kiosk
from members.models import KioskVisit, Member, Tier, ValueAccount
from members.queries.cards import card_of
from members.queries.points import Wallet, wallet_of
from members.queries.signins import digest
from members.queries.tiers import tier_at
from members.queries.value import account_of_member

IDLE = timedelta(seconds=60)  # on the screen; the server waits a little longer for its last word
GRACE = timedelta(seconds=15)
LONGEST = timedelta(minutes=15)
PROOF_LIFE = timedelta(minutes=2)


@dataclass(frozen=True)
class Balance:
    """What a member has: points, stored value and tier; name and phone masked."""

    name: str
    phone: str
    wallet: Wallet
    account: ValueAccount | None
    tier: Tier | None


def visit_of(*, token: str, kiosk: Kiosk, at: datetime) -> KioskVisit | None:
    """The visit of a token at this kiosk, while it lasts. One statement."""
    if not token:
        return None
    rows = KioskVisit.objects.filter(
        token_hash=digest("kiosk", token),
        kiosk=kiosk,
        ended_at=None,
        idle_until__gt=at,
        expires_at__gt=at,
    )
    return rows.select_related(
        "kiosk__station", "kiosk__printer", "member__key", "member__home_station"
    ).first()


def balance_of(*, member: Member, at: datetime) -> Balance:
    """What the kiosk's first page says."""
    card = card_of(member)
    return Balance(
        card.name,
        card.phone,
        wallet_of(member_id=member.pk, at=at),
        account_of_member(member.pk),
        tier_at(member_id=member.pk, at=at),
    )


def has_proof(visit: KioskVisit, *, at: datetime) -> bool:
    """Whether the member showed himself to be there and has not spent on it yet."""
    return visit.proof_at is not None and at - visit.proof_at <= PROOF_LIFE
