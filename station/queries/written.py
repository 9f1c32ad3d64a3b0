"""Statements written by hand whose answers are rows of models.

For the few that every sale asks: composing one from a queryset takes longer than answering it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection
from django.db.models import Model


@dataclass(frozen=True, slots=True)
class Part:
    """A row in the answer: its model, its alias in the statement, and the attributes to read.

    All attributes where none is named; anything else of it is loaded when asked for.
    """

    model: type[Model]
    alias: str
    named: str = ""


@dataclass(frozen=True, slots=True)
class _Composed:
    """The statement with its columns, which of them make which row, and which are read first."""

    sql: str
    made: tuple[tuple[type[Model], list[str]], ...]
    read: tuple[tuple[int, Callable[[Any, None, Any], Any]], ...]

    def take_apart(self, answer: Sequence[Any]) -> tuple[list[Any], tuple[Any, ...]]:
        line = list(answer)
        for place, read in self.read:
            line[place] = read(line[place], None, connection)
        found: list[Any] = []
        start = 0
        for model, names in self.made:
            values = line[start : start + len(names)]
            found.append(model.from_db("default", names, values) if values[0] is not None else None)
            start += len(names)
        return found, tuple(line[start:])


class Written:
    """A statement with `{columns}` where the columns of its parts go, and what may follow them."""

    def __init__(self, statement: str, *parts: Part) -> None:
        self._statement, self._parts = statement, parts
        self._composed: _Composed | None = None

    def rows(self, values: Mapping[str, Any]) -> list[tuple[list[Any], tuple[Any, ...]]]:
        """The answer: of each line the rows of its parts, and what follows their columns.

        A part that an outer join did not find is None. One statement.
        """
        composed = self._composed
        if composed is None:  # not sooner: the models are not loaded when this module is
            composed = self._composed = _composed(self._statement, self._parts)
        with connection.cursor() as cursor:
            cursor.execute(composed.sql, values)
            return [composed.take_apart(line) for line in cursor.fetchall()]

    def one(self, values: Mapping[str, Any]) -> tuple[list[Any], tuple[Any, ...]] | None:
        """The first line of the answer, None where there is none."""
        return next(iter(self.rows(values)), None)


def _composed(statement: str, parts: Sequence[Part]) -> _Composed:
    """Made whole before anybody sees it: two threads that ask first at once make the same twice."""
    columns: list[str] = []
    made: list[tuple[type[Model], list[str]]] = []
    read: list[tuple[int, Callable[[Any, None, Any], Any]]] = []
    for part in parts:
        wanted = part.named.split()
        fields = [
            one for one in part.model._meta.concrete_fields if not wanted or one.attname in wanted
        ]
        made.append((part.model, [one.attname for one in fields]))
        for place, one in enumerate(fields, start=len(columns)):
            if hasattr(one, "from_db_value"):  # as json, which the driver leaves a text
                read.append((place, one.from_db_value))
        columns += [f"{part.alias}.{one.column}" for one in fields]
    sql = statement.replace("{columns}", ", ".join(columns))
    return _Composed(sql, tuple(made), tuple(read))
