"""不记名卡到期: what is on a card stays its bearer's; it is renewed (激活), or given on a new card (换卡).

A new card is `value_accounts.reissue`; nothing is ever taken off a card for its age.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Count, F, Sum
from django.urls import reverse
from django.utils.timezone import localtime

from members.models import ValueAccount
from members.queries.value_expiry import cards_until, last_day_from, warns_until
from members.services.value_accounts import about
from members.services.value_keeping import Status, ValueRefused, locked_one
from station.models import Alert, Station, User
from station.money import ZERO
from station.queries.wording import local
from station.services import alerts

KEY = "members:bearer-cards"


@transaction.atomic
def renew(*, account: ValueAccount, at: datetime, actor: User) -> ValueAccount:
    """激活: the card is good from today as a new one is. Audited. Twice on a day is once.

    Refuses a named account, which never ends, a closed one, and a card that is good for long still.
    """
    held = locked_one(account)
    if held.kind != ValueAccount.Kind.BEARER or held.expires_on is None:
        raise ValueRefused(f"没有激活：{held.number} 是记名账户，没有有效期。")
    if held.status == Status.CLOSED:
        raise ValueRefused(f"没有激活：{held.number} 已换成新卡。")
    before, until = held.expires_on, last_day_from(station=held.station, at=at)
    if before >= until:
        return held
    if before > warns_until(station=held.station, at=at):
        raise ValueRefused(f"没有激活：{held.number} 到 {local(before)} 才到期，现在照常使用。")
    held.expires_on = until
    held.save(update_fields=["expires_on"])
    about(held).note(
        "members.value.renewed",
        at,
        actor,
        before={"有效期至": str(before)},
        after={"有效期至": str(until), "余额": str(held.balance)},
    )
    return held


def warn(*, at: datetime) -> None:
    """Tell each station of its cards with money that come near their last day, or are over it."""
    for station in Station.objects.filter(active=True):
        until = warns_until(station=station, at=at)
        told = cards_until(stations=[station], until=until).aggregate(
            cards=Count("pk"), worth=Sum(F("principal") + F("bonus"), default=ZERO)
        )
        if not told["cards"]:
            alerts.clear_alert(station=station, key=KEY, at=at)
            continue
        today = localtime(at).date()
        alerts.raise_alert(
            station=station,
            key=KEY,
            kind="不记名卡到期",
            level=Alert.Level.WARNING,
            text=f"{told['cards']} 张不记名卡 {(until - today).days} 天内到期或已过期，"
            f"余额共 {told['worth']} 元：请联系顾客来站激活或换卡，余额不清零。",
            url=f"{reverse('members:value_accounts')}?life=soon",
            at=at,
        )
