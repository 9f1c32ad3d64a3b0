"""Find out what hangs on a port: reading only, from a shell on the machine that has the port."""

from __future__ import annotations

import json
import sys
from argparse import ArgumentParser
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import DatabaseError, InterfaceError
from django.utils.timezone import localtime, now
from serial.tools import list_ports

from devices.line.port import PortBusy, PortLost
from devices.line.probe.findings import Findings, Frame
from devices.line.probe.run import probe, probed
from devices.line.probe.session import Session
from devices.protocols import table
from devices.queries.ports import is_port
from devices.queries.probes import line_that_polls
from devices.queries.site import SECURITY
from station.queries.trouble import said_of

NOT_FOUND, REFUSED, STOPPED = 1, 2, 130
ARROWS = {">": "→ 发出", "<": "← 收到", "!": "！杂讯"}
BUSY = (
    "没有试接：端口正被别的程序占用，多半是采集程序。"
    "请先在「设备 → 接线」停用这条线路（或停掉占用它的程序），再试"
)


class Command(BaseCommand):
    help = "试接：找出端口上是什么设备，只读不写；找到退出码为 0，没有为 1，不能试为 2"

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument(
            "url", nargs="?", help="/dev/ttyUSB0、socket://主机:端口 或 rfc2217://…"
        )
        parser.add_argument("--list", action="store_true", help="列出本机串口和可试的协议")
        parser.add_argument("--protocol", choices=list(probed()), help="不写就逐个试")
        parser.add_argument("--address", type=int, help="只问这一个地址，须写明协议")
        parser.add_argument("--security", default="", help="液位仪的 6 位安全码，主机启用时才写")
        parser.add_argument("--json", action="store_true", help="结果只以 JSON 打印")

    def handle(self, *args: Any, **options: Any) -> None:
        if options["list"]:
            self._list()
            return
        url, protocol, address = options["url"], options["protocol"] or "", options["address"]
        _refuse(url, protocol, address, options["security"])
        self._as_json = bool(options["json"])
        self._said = ""
        frames: list[Frame] = []
        session = Session(
            Findings(url),
            saw=lambda one: self._saw(one, frames),
            tell=self._tell,
            security=options["security"],
        )
        try:
            found = probe(session, protocol=protocol, address=address)
        except KeyboardInterrupt:
            self.stderr.write("已停止，端口已放开")
            sys.exit(STOPPED)
        except PortBusy as busy:
            raise CommandError(BUSY, returncode=REFUSED) from busy
        except PortLost as lost:
            raise CommandError(f"没有试接：端口{said_of(lost)}", returncode=REFUSED) from lost
        self._show(found, frames)
        if not found.found:
            sys.exit(NOT_FOUND)

    def _list(self) -> None:
        self.stdout.write("本机串口：")
        ports = sorted(list_ports.comports())
        for port in ports:
            self.stdout.write(f"  {port.device}  {port.description}")
        if not ports:
            self.stdout.write("  没有找到；USB 转换器是否插好？")
        self.stdout.write("可试的协议：")
        for key, entry in probed().items():
            self.stdout.write(f"  {key}  {entry.label}，{table.serial_in_words(entry.serial)}")
        others = "、".join(one.label for key, one in table.READERS.items() if table.serves(key))
        self.stdout.write(f"不用试接：{others}，系统按名称认得，接没接上看「设备状态」")

    def _saw(self, one: Frame, frames: list[Frame]) -> None:
        frames.append(one)
        if not self._as_json:
            at = localtime(datetime.fromtimestamp(one.at_ms / 1000, tz=now().tzinfo))
            moment = f"{at:%H:%M:%S}.{one.at_ms % 1000:03d}"
            raw = one.raw.hex(" ").upper()
            self.stdout.write(f"{moment} {ARROWS[one.direction]}  {raw}  {one.words}")

    def _tell(self, words: str) -> None:
        if words != self._said:
            self._said = words
            self.stderr.write(words)

    def _show(self, found: Findings, frames: list[Frame]) -> None:
        body = found.body()
        if self._as_json:
            body["frames"] = [one.body() for one in frames]
            self.stdout.write(json.dumps(body, ensure_ascii=False, indent=1))
            return
        for words in found.words:
            self.stdout.write(words)
        for one in body["dispensers"]:
            self.stdout.write(f"  {one['address_words']}：{json.dumps(one, ensure_ascii=False)}")
        if body["proposal"]:
            self.stdout.write(json.dumps(body["proposal"], ensure_ascii=False))


def _refuse(url: str | None, protocol: str, address: int | None, security: str) -> None:
    """What cannot be tried at all, and a line that a poller is polling."""
    why = ""
    pumps = table.PUMPS.get(protocol)
    if not url or not is_port(url):
        why = "请写端口：串口（如 /dev/ttyUSB0）或串口服务器（socket://、rfc2217://）；--list 列出本机串口"
    elif security and (len(security) != SECURITY or not security.isascii()):
        why = f"安全码是 {SECURITY} 位字母、数字或符号"
    elif address is not None and pumps is None:
        why = "写了地址就要写加油机的协议（--protocol）"
    elif address is not None and pumps is not None and not pumps.takes(address):
        lowest, highest = pumps.addresses[0], pumps.addresses[-1]
        why = f"{pumps.label} 的地址是 {lowest} 到 {highest}，{address} 不是"
    else:
        try:
            held = line_that_polls(url, at=now())
        except (DatabaseError, InterfaceError):
            held = None  # without the database the port's own lock decides
        if held is not None:
            why = (
                f"没有试接：端口是在用的线路「{held}」，采集程序正在用它。"
                "请先在「设备 → 接线」停用这条线路，再试"
            )
    if why:
        raise CommandError(why, returncode=REFUSED)
