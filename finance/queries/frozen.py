"""Frozen values as JSON and back: the same bytes for the same figures, on any day.

Decimals become strings with the places they carry, dates ISO text, tuples lists. Reading back
needs the dataclass, which says what each field was.
"""

from __future__ import annotations

import hashlib
import json
import types
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_json(value: object) -> Any:
    """A frozen dataclass (or a part of one) as plain JSON values. Refuses (TypeError) a float."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: to_json(getattr(value, field.name)) for field in fields(value)}
    if isinstance(value, tuple | list):
        return [to_json(part) for part in value]
    if isinstance(value, dict):
        return {str(key): to_json(part) for key, part in value.items()}
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime | date):
        return value.isoformat()
    if value is None or isinstance(value, str | int):
        return value
    raise TypeError(f"{type(value).__name__} cannot be frozen")


def from_json(kind: type[T], body: Any) -> T:
    """The dataclass that `to_json` wrote. Fields that the body does not know keep their default."""
    hints = _hints(kind)
    values = {
        field.name: _read(hints[field.name], body[field.name])
        for field in fields(cast(Any, kind))
        if field.name in body
    }
    return kind(**values)


def digest(body: Any) -> str:
    """SHA-256 of the canonical text of JSON values."""
    text = json.dumps(body, ensure_ascii=False, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()


_HINTS: dict[type, dict[str, Any]] = {}


def _hints(kind: type) -> dict[str, Any]:
    if kind not in _HINTS:
        _HINTS[kind] = get_type_hints(kind)
    return _HINTS[kind]


def _read(hint: Any, value: Any) -> Any:
    origin = get_origin(hint)
    if origin in (Union, types.UnionType):
        if value is None:
            return None
        return _read(next(part for part in get_args(hint) if part is not type(None)), value)
    if origin is tuple:
        return tuple(_read(get_args(hint)[0], part) for part in value)
    if is_dataclass(hint):
        return from_json(cast(type[Any], hint), value)
    if hint is Decimal:
        return Decimal(value)
    if hint is datetime:
        return datetime.fromisoformat(value)
    if hint is date:
        return date.fromisoformat(value)
    return value
