"""The key that a page sends with its form, so that a second click is not a second act."""

from __future__ import annotations

from station.errors import Refusal

LONGEST = 60


def check_key(key: str, *, refused: type[Refusal], undone: str) -> None:
    """Refuse a form without a key of its own: it would be done twice, or taken for another."""
    if not 0 < len(key) <= LONGEST:
        raise refused(f"{undone}：页面不完整。请刷新后重新填写。")
