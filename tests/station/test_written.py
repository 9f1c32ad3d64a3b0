"""Statements written by hand: what threads of a fresh process ask at once is composed whole."""

from __future__ import annotations

import threading
import time

import pytest
from django.db import connection

from station.models import Station, Till
from station.queries.written import Part, Written
from tests import make


class Slow(str):
    """An alias at which a thread stays a while, so that another composes the statement meanwhile."""

    def __format__(self, how: str) -> str:
        time.sleep(0.02)
        return super().__format__(how)


@pytest.mark.django_db(transaction=True)
def test_two_who_ask_a_statement_first_at_once_get_whole_rows_and_so_does_who_asks_later():
    till = make.till(make.station())
    asked = Written(
        "SELECT {columns}, 7 FROM station_till t JOIN station_station s ON s.id = t.station_id",
        Part(Till, Slow("t"), "id station_id name"),
        Part(Station, "s"),
    )
    ready, answers = threading.Barrier(2), []

    def ask() -> None:
        try:
            ready.wait(10)
            answers.append(asked.rows({}))
        finally:
            connection.close()

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for one in threads:
        one.start()
    for one in threads:
        one.join(30)
    assert [*answers, asked.rows({})] == [[([till, till.station], (7,))]] * 3
