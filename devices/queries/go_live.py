"""What the machines lack before a station can go live."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from django.utils.timezone import localtime

from devices.models import NozzleState, Printer, ReadRule
from devices.protocols import table
from devices.queries.equipment import current_certificates
from devices.queries.standing import standings
from devices.queries.status import lines, unwired
from devices.queries.totalizers import latest
from station.models import Nozzle, Station
from station.queries.go_live import Finding
from station.queries.prices import prices_at


def findings(*, station: Station, at: datetime) -> list[Finding]:
    """Wiring, answering lines, opening totalizers, prices held by the pumps, verifications and
    certificates, printers, rules."""
    printers = Printer.objects.filter(station=station, active=True).exists()
    rules = ReadRule.objects.filter(station=station, active=True).exists()
    return [
        *_wires(station, at),
        *_nozzles(station, at),
        *_papers(station, at),
        Finding(
            "设备", "小票打印机", printers, "没有打印机，小票只能看屏幕", "devices:printers", True
        ),
        Finding("设备", "读取规则", rules, "没有刷卡扫码规则", "devices:rules", True),
    ]


def _wires(station: Station, at: datetime) -> Iterator[Finding]:
    bare = unwired(station=station)
    yield Finding("设备", "加油机接线", not bare, f"{bare} 台加油机没有接线", "devices:dispensers")
    for status in lines(station=station, at=at):
        listens = status.line.protocol not in table.PUMPS
        yield Finding(
            "设备",
            f"线路 {status.line}",
            status.tone == "good",
            status.error or status.word,
            "devices:status",
            optional=listens,
        )


def _nozzles(station: Station, at: datetime) -> Iterator[Finding]:
    readings = latest(station=station)
    posted = prices_at(station=station, at=at)
    states = NozzleState.objects.filter(nozzle__station=station).in_bulk()
    nozzles = Nozzle.objects.filter(station=station, active=True).select_related("tank")
    for nozzle in nozzles.order_by("number"):
        yield Finding(
            "泵码",
            f"{nozzle}初始泵码",
            nozzle.pk in readings,
            "还没有读到泵码",
            "devices:status",
        )
        held = states[nozzle.pk].unit_price if nozzle.pk in states else None
        wanted = posted.get(nozzle.tank.grade_id)
        yield Finding(
            "价格",
            f"{nozzle}机上价格",
            held is not None and held == wanted,
            f"机上 {held or '未读到'}，挂牌价 {wanted or '未定'}",
            "sales:prices",
        )


def _papers(station: Station, at: datetime) -> Iterator[Finding]:
    """What an inspector asks for. It warns: a station may go live while an institute is on its way."""
    words: dict[str, list[str]] = {}
    for nozzle, now in standings(station=station, at=at):
        if now.tone != "good":
            words.setdefault(now.word, []).append(str(nozzle.number))
    missing = "；".join(f"{'、'.join(numbers)} 号枪{word}" for word, numbers in words.items())
    yield Finding("计量", "加油机检定", not words, missing, "devices:tests", True)
    over = current_certificates(station=station).filter(valid_until__lt=localtime(at).date())
    named = "、".join(f"{row.equipment.number} {row.get_kind_display()}" for row in over[:5])
    yield Finding("计量", "设备证书", not named, f"已过期：{named}", "devices:certificates", True)
