"""Why a port, a printer or a file did not open, in words: no path, no number of an error."""

from __future__ import annotations

import errno
import termios
from collections.abc import Iterator
from typing import Final

_WORDS: Final = {
    errno.ENOENT: "找不到：线没有插好，或地址写错了",
    errno.ENODEV: "找不到：线没有插好，或地址写错了",
    errno.ENXIO: "找不到：线没有插好，或地址写错了",
    errno.ENOTDIR: "找不到：线没有插好，或地址写错了",
    errno.EACCES: "没有权限打开，请让系统管理员授权",
    errno.EPERM: "没有权限打开，请让系统管理员授权",
    errno.EBUSY: "端口正被别的程序占用",
    errno.EAGAIN: "端口正被别的程序占用",
    errno.EIO: "连接断开了，请检查接线",
    errno.EPIPE: "连接断开了，请检查接线",
    errno.ECONNRESET: "连接断开了，请检查接线",
    errno.ECONNREFUSED: "对方没有在接受连接，请检查它的电源和端口号",
    errno.ETIMEDOUT: "对方没有应答，请检查电源和网线",
    errno.EHOSTUNREACH: "网络不通，请检查网线和地址",
    errno.ENETUNREACH: "网络不通，请检查网线和地址",
    errno.ENOSPC: "磁盘满了",
    errno.EROFS: "磁盘不可写",
    errno.EISDIR: "地址是一个文件夹，应为文件",
}
_UNKNOWN: Final = "打不开，或中途断开了，请检查接线和电源"


def said_of(error: BaseException) -> str:
    """What went wrong with a wire, for whoever stands before it. The log has the technical text."""
    for one in _chain(error):
        if isinstance(one, TimeoutError):
            return _WORDS[errno.ETIMEDOUT]
        if isinstance(one, OSError) and one.errno in _WORDS:
            return _WORDS[one.errno]
        if isinstance(one, termios.error):
            return "这不是一个串口，请核对端口"
        if isinstance(one, ValueError | TypeError):
            return "地址写得不对，请修改后再试"
    return _UNKNOWN


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The error and those it was raised from: pyserial wraps what the system said."""
    seen: BaseException | None = error
    while seen is not None:
        yield seen
        seen = seen.__cause__ or seen.__context__
