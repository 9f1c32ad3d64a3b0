"""兑换 at the till: the order and its slip in one transaction, and the slip once more when asked for."""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from devices.models import Printer
from members.models import Redemption
from members.services import redemption_endings, redemptions
from members.services.presence import Presence
from members.services.redemptions import Wish
from members.services.risk import kept
from sales.models import Receipt
from sales.services.papers import NotPrintable
from sales.services.printing import PRINT
from station.models import Station, Till, User
from station.services.waking import wake


@kept()
@transaction.atomic
def redeem(
    *, wish: Wish, presence: Presence, hand_out: bool, at: datetime, actor: User
) -> Redemption:
    """Redeem for a member at a till and ask for the slip. The same key is the same order and slip.

    Refuses what `members.services.redemptions.redeem` refuses; never for want of a printer.
    """
    order = redemptions.redeem(wish=wish, presence=presence, at=at, actor=actor, hand_out=hand_out)
    if wish.till is not None:
        _queue(order, wish.till, 1, at, actor)
    return order


def known(*, key: str, member_id: int, reward_id: int) -> Redemption | None:
    """The order that a key made before: nobody proves to be present twice for it."""
    return Redemption.objects.filter(
        client_key=key, member=member_id, reward=reward_id, points_txn__isnull=False
    ).first()


def use_code(*, code: str, station: Station, at: datetime, actor: User) -> Redemption:
    """Use up a service's code, once. Refuses UnknownCode, AlreadyEnded, NotPaid."""
    return redemption_endings.verify(code=code, station=station, at=at, actor=actor)


@transaction.atomic
def print_again(*, order: Redemption, till: Till, copy: int, at: datetime, actor: User) -> Receipt:
    """补打兑换单. The same copy twice is one paper. Refuses NotPrintable without a printer."""
    Redemption.objects.select_for_update(no_key=True).get(pk=order.pk)
    receipt = _queue(order, till, max(copy, 2), at, actor)
    if receipt is None:
        raise NotPrintable("没有补打：本台没有在用的打印机。兑换单号和核销码在屏幕上。")
    return receipt


def _queue(order: Redemption, till: Till, copy: int, at: datetime, actor: User) -> Receipt | None:
    printer = Printer.objects.filter(till=till, active=True).order_by("pk").first()
    if printer is None:
        return None
    receipt, made = Receipt.objects.get_or_create(
        document=order.number,
        kind=Receipt.Kind.REWARD,
        copy=copy,
        defaults={
            "station_id": order.station_id,
            "printer": printer,
            "asked_by": actor,
            "asked_at": at,
        },
    )
    if made:
        wake(PRINT)
    return receipt
