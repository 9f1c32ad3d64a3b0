"""Where a wire or a paper goes: what a port is called, and which places may be written to at all."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.conf import settings

# pyserial knows more (spy:// writes a log to any file); a station needs these.
SCHEMES: Final = {"socket": "串口服务器", "rfc2217": "串口服务器（RFC 2217）"}
CARDS: Final = {"pcsc": "PC/SC 读卡器"}
PAPERS: Final = "receipts"
DONE: Final = "done"  # of what a camera dropped
BAD: Final = "bad"
TAKING: Final = "taking"  # by one of several workers


def port_kind(url: str) -> str:
    """What a port is, in a word. The path itself stands only where it is edited."""
    scheme, separator, _ = url.partition("://")
    return {**SCHEMES, **CARDS}.get(scheme.lower(), "未知") if separator else "串口"


def is_card_port(url: str) -> bool:
    """A PC/SC reader by its name, or the first one that is plugged in."""
    return url.startswith("pcsc://")


def is_port(url: str) -> bool:
    """A serial device, or a converter on the network; nothing else that pyserial could open."""
    scheme, separator, _ = url.partition("://")
    return bool(url.strip()) and (not separator or scheme.lower() in SCHEMES)


def box_of(line: int) -> str:
    """The folder of a line's frames in the black box (`devices.line.wiring.LineWiring.box`)."""
    return f"line{line}"


def black_box() -> Path:
    """Where the frames of all lines lie."""
    return Path(settings.VAR_DIR, "blackbox")


def paper_folder() -> Path:
    """The one folder that a printer of kind FILE writes to."""
    return Path(settings.VAR_DIR, PAPERS)


def paper_file(target: str) -> Path | None:
    """The file a printer's name means, inside the folder; None where it would lie outside."""
    folder = paper_folder().resolve()
    try:
        path = (folder / target.strip()).resolve()  # an absolute name replaces the folder
    except (OSError, ValueError, RuntimeError):
        return None
    return path if path.is_relative_to(folder) and path != folder else None


def drop_folder(name: str) -> Path:
    """Where a camera of files drops what it read."""
    return Path(settings.VAR_DIR, "plates", name)
