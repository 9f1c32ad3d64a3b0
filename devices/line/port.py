"""The only place that opens a port: `/dev/tty…`, `socket://…`, `rfc2217://…`."""

import io
import os
import select
import termios
import time

import serial

from devices.protocols.base import Seconds, SerialSettings

LONGEST_READ = 4096


class PortLost(OSError):
    """The port cannot be opened, or it went away."""


_TROUBLE = (OSError, serial.SerialException, termios.error, ValueError)


def _parity(url: str, settings: SerialSettings) -> str:
    """A pseudo-terminal has no parity; Linux refuses it there when the port is opened again."""
    return "N" if os.path.realpath(url).startswith("/dev/pts/") else settings.parity


class Port:
    """Bytes out and in, with a deadline. Every failure is PortLost."""

    def __init__(self, url: str, settings: SerialSettings) -> None:
        try:
            self._serial = serial.serial_for_url(
                url,
                baudrate=settings.baud,
                bytesize=settings.bits,
                parity=_parity(url, settings),
                stopbits=settings.stop,
                timeout=0,
                write_timeout=1,
            )
        except _TROUBLE as trouble:
            raise PortLost(str(trouble)) from trouble
        try:
            self._fd: int | None = self._serial.fileno()
        except (io.UnsupportedOperation, AttributeError):
            self._fd = None  # rfc2217 reads in a thread of its own

    def close(self) -> None:
        try:
            self._serial.close()
        except _TROUBLE:
            return  # it was lost before

    def send(self, data: bytes) -> None:
        try:
            self._serial.write(data)
        except _TROUBLE as trouble:
            raise PortLost(str(trouble)) from trouble

    def receive(self, patience: Seconds) -> bytes:
        """What has come, waiting at most so long for the first byte. Empty when nothing came."""
        try:
            return self._from_descriptor(patience) if self._fd is not None else self._from(patience)
        except PortLost:
            raise
        except _TROUBLE as trouble:
            raise PortLost(str(trouble)) from trouble

    def _from_descriptor(self, patience: Seconds) -> bytes:
        assert self._fd is not None
        ready, _, _ = select.select([self._fd], [], [], max(0.0, patience))
        if not ready:
            return b""
        data = os.read(self._fd, LONGEST_READ)
        if not data:
            raise PortLost("the other side closed")
        return data

    def _from(self, patience: Seconds) -> bytes:
        until = time.monotonic() + patience
        while True:
            waiting = self._serial.in_waiting
            if waiting:
                return bytes(self._serial.read(min(waiting, LONGEST_READ)))
            if time.monotonic() >= until:
                return b""
            time.sleep(0.002)
