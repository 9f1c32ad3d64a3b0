"""Checkers: what a trainee did in a scene, asked of the rows that his acts left.

Each takes a `Scene` and answers what was right and what was wrong, in words. Nothing is written.
"""

from __future__ import annotations

from datetime import timedelta
from decimal import Decimal

from devices.models import Command
from finance.queries.practice.scene import Finding, Scene
from marketing.models import Coupon
from members.queries.points import points_of
from sales.models import (
    DriveOff,
    FillClaim,
    LateEntry,
    Payment,
    Prepay,
    Receipt,
    Sale,
    SaleLine,
    SessionCount,
    Tender,
)
from station.money import ZERO
from station.queries.wording import yuan
from station.services.sealing import blind_index

CASH = Tender.Kind.CASH
STOP_WITHIN = timedelta(seconds=30)


def plain_fill(scene: Scene) -> list[Finding]:
    """Cash for a fill, with the change that was due."""
    found = [_paid_by_trainee(scene)]
    sale = scene.sale
    if sale is not None and "given" in scene.facts:
        found += _cash_and_change(sale, scene.yuan("given"))
    return found


def _cash_and_change(sale: Sale, given: Decimal) -> list[Finding]:
    took = _sum(sale, Payment.Kind.PAYMENT)
    back = -_sum(sale, Payment.Kind.CHANGE)
    return [
        _said(
            took == given,
            f"客人给的现金 {yuan(given)} 如数记上了",
            f"客人给了现金 {yuan(given)}，单上记的现金是 {yuan(took)}",
        ),
        _said(
            back == given - sale.due,
            f"找零 {yuan(back)} 对",
            f"应找 {yuan(given - sale.due)}，单上找了 {yuan(back)}",
        ),
    ]


def member_fill(scene: Scene) -> list[Finding]:
    """The member on the ticket, and a coupon or points of his used."""
    found = [_paid_by_trainee(scene)]
    sale = scene.sale
    if sale is None:
        return found
    used = Coupon.objects.filter(
        document=sale.number, state=Coupon.State.USED, member=scene.facts["member"]
    ).exists()
    points = points_of(document=sale.number).spent
    return [
        *found,
        _said(
            sale.member_id == scene.facts["member"],
            "会员选对了",
            "单上没有会员" if sale.member_id is None else "单上是另一位会员",
        ),
        _said(
            used or bool(points),
            "用了他的优惠券" if used else f"用了他的 {points} 积分",
            "没有用他的优惠券，也没有用积分",
        ),
    ]


def prepaid(scene: Scene) -> list[Finding]:
    """The prepay at the right nozzle for the right sum, and what was left over paid back."""
    wanted, prepay = scene.yuan("amount"), scene.prepay
    if prepay is None:
        return [Finding(False, f"没有在 {scene.nozzle} 收预付")]
    over = prepay.status == Prepay.Status.SETTLED
    return [
        _said(
            prepay.amount == wanted,
            f"在 {scene.nozzle} 收了预付 {yuan(wanted)}",
            f"预付应收 {yuan(wanted)}，收了 {yuan(prepay.amount)}",
        ),
        _said(over, "油加完，预付已结算", "预付还没有结算：车还没有加完油就交了卷"),
        _said(
            over and prepay.refunded_at is not None,
            f"多收的 {yuan(prepay.refund_due)} 已退给客人",
            "多收的钱没有退给客人",
        ),
    ]


def drove_off(scene: Scene) -> list[Finding]:
    """The unpaid fill is on record as a drive-off, with its plate, and nobody has sold it."""
    fill, claim = scene.fill, scene.claim
    gone = DriveOff.objects.filter(fill=fill).order_by("pk").last() if fill else None
    if gone is None or claim is None or claim.kind != FillClaim.Kind.DRIVE_OFF:
        words = (
            "这笔油还没有登记跑单" if claim is None else f"这笔油记成了{claim.get_kind_display()}"
        )
        return [Finding(False, words)]
    return [
        _said(gone.actor_id == scene.trainee.pk, "跑单是你登记的", f"跑单是 {gone.actor} 登记的"),
        _said(
            gone.plate_index == blind_index("plate", scene.facts["plate"]),
            "车牌记对了",
            "车牌没有记，或记错了：追款、再来时拦住它，都靠车牌",
        ),
    ]


def lost_line(scene: Scene) -> list[Finding]:
    """The alarm in hand, and the fill of the break sold once, from its record alone."""
    late = LateEntry.objects.filter(
        fill__nozzle=scene.facts["nozzle"], actor=scene.trainee, at__gte=scene.since
    )
    by_hand = SaleLine.objects.filter(
        kind=SaleLine.Kind.FUEL, fill=None, sale__cashier=scene.trainee,
        sale__occurred_at__gte=scene.since,
    )  # fmt: skip
    twice = late.exists() or by_hand.exists()
    return [
        _said(scene.alarm_seen, "看到告警并接手了", "断线的告警没有接手"),
        _paid_by_trainee(scene),
        _said(not twice, "这笔油没有卖两次", "断线时又补录或另卖了油：恢复后就成了两笔"),
    ]


def power_cut(scene: Scene) -> list[Finding]:
    """After the power cut: the fill sold in the same session, and its receipt printed again."""
    found, sale = [_paid_by_trainee(scene)], scene.sale
    if sale is None:
        return found
    again = Receipt.objects.filter(
        document=sale.number, kind=Receipt.Kind.REPRINT, asked_by=scene.trainee
    )
    return [
        *found,
        _said(
            sale.session_id == scene.facts["session"],
            "收银班接着用，没有另开",
            "停电前的收银班没有接着用",
        ),
        _said(again.exists(), "小票补打了", "客人要的小票没有补打"),
    ]


def emergency_stop(scene: Scene) -> list[Finding]:
    """Stopped in time, released by who may, and the fuel that had run paid for."""
    alarm = scene.moment("alarm_at")
    if alarm is None:
        return [Finding(False, "险情还没有出现就交了卷")]
    stop = scene.ordered(Command.Kind.STOP_ALL, since=alarm)
    if stop is None or stop.actor != scene.trainee:
        return [Finding(False, "没有按急停"), _paid_by_trainee(scene)]
    seconds = int((stop.asked_at - alarm).total_seconds())
    release = scene.ordered(Command.Kind.RELEASE_ALL, since=stop.asked_at)
    found = [
        _said(
            stop.asked_at - alarm <= STOP_WITHIN,
            f"险情出现 {seconds} 秒后按了急停",
            f"险情出现 {seconds} 秒后才按急停，应在 30 秒以内",
        ),
        _said(release is not None, "急停已解除", "急停没有解除，全站还不能加油"),
    ]
    if release is not None and scene.leads:
        found.append(
            _said(
                release.actor == scene.trainee,
                "急停是你确认安全后解除的",
                "急停不是你解除的：站长在场应由站长解除",
            )
        )
    return [*found, _paid_by_trainee(scene)]


def refund(scene: Scene) -> list[Finding]:
    """Two sold, one of them given back in cash, with a reason and who approved it."""
    sale = scene.goods_sale
    if sale is None:
        return [Finding(False, f"没有先卖出两件「{scene.facts['name']}」")]
    found = [Finding(True, f"卖出了两件「{scene.facts['name']}」")]
    back = Sale.objects.filter(original=sale, kind=Sale.Kind.REFUND).order_by("pk").first()
    if back is None:
        return [*found, Finding(False, "没有退款")]
    pieces = sum((-line.quantity for line in back.lines.all()), Decimal(0))
    money = Payment.objects.filter(sale=back, tender__kind=CASH)
    paid = sum((-one.amount for one in money), ZERO)
    return [
        *found,
        _said(pieces == 1, "退了一件", f"应退一件，退了 {pieces.normalize():f} 件"),
        _said(
            paid == -back.due,
            f"现金退了 {yuan(paid)}",
            f"应退现金 {yuan(-back.due)}，退了 {yuan(paid)}",
        ),
        _said(bool(back.reason.strip()), "写了退款原因", "没有写退款原因"),
    ]


def blind_count(scene: Scene) -> list[Finding]:
    """The drawer counted as it lies there, at the first go."""
    session = scene.session
    count = SessionCount.objects.filter(session=session).first() if session else None
    if "notes" not in scene.facts:
        return [Finding(False, "收银班还没有结束")]
    if count is None:
        return [Finding(False, "收银班结束了，还没有点款")]
    slips = {code: Decimal(one["amount"]) for code, one in count.slips.items()}
    told = {code: Decimal(amount) for code, amount in scene.facts["slips"].items()}
    wrong = [code for code in told if slips.get(code, ZERO) != told[code]]
    return [
        _said(
            count.denominations == scene.facts["notes"],
            f"钱箱 {yuan(count.cash_counted)} 一张不差",
            f"钱箱里是 {yuan(scene.yuan('drawer'))}，点成了 {yuan(count.cash_counted)}，或面额不对",
        ),
        _said(not wrong, "其他付款方式的小票对", "其他付款方式的小票金额没有照实填"),
        _said(count.attempt == 1, "一次点对", f"点了 {count.attempt} 次"),
    ]


def _paid_by_trainee(scene: Scene) -> Finding:
    """The fill of the scene is on a sale of the trainee."""
    fill, claim, sale = scene.fill, scene.claim, scene.sale
    if fill is None:
        return Finding(False, "车还没有加完油，没有可收的款")
    what = f"{fill.nozzle}的 {yuan(fill.amount)}"
    if claim is None:
        return Finding(False, f"{what} 还没有收款")
    if sale is None:
        return Finding(False, f"{what} 记成了{claim.get_kind_display()}，没有收款")
    return _said(
        sale.cashier_id == scene.trainee.pk,
        f"{what} 收在你的单上",
        f"{what} 收在 {sale.cashier} 的单上，不是你收的",
    )


def _sum(sale: Sale, kind: Payment.Kind) -> Decimal:
    rows = Payment.objects.filter(sale=sale, kind=kind, tender__kind=CASH)
    return sum(rows.values_list("amount", flat=True), ZERO)


def _said(ok: bool, right: str, wrong: str) -> Finding:
    return Finding(ok, right if ok else wrong)
