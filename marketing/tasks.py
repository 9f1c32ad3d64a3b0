"""Background work of offers."""

from __future__ import annotations

from celery import shared_task
from django.utils.timezone import now

from marketing.services import gifts, locking, locks, promotions, reminders, rewards


@shared_task(ignore_result=True)
def end_promotions(**kwargs: object) -> None:
    """Each minute: mark promotions whose time is over."""
    promotions.end_over(at=now())


@shared_task(ignore_result=True)
def expire_coupons(**kwargs: object) -> None:
    """Each minute: let go coupons of baskets left standing, then expire those whose time is over."""
    at = now()
    locking.release_stale(at=at)
    locking.expire(at=at)


@shared_task(ignore_result=True)
def expire_locks(**kwargs: object) -> None:
    """Each minute: take back the litres of locked prices whose time is over."""
    locks.expire(at=now())


@shared_task(ignore_result=True)
def issue_reward_coupons(**kwargs: object) -> None:
    """Issue the coupons that points bought: when one is redeemed, and every 30 seconds."""
    rewards.issue_waiting(at=now())


@shared_task(ignore_result=True)
def remind_coupons(**kwargs: object) -> None:
    """By day, each hour: tell who has coupons whose last day comes near and was not told."""
    reminders.remind_coupons(at=now())


@shared_task(ignore_result=True)
def give_gifts(**kwargs: object) -> None:
    """Give the coupons and points of gifts: when one is made, and every 30 seconds."""
    gifts.give_waiting(at=now())
