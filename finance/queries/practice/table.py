"""The table of scenarios (科目): what each is for, for whom, how long, its hints and its checker."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from finance.queries.practice import checks
from finance.queries.practice.scene import Finding, Scene
from station.models.people import Role

CASHIER, MANAGER, OWNER = Role.CASHIER.value, Role.MANAGER.value, Role.OWNER.value
HINT_COSTS = 10  # points


@dataclass(frozen=True)
class Scenario:
    """One 科目. `alone`: it moves the whole forecourt, so nobody else practises meanwhile.

    `at_pump`: a car comes to a dispenser of its own.
    """

    slug: str
    title: str
    goal: str
    minutes: int
    roles: tuple[str, ...]
    hints: tuple[str, ...]
    check: Callable[[Scene], list[Finding]]
    at_pump: bool = True
    alone: bool = False


SCENARIOS: Final = (
    Scenario(
        "fill",
        "普通加油收款",
        "车加完油，客人给整百现金，收款找零。",
        6,
        (CASHIER, MANAGER),
        (
            "收银台左边“待付款”里点这把枪的那笔，上单。",
            "按和客人给的一样的面额，或用数字键打出金额再按“现金”，找零自己算出来。",
        ),
        checks.plain_fill,
    ),
    Scenario(
        "member",
        "会员加优惠券、积分",
        "客人报手机号，要用券或积分。",
        8,
        (CASHIER, MANAGER),
        (
            "按 F7，打客人报的手机号，核对尾号后选上会员。",
            "会员上单后，能用的券自己列出来，系统已经挑了最合算的；没有勾上就点一下。",
        ),
        checks.member_fill,
    ),
    Scenario(
        "prepay",
        "预付加油、退多收的",
        "客人先付 200 元，没加满；多的退给他。",
        8,
        (CASHIER, MANAGER),
        (
            "收银台的“预付”：选枪，金额 200，现金。",
            "加完油，“预付”里这一单写着应退多少，点退款。",
        ),
        checks.prepaid,
    ),
    Scenario(
        "drive_off",
        "逃单",
        "车加完油没付钱开走了。",
        8,
        (CASHIER, MANAGER, OWNER),
        (
            "在收银台或看板上点开那一笔待付款，找“跑单”。",
            "填上看到的车牌；车牌一个字也不能错。",
        ),
        checks.drove_off,
    ),
    Scenario(
        "lost_line",
        "断线",
        "加油中线路断了：看告警，不重复卖，恢复后收款。",
        10,
        (MANAGER, OWNER),
        (
            "“设备 → 告警”里点开通讯中断的那一条，按“我来处理”。",
            "断线时不要补录：等线路恢复，这一笔会自己补进待付款，再照常收款。",
        ),
        checks.lost_line,
        alone=True,
    ),
    Scenario(
        "power_cut",
        "停电",
        "加油中停电：来电后收款，收银班接着用，补打小票。",
        10,
        (MANAGER, OWNER),
        (
            "来电后等半分钟，停电前加的那笔会出现在待付款。",
            "收完款，在“最近”（F10）里找到这一单，按“补打”。",
        ),
        checks.power_cut,
        alone=True,
    ),
    Scenario(
        "stop",
        "急停与解除",
        "现场有险情：三十秒内急停，安全后解除，收清停下的那笔。",
        8,
        (CASHIER, MANAGER, OWNER),
        (
            "每一页右上角的红色“急停”。",
            "解除在现场看板上，要写原因；收银员等站长来解除。",
        ),
        checks.emergency_stop,
        alone=True,
    ),
    Scenario(
        "refund",
        "退款",
        "卖出两件，客人退一件。",
        8,
        (CASHIER, MANAGER, OWNER),
        (
            "“销售单”里打开那一单，按“退款”；收银员按“申请退款”。",
            "数量填 1，写原因；申请时选审批人，由他输口令（练习里大家的口令一样）。",
        ),
        checks.refund,
        at_pump=False,
    ),
    Scenario(
        "count",
        "交接班盲点",
        "结束收银，照钱箱里的实数点款。",
        8,
        (CASHIER, MANAGER),
        (
            "“收银班”里打开自己的那一班，按“结束收银”。",
            "照这里写的张数填面额，不要凑账：差多少都照实。",
        ),
        checks.blind_count,
        at_pump=False,
    ),
)
BY_SLUG: Final = {one.slug: one for one in SCENARIOS}
TITLES: Final = {one.slug: one.title for one in SCENARIOS}


def points(findings: list[Finding], hints: int) -> int:
    """Out of a hundred: the share that was right, less ten for each hint."""
    if not findings:
        return 0
    right = sum(one.ok for one in findings)
    return max(0, round(100 * right / len(findings)) - HINT_COSTS * hints)
