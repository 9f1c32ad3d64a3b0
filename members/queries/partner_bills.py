"""A partner's file of a month, read: his number, the move, his points."""

from __future__ import annotations

import re
from collections.abc import Sequence

from members.models.statements import Move
from members.queries.import_files import Unreadable, cells

HEADS = {
    "no": ("对方单号", "单号", "订单号", "no"),
    "move": ("事由", "方向", "类型", "way"),
    "points": ("对方积分", "积分", "points"),
}
MOVES = {str(label): str(value) for value, label in Move.choices} | {
    str(value): str(value) for value in Move.values
}
MOST_ROWS, MOST = 50_000, 10**8
Line = tuple[str, str, int]


def read_bill(name: str, content: bytes) -> list[Line]:
    """The lines of a file, each number and move once. Raises Unreadable with words."""
    rows = cells(name, content)
    head = next(rows, None)
    if head is None:
        raise Unreadable("文件是空的，请选有内容的文件。")
    places = _places(head)
    found: dict[tuple[str, str], int] = {}
    for number, row in enumerate(rows, start=2):
        told = {key: row[at] if at < len(row) else "" for key, at in places.items()}
        if not told["no"] or not told["move"]:
            continue  # a sum at the foot, or an empty line
        if number > MOST_ROWS:
            raise Unreadable(f"行数太多：一次最多 {MOST_ROWS} 行。")
        key = (told["no"][:40], _move(told["move"], number))
        if key in found:
            raise Unreadable(f"第 {number} 行重复：{told['no']} {told['move']} 已经有了。")
        found[key] = _points(told["points"], number)
    if not found:
        raise Unreadable("文件里没有逐笔，只有表头。")
    return [(no, move, points) for (no, move), points in found.items()]


def _places(head: Sequence[str]) -> dict[str, int]:
    plain = [cell.strip().lower() for cell in head]
    places = {}
    for key, names in HEADS.items():
        at = next((plain.index(name) for name in names if name in plain), None)
        if at is None:
            raise Unreadable(f"第一行缺少列「{names[0]}」。")
        places[key] = at
    return places


def _move(text: str, number: int) -> str:
    move = MOVES.get(text.strip()) or MOVES.get(text.strip().upper())
    if move is None:
        known = "、".join(str(label) for _, label in Move.choices)
        raise Unreadable(f"第 {number} 行的事由「{text[:20]}」看不懂，应为 {known}。")
    return move


def _points(text: str, number: int) -> int:
    """His points without their sign: the move says which way they went."""
    plain = text.replace(",", "").strip().lstrip("+-")
    if not re.fullmatch(r"\d{1,9}", plain, re.ASCII) or int(plain) > MOST:
        raise Unreadable(f"第 {number} 行的积分「{text[:20]}」不对，应为整数。")
    return int(plain)
