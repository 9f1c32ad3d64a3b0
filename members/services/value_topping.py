"""充值: what may be topped up by whom, and the rows that a top-up and its refund leave."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from members.models import Member, TopUpPlan, ValueAccount
from members.services.value_keeping import Kind, ValueRefused, post
from station.models import BusinessDay, Station, User
from station.money import ZERO, Yuan
from station.queries.settings import texts

NAMED, BEARER = ValueAccount.Kind.NAMED, ValueAccount.Kind.BEARER
LIMITS = (
    "members.value_named_limit",
    "members.value_bearer_limit",
    "members.value_real_name_from",
    "members.value_named_real_name",
    "members.value_refund_days",
)
LAW = "《单用途商业预付卡管理办法（试行）》"


class OverLimit(ValueRefused):
    """More than the rules about prepaid cards allow; the words quote the rule."""


class RealNameNeeded(ValueRefused):
    """Who buys must be known by his papers; the words quote the rule."""


class PlanRefused(ValueRefused):
    """The plan is not for this account, amount or day."""


@dataclass(frozen=True)
class Limits:
    """What the station's settings say about stored value, in yuan."""

    named: Yuan
    bearer: Yuan
    real_name_from: Yuan
    named_needs_papers: bool
    refund_days: int


def limits_of(station: Station) -> Limits:
    """The limits as they are set at a station. One statement."""
    named, bearer, real_name, papers, days = texts(LIMITS, station).values()
    return Limits(Decimal(named), Decimal(bearer), Decimal(real_name), papers == "1", int(days))


def check(
    *,
    account: ValueAccount,
    amount: Yuan,
    bonus: Yuan,
    limits: Limits,
    bought: Yuan,
    buyer: Member | None,
) -> None:
    """Refuses what the rules forbid: OverLimit, RealNameNeeded. The account is locked.

    `bought` is what the same customer bought on bearer cards just before, in yuan; `buyer` a
    member whose papers were looked at.
    """
    if amount <= 0:
        raise ValueRefused("没有充值：金额应大于零。")
    limit = limits.named if account.kind == NAMED else limits.bearer
    after = account.balance + amount + bonus
    if after > limit:
        kind = "记名" if account.kind == NAMED else "不记名"
        raise OverLimit(
            f"没有充值：{LAW}第十八条规定单张{kind}卡限额 {limit} 元，"
            f"{account.number} 现有 {account.balance} 元，充后为 {after} 元。"
            f"本次最多再充 {max(limit - account.balance, ZERO)} 元（含赠金）。"
        )
    if account.kind == NAMED:
        if limits.named_needs_papers and not (account.member and account.member.id_number_index):
            raise RealNameNeeded(
                f"没有充值：{LAW}第十五条规定购买记名卡须登记身份证件。"
                "请先在会员资料里登记身份证号，再充值。"
            )
    elif bought + amount >= limits.real_name_from and not (buyer and buyer.id_number_index):
        raise RealNameNeeded(
            f"没有充值：{LAW}第十五条规定一次购买不记名卡满 {limits.real_name_from} 元须登记身份，"
            f"本次连同刚才已 {bought + amount} 元。请选购卡人（已登记身份证号的会员）后再充。"
        )


def check_plan(
    *, plan: TopUpPlan | None, account: ValueAccount, amount: Yuan, at: datetime
) -> Yuan:
    """What a plan gives on top, in yuan; zero without one. Refuses PlanRefused."""
    if plan is None:
        return ZERO
    day = at.date()
    in_force = plan.active and plan.since <= day and (plan.until is None or day <= plan.until)
    if not in_force:
        raise PlanRefused(f"没有充值：档位“{plan.name}”不在有效期内。请换一个档位或按金额充。")
    if plan.audience not in (TopUpPlan.Audience.ALL, account.kind):
        raise PlanRefused(f"没有充值：档位“{plan.name}”{plan.get_audience_display()}账户可用。")
    if plan.amount != amount:
        raise PlanRefused(f"没有充值：档位“{plan.name}”应收 {plan.amount} 元。请重新选择。")
    bonus: Yuan = plan.bonus
    return bonus


def book(
    *,
    account: ValueAccount,
    principal: Yuan,
    bonus: Yuan,
    document: str,
    day: BusinessDay,
    at: datetime,
    actor: User,
) -> None:
    """The rows of a top-up on a locked account: principal and bonus each their own."""
    common = {"account": account, "document": document, "day": day, "at": at, "actor": actor}
    post(kind=Kind.TOPUP, principal=principal, idem=f"topup:{document}", **common)  # type: ignore[arg-type]
    if bonus:
        post(kind=Kind.BONUS, bonus=bonus, idem=f"bonus:{document}", **common)  # type: ignore[arg-type]


def book_refund(
    *,
    account: ValueAccount,
    paid_out: Yuan,
    withheld: Yuan,
    bonus: Yuan,
    document: str,
    day: BusinessDay,
    at: datetime,
    actor: User,
) -> None:
    """The rows of a refund on a locked account: bonus taken back first, then principal paid out.

    `withheld` is principal kept for bonus that was spent already. Refuses NotEnoughValue.
    """
    common = {"account": account, "document": document, "day": day, "at": at, "actor": actor}
    if withheld or bonus:
        post(
            kind=Kind.RECOVER,
            principal=-withheld,
            bonus=-bonus,
            idem=f"recover:{document}",
            words=f"已用赠金抵扣本金 {withheld} 元" if withheld else "",
            **common,  # type: ignore[arg-type]
        )
    if paid_out:
        post(kind=Kind.REFUND, principal=-paid_out, idem=f"refund:{document}", **common)  # type: ignore[arg-type]
