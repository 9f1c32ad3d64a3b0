"""The station that the tests of this floor sell at."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from django.db import connection

from tests.finance import days
from tests.finance.days import Site


@pytest.fixture
def site(db: None) -> Site:
    return days.site()


@pytest.fixture
def without_shared_lock(transactional_db: None) -> Iterator[Callable[[], None]]:
    """Take the shared lock out of the guard of closed days; put back afterwards."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_get_functiondef('refuse_closed_day'::regproc)")
        (whole,) = cursor.fetchone()

    def weaken() -> None:
        with connection.cursor() as cursor:
            cursor.execute(whole.replace("FOR KEY SHARE", ""))

    yield weaken
    with connection.cursor() as cursor:
        cursor.execute(whole)
