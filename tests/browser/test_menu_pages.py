"""Every page of the menu, as the people who use it see it: whole, reachable by finger, readable."""

import pytest

from station.context import menu_of
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.fixture
def station():
    """A station at work: two grades, a fill to pay, a till session."""
    made = make.station(name="滇池路加油站")
    nozzle = make.nozzle(made)
    make.nozzle(made, grade=make.grade("95#"))
    make.price(made, make.grade("92#"))
    make.price(made, make.grade("95#"), "8.13")
    make.session(made)
    make.fill(nozzle)
    make.nozzle_state(nozzle)
    return made


@pytest.mark.req("SEC-09", "SEC-10")
@pytest.mark.timeout(300)
def test_every_page_of_the_menu_passes_at_every_width(look, station):
    troubles, seen = [], set()
    for role in ("MANAGER", "CASHIER", "OWNER"):
        look.at(1440, as_=make.user(role, station))
        pages = {page.href for section in menu_of(role) for page in section.pages} - seen
        for href in sorted(pages):
            look.open(href)
            troubles += _troubles(look)
            look.shoot(f"menu-{href.strip('/').replace('/', '-') or 'home'}")
        seen |= pages
    assert len(seen) > 15
    assert not troubles, "\n".join(troubles)


def _troubles(look) -> list[str]:
    found = []
    for width in (1024, 390, 1440):
        look.resize(width)
        try:
            look.check(axe=width != 1024)
        except AssertionError as trouble:
            found.append(str(trouble).split("\n", 1)[0] + _found(trouble))
    return found


def _found(trouble: AssertionError) -> str:
    lines = str(trouble).splitlines()
    return f": {lines[1].strip()}" if len(lines) > 1 else ""
