"""The scenes: what happens in each scenario, stage by stage.

A stage waits until it is due, then acts on the virtual forecourt and says what the trainee sees.
What later stages and the checker need it puts into the attempt's facts.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final

from devices.models import Command
from devices.services.authorising import release_all
from finance.queries.practice.scene import Scene
from finance.services.practice import virtual
from finance.services.practice.forecourt import car, next_hundred, wish
from marketing.models import Coupon
from sales.models import Prepay, Tender
from sales.queries.sessions import FACES, tender_dues
from sales.services import sessions
from station.models import TillSession
from station.queries.wording import yuan
from station.services import sealing
from station.services.practice import PIN

ENOUGH = Decimal(3)  # litres that have run when something happens
WITHOUT_POWER = timedelta(seconds=15)
LONG_ENOUGH = timedelta(seconds=20)  # a break is a break
UNSEEN = timedelta(seconds=90)  # a line is mended though nobody looked
RELEASED_AFTER = timedelta(seconds=10)
LITTLE_SHORT = Decimal("10.00")


@dataclass(frozen=True)
class Stage:
    """One thing that happens: when it is due, and what it does and says."""

    due: Callable[[Scene, datetime], bool]
    act: Callable[[Scene, datetime], str]


def _at_once(scene: Scene, at: datetime) -> bool:
    return True


def _filled(scene: Scene, at: datetime) -> bool:
    return scene.fill is not None


def _flowing(scene: Scene, at: datetime) -> bool:
    return scene.litres_now >= ENOUGH


# ------------------------------------------------------------------ at the pump


def _arrives(*, litres: str = "", money: str = "", pays: bool = True) -> Stage:
    def act(scene: Scene, at: datetime) -> str:
        scene.facts["plate"] = car(scene, litres=litres, yuan=money, pays=pays)
        return f"一辆白色轿车停到 {scene.nozzle}，司机要加 {scene.nozzle.tank.grade}。"

    return Stage(_at_once, act)


def _pays_cash(scene: Scene, at: datetime) -> str:
    fill = scene.fill
    assert fill is not None
    given = next_hundred(fill.amount)
    scene.facts["given"] = str(given)
    return f"油加好了，{yuan(fill.amount)}。客人递来现金 {yuan(given)}。"


def _names_himself(scene: Scene, at: datetime) -> str:
    member = virtual.member_of(scene)
    phone = sealing.unseal(member.key, member.phone_sealed)
    coupon = Coupon.objects.select_related("template").get(pk=scene.facts["coupon"])
    return (
        f"油加好了。客人说：“我是会员，手机 {phone}，有一张「{coupon.template.name}」，用上。”"
        "付款方式随他，扫码就行。"
    )


def _member_arrives(scene: Scene, at: datetime) -> str:
    coupon = virtual.pick_coupon(scene, at)
    scene.facts["coupon"], scene.facts["member"] = coupon.pk, coupon.member_id
    scene.facts["plate"] = car(scene, yuan="260")
    return f"一辆车停到 {scene.nozzle}，司机加 260 元 {scene.nozzle.tank.grade}。"


def _wants_to_prepay(scene: Scene, at: datetime) -> str:
    scene.facts["amount"] = "200.00"
    return f"客人走进来：“{scene.nozzle}，先付 200 元。”他给了现金 ¥200.00。请收预付。"


def _prepaid_car(scene: Scene, at: datetime) -> str:
    scene.facts["plate"] = car(scene, litres="12")
    return f"预付收下了，{scene.nozzle} 已授权。车开到枪边加油。"


def _full_tank(scene: Scene, at: datetime) -> str:
    prepay = scene.prepay
    assert prepay is not None
    return f"油箱满了，没有加到 200 元。客人来要多付的 {yuan(prepay.refund_due)}。"


def _leaves_unpaid(scene: Scene, at: datetime) -> str:
    return f"那辆车没付钱就开走了！摄像头看到：白色轿车，车牌 {scene.facts['plate']}，往东去了。"


# ------------------------------------------------------------------ what breaks


def _cut_line(scene: Scene, at: datetime) -> str:
    line = scene.nozzle.dispenser.wiring.line
    scene.facts["line"], scene.facts["cut_at"] = line.name, at.isoformat()
    wish("break", line=line.name)
    return f"加油中，{line.name} 断了：看板上这几台机没有了读数，油还在流。看告警。"


def _line_is_due(scene: Scene, at: datetime) -> bool:
    cut = scene.moment("cut_at")
    if cut is None:
        return False
    return at - cut >= UNSEEN or (scene.alarm_seen and at - cut >= LONG_ENOUGH)


def _mend_line(scene: Scene, at: datetime) -> str:
    wish("mend", line=scene.facts["line"])
    return "电工把线接好了。客人在收银台等着付款：等他那笔油的记录补进来。"


def _caught_up(scene: Scene, at: datetime) -> str:
    return "断线时的那一笔补进来了。照常收款，收一次。"


def _cut_power(scene: Scene, at: datetime) -> str:
    scene.facts["cut_at"] = at.isoformat()
    wish("power", on=False)
    return "停电！加油机和采集程序都没有了电，油枪停了。收银台接着不间断电源，还亮着。"


def _power_is_due(scene: Scene, at: datetime) -> bool:
    cut = scene.moment("cut_at")
    return cut is not None and at - cut >= WITHOUT_POWER


def _give_power(scene: Scene, at: datetime) -> str:
    wish("power", on=True)
    return "来电了。加油机在重新启动，采集程序在重新连接。"


def _back_again(scene: Scene, at: datetime) -> str:
    return "停电前加的那一笔回来了。客人要付款，还要一张补打的小票。"


def _danger(scene: Scene, at: datetime) -> str:
    scene.facts["alarm_at"] = at.isoformat()
    return f"{scene.nozzle}旁边有人点烟，地上有油！快！"


def _stopped(scene: Scene, at: datetime) -> bool:
    alarm = scene.moment("alarm_at")
    stop = scene.ordered(Command.Kind.STOP_ALL, since=alarm) if alarm else None
    return stop is not None and at - stop.asked_at >= RELEASED_AFTER


def _safe_again(scene: Scene, at: datetime) -> str:
    if scene.leads:
        return "烟灭了，油吸干净了。现场安全，请解除急停。"
    manager = virtual.lead(scene)
    release_all(station=scene.attempt.station, actor=manager, at=at, reason="练习：现场已安全")
    return f"站长{manager}看过现场，安全了，由他解除了急停。"


def _pay_the_rest(scene: Scene, at: datetime) -> str:
    return "车停下时已加了一些油。收清这一笔。"


def _released(scene: Scene, at: datetime) -> bool:
    alarm = scene.moment("alarm_at")
    if alarm is None or scene.fill is None:
        return False
    return scene.ordered(Command.Kind.RELEASE_ALL, since=alarm) is not None


# ------------------------------------------------------------------ at the till


def _wants_two(scene: Scene, at: datetime) -> str:
    item = virtual.pick_item(scene)
    scene.facts["item"], scene.facts["name"] = item.pk, item.name
    return f"客人要两件「{item.name}」，付现金。"


def _two_sold(scene: Scene, at: datetime) -> bool:
    return scene.goods_sale is not None


def _brings_one_back(scene: Scene, at: datetime) -> str:
    asks = "" if scene.leads else f"审批请站长{virtual.lead(scene)}，练习口令 {PIN}。"
    return f"客人回来：“「{scene.facts['name']}」多拿了一件，没拆，退掉。”退他现金。{asks}"


def _time_to_go(scene: Scene, at: datetime) -> str:
    return "到点了，接班的人来了。请结束你的收银班，再按这里写的钱箱点款。"


def _ended(scene: Scene, at: datetime) -> bool:
    session = scene.session
    return session is not None and session.status == TillSession.Status.ENDED


def _open_the_drawer(scene: Scene, at: datetime) -> str:
    """Ten yuan less than there should be, where there is as much: a count that agrees proves little."""
    session = scene.session
    assert session is not None
    dues = tender_dues(session)
    cash = sum((due.expected for due in dues if due.tender.kind == Tender.Kind.CASH), Decimal(0))
    drawer = max(cash - LITTLE_SHORT, Decimal(0))
    notes = virtual.notes(drawer)
    slips = {
        due.tender.code: str(due.expected) for due in dues if due.tender.kind in virtual.ON_SLIPS
    }
    names = {due.tender.code: due.tender.name for due in dues}
    lying = "，".join(f"{name} {notes[face]} 张" for face, name in FACES if face in notes)
    papers = "".join(f"；{names[code]} 小票 {yuan(Decimal(told))}" for code, told in slips.items())
    scene.facts.update(notes=notes, slips=slips)
    scene.facts["drawer"] = str(sum((Decimal(face) * n for face, n in notes.items()), Decimal(0)))
    return f"钱箱里有：{lying or '没有钱'}{papers}。照实点。"


def _counted(scene: Scene, at: datetime) -> bool:
    session = scene.session
    return session is not None and session.status == TillSession.Status.COUNTED


def _accept(scene: Scene, at: datetime) -> str:
    session = scene.session
    assert session is not None
    receiver, approver = virtual.receiver(scene), virtual.lead(scene)
    codes = Tender.objects.values_list("code", flat=True)
    sessions.accept_count(
        session=session,
        receiver=receiver,
        reasons=dict.fromkeys(codes, "练习：钱箱由场景给出"),
        approver=approver,
        at=at,
        actor=receiver,
    )
    return f"{receiver} 接收了现金。可以交卷了。"


def _settled(scene: Scene, at: datetime) -> bool:
    return scene.prepay is not None and scene.prepay.status == Prepay.Status.SETTLED


def _taken(scene: Scene, at: datetime) -> bool:
    return scene.prepay is not None


SCENES: Final[dict[str, tuple[Stage, ...]]] = {
    "fill": (_arrives(litres="18"), Stage(_filled, _pays_cash)),
    "member": (Stage(_at_once, _member_arrives), Stage(_filled, _names_himself)),
    "prepay": (
        Stage(_at_once, _wants_to_prepay),
        Stage(_taken, _prepaid_car),
        Stage(_settled, _full_tank),
    ),
    "drive_off": (_arrives(litres="15", pays=False), Stage(_filled, _leaves_unpaid)),
    "lost_line": (
        _arrives(litres="15"),
        Stage(_flowing, _cut_line),
        Stage(_line_is_due, _mend_line),
        Stage(_filled, _caught_up),
    ),
    "power_cut": (
        _arrives(litres="40"),
        Stage(_flowing, _cut_power),
        Stage(_power_is_due, _give_power),
        Stage(_filled, _back_again),
    ),
    "stop": (
        _arrives(litres="60"),
        Stage(_flowing, _danger),
        Stage(_stopped, _safe_again),
        Stage(_released, _pay_the_rest),
    ),
    "refund": (Stage(_at_once, _wants_two), Stage(_two_sold, _brings_one_back)),
    "count": (
        Stage(_at_once, _time_to_go),
        Stage(_ended, _open_the_drawer),
        Stage(_counted, _accept),
    ),
}
