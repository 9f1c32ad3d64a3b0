"""A waiting row is tried: what is refused is written beside it, and it waits on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django.db import transaction
from django.db.models import QuerySet

from station.errors import Refusal

LONGEST = 200


def tried(act: Callable[[], bool], *, waiting: QuerySet[Any]) -> bool:
    """Do it in a transaction of its own; whether it was done.

    What is refused is taken back whole, and its words stand in `words` of `waiting`, which is read
    anew: a row that another has ended meanwhile is left alone, one that says the same already too.
    """
    try:
        with transaction.atomic():
            return act()
    except Refusal as refusal:
        words = str(refusal)[:LONGEST]
    waiting.exclude(words=words).update(words=words)
    return False
