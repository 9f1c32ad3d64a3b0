"""Background work of membership: points, tiers, orders of the mall, messages, duplicates, old files."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from members.services import (
    closed_leftovers,
    duplicates,
    exchange_calls,
    exporting,
    gifts,
    points_sweeping,
    reminders,
    risk_shares,
    signins,
    texting,
    tiers,
    value_expiry,
    value_rewards,
)
from members.services.partners import ask_waiting
from members.services.redemption_endings import expire_due


@shared_task(ignore_result=True)
def evaluate_tiers(**kwargs: object) -> None:
    """Evaluate every member's tier after midnight; a night that was missed is made up by the next."""
    tiers.evaluate_all(at=now())


@shared_task(ignore_result=True)
def expire_points(**kwargs: object) -> None:
    """After local midnight: take out what was good until yesterday, in ranges of accounts."""
    points_sweeping.expire_all(at=now())


@shared_task(ignore_result=True)
def mature_points(**kwargs: object) -> None:
    """After local midnight: make usable what has waited long enough."""
    points_sweeping.mature_all(at=now())


@shared_task(ignore_result=True)
def watch_shares(**kwargs: object) -> None:
    """After midnight: whose sales go too often to one member or to members of his own."""
    risk_shares.watch(at=now())


@shared_task(ignore_result=True)
def find_duplicates(**kwargs: object) -> None:
    """Propose the pairs of members that look like one person, once a night."""
    duplicates.find(at=now())


@shared_task(ignore_result=True)
def sweep_closed(**kwargs: object) -> None:
    """End what members who are closed still hold: orders, gifts, seats, points, coupons; once a night."""
    closed_leftovers.sweep(at=now())


@shared_task(ignore_result=True)
def drop_old_exports(**kwargs: object) -> None:
    """Empty the files of personal data whose days are over, once a night."""
    exporting.drop_old(at=now())


@shared_task(ignore_result=True)
def expire_redemptions(**kwargs: object) -> None:
    """End the orders of the points mall whose last day is over."""
    expire_due(at=now())


@shared_task(ignore_result=True)
def ask_partners(**kwargs: object) -> None:
    """Ask partners about the orders that wait for them."""
    ask_waiting(at=now())


@shared_task(ignore_result=True)
def top_up_rewards(**kwargs: object) -> None:
    """Put on members' accounts what points bought: when one is redeemed, and every 30 seconds."""
    value_rewards.top_up_waiting(at=now())


@shared_task(ignore_result=True)
def warn_bearer_cards(**kwargs: object) -> None:
    """Every morning: tell each station of its bearer cards with money that end soon or are over."""
    value_expiry.warn(at=now())


@shared_task(ignore_result=True)
def forget_codes(**kwargs: object) -> None:
    """Delete codes of phones that no limit counts any more, and partners' requests of before yesterday."""
    signins.forget_codes(before=now())
    exchange_calls.forget_calls(at=now())


@shared_task(ignore_result=True)
def remind_expiring(**kwargs: object) -> None:
    """By day, each hour: tell who has points whose last day comes near and was not told."""
    reminders.remind_expiring(at=now())


@shared_task(ignore_result=True)
def remind_reached(**kwargs: object) -> None:
    """Tell who reached the balance that is worth redeeming: when points are earned, and every 30 seconds."""
    reminders.remind_reached(at=now())


@shared_task(ignore_result=True)
def tell_tiers(**kwargs: object) -> None:
    """Bring what became of a tier to its member's phone: when it moves, and every 30 seconds."""
    reminders.tell_tiers(at=now())


@shared_task(ignore_result=True)
def send_texts(**kwargs: object) -> None:
    """Send the texts that wait: when a message wants one, and every 30 seconds."""
    texting.send_waiting(at=now())


@shared_task(ignore_result=True)
def make_gifts(**kwargs: object) -> None:
    """Every morning: gifts for the birthdays that come near, and for who has not come for long."""
    at = now()
    gifts.give_birthdays(at=at)
    gifts.wake_sleepers(at=at)
