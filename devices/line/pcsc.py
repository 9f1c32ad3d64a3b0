"""A PC/SC reader as a port: what is sent is a command APDU, what is received its response.

pyscard is asked for only where such a reader is wired, since it needs the system's PC/SC service.
"""

from __future__ import annotations

import importlib.util
import time
from typing import Any

from devices.line.port import Port, PortLost
from devices.protocols.base import Seconds
from devices.protocols.pcsc import ABSENT

SCHEME = "pcsc://"
MISSING = "本机没有装 pyscard，PC/SC 读卡器不能用。请让系统管理员安装 pcscd 和 pyscard"


class ReaderLost(PortLost):
    """The reader is not there, or the machine has no PC/SC; `words` say which."""

    def __init__(self, words: str) -> None:
        super().__init__(words)
        self.words = words


def installed() -> bool:
    """Whether this machine can speak PC/SC at all."""
    return importlib.util.find_spec("smartcard") is not None


class PcscPort(Port):
    """Command APDUs out, responses in; ABSENT where no card lies. Every failure is ReaderLost."""

    def __init__(self, url: str) -> None:
        if not installed():
            raise ReaderLost(MISSING)
        self._name = url.removeprefix(SCHEME)
        self._system = importlib.import_module("smartcard.System")
        self._trouble = importlib.import_module("smartcard.Exceptions")
        self._reader = self._find()
        self._card: Any = None
        self._heard: list[bytes] = []

    def close(self) -> None:
        self._let_go()

    def send(self, data: bytes) -> None:
        try:
            card = self._card or self._connected()
            answer, sw1, sw2 = card.transmit(list(data))
            self._heard.append(bytes(answer) + bytes((sw1, sw2)))
        except self._trouble.NoCardException:
            self._absent()
        except self._trouble.SmartcardException:  # taken away in the middle, or the reader was
            self._absent()

    def receive(self, patience: Seconds) -> bytes:
        """The response that waits; else nothing, after so long."""
        if self._heard:
            return self._heard.pop(0)
        time.sleep(max(0.0, patience))
        return b""

    def _connected(self) -> Any:
        card = self._reader.createConnection()
        card.connect()
        self._card = card
        return card

    def _absent(self) -> None:
        self._let_go()
        self._reader = self._find()
        self._heard.append(ABSENT)

    def _let_go(self) -> None:
        card, self._card = self._card, None
        if card is None:
            return
        try:
            card.disconnect()
        except self._trouble.SmartcardException:
            return  # it is away already

    def _find(self) -> Any:
        """The reader by its name, the first one where none is named."""
        try:
            found = self._system.readers()
        except self._trouble.SmartcardException as trouble:
            raise ReaderLost("系统的 PC/SC 服务没有运行，请让系统管理员启动 pcscd") from trouble
        for one in found:
            if not self._name or self._name in str(one):
                return one
        raise ReaderLost("找不到这台 PC/SC 读卡器，请检查插好没有、名称写对没有")
