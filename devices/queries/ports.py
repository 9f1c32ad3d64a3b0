"""Where a wire or a paper goes: what a port is called, and which places may be written to at all."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from django.conf import settings

# pyserial knows more (spy:// writes a log to any file); a station needs these.
SCHEMES: Final = {"socket": "串口服务器", "rfc2217": "串口服务器（RFC 2217）"}
PAPERS: Final = "receipts"


def port_kind(url: str) -> str:
    """What a port is, in a word. The path itself stands only where it is edited."""
    scheme, separator, _ = url.partition("://")
    return SCHEMES.get(scheme.lower(), "未知") if separator else "串口"


def is_port(url: str) -> bool:
    """A serial device, or a converter on the network; nothing else that pyserial could open."""
    scheme, separator, _ = url.partition("://")
    return bool(url.strip()) and (not separator or scheme.lower() in SCHEMES)


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
