"""现场看板: 32 nozzles on one screen, three statements, a 304 when nothing changed."""

import re
from datetime import timedelta
from decimal import Decimal

import pytest
from django.urls import reverse
from django.utils.timezone import now

from devices.models import Line, LineState
from devices.services import authorising
from sales.models import FillClaim, FillLease
from sales.queries import wall as asked
from tests import make

pytestmark = pytest.mark.django_db


class Forecourt:
    def __init__(self, pumps=2, nozzles=2):
        self.station = make.station()
        self.day = make.day(self.station, date=now().date(), opened_at=now())
        self.nozzles = []
        for _ in range(pumps):
            head = make.dispenser(self.station)
            for code in ("92#", "95#", "98#", "0#")[:nozzles]:
                self.nozzles.append(make.nozzle(self.station, make.grade(code), dispenser=head))
        for nozzle in self.nozzles:
            make.nozzle_state(nozzle, "IDLE", since=now(), unit_price=Decimal("7.85"))
        line = Line.objects.create(
            station=self.station, name="1 号线", url="/dev/ttyS0", protocol="DART"
        )
        self.line = LineState.objects.create(line=line, is_open=True, written_at=now())

    def wall(self, at=None):
        return asked.wall(station=self.station, at=at or now())


@pytest.fixture
def ground():
    return Forecourt()


def browser_of(ground, role=make.cashier):
    return make.signed_in(role(ground.station))


def refresh(browser, wall, etag=None):
    seen = ",".join(f"{tile.pk}:{tile.digest}" for tile in wall.tiles)
    headers = {"wall-tiles": seen, "wall-head": wall.head_digest}
    if etag:
        headers["if-none-match"] = etag
    return browser.get(reverse("sales:wall_tiles"), headers=headers)


def test_every_state_has_its_word_and_its_colour(ground):
    words = {}
    for state in ("OFFLINE", "IDLE", "CALLING", "AUTHORISED", "FUELLING", "SUSPENDED", "STOPPED"):
        make.nozzle_state(ground.nozzles[0], state)
        tile = ground.wall().tiles[0]
        words[tile.word] = tile.css
    ground.nozzles[1].active = False
    ground.nozzles[1].save()
    make.fill(ground.nozzles[2], at=now())
    held = make.fill(ground.nozzles[3], at=now())
    FillLease.objects.create(
        fill=held,
        session=make.session(ground.station),
        leased_at=now(),
        expires_at=now() + timedelta(minutes=5),
    )
    words |= {tile.word: tile.css for tile in ground.wall().tiles[1:]}
    assert words == {
        "离线": "offline",
        "空闲": "idle",
        "提枪": "calling",
        "已授权": "authorised",
        "加油中": "fuelling",
        "暂停": "calling held",
        "急停": "off",
        "停用": "off",
        "待付款": "due",
        "已锁定": "locked",
    }


def test_fills_are_stacked_oldest_first_until_they_are_claimed(ground):
    nozzle = ground.nozzles[0]
    fills = [make.fill(nozzle, litres, at=now()) for litres in ("10", "20", "30")]
    tile = ground.wall().tiles[0]
    assert [fill.pk for fill in tile.fills] == [fill.pk for fill in fills]
    assert (tile.owed, tile.more, tile.since) == (Decimal("471.00"), 1, fills[0].occurred_at)
    FillClaim.objects.create(
        station=ground.station,
        fill=fills[0],
        kind="SALE",
        document="S1",
        day=fills[0].day,
        claimed_at=now(),
    )
    assert [fill.pk for fill in ground.wall().tiles[0].fills] == [fill.pk for fill in fills[1:]]
    make.nozzle_state(nozzle, "FUELLING")
    assert ground.wall().tiles[0].word == "加油中"  # the next car fuels; the badge stays


def test_a_lease_that_ran_out_locks_nothing(ground):
    fill = make.fill(ground.nozzles[0], at=now())
    FillLease.objects.create(
        fill=fill,
        session=make.session(ground.station),
        leased_at=now() - timedelta(minutes=9),
        expires_at=now() - timedelta(minutes=1),
    )
    assert ground.wall().tiles[0].word == "待付款"


@pytest.mark.parametrize("pumps", [1, 8])
def test_the_wall_takes_four_statements_whatever_it_holds(pumps, django_assert_num_queries):
    ground = Forecourt(pumps=pumps, nozzles=4)
    for nozzle in ground.nozzles:
        make.fill(nozzle, at=now())
    with django_assert_num_queries(4):
        wall = ground.wall()
        assert len(wall.tiles) == pumps * 4
        assert wall.etag and wall.counts and wall.owed


def test_a_refresh_takes_at_most_seven_statements_and_304_when_nothing_changed(
    ground, django_assert_max_num_queries
):
    browser = browser_of(ground)
    wall = ground.wall()
    with django_assert_max_num_queries(7):
        answer = refresh(browser, wall, wall.etag)
    assert (answer.status_code, answer.content, answer["ETag"]) == (304, b"", wall.etag)
    make.nozzle_state(ground.nozzles[1], "CALLING")
    with django_assert_max_num_queries(7):
        answer = refresh(browser, wall, wall.etag)
    assert answer.status_code == 200
    assert answer["ETag"] != wall.etag


def test_only_the_tiles_that_changed_travel(ground):
    browser, before = browser_of(ground), ground.wall()
    make.nozzle_state(
        ground.nozzles[2], "FUELLING", litres=Decimal("3.21"), amount=Decimal("25.20")
    )
    page = refresh(browser, before).content.decode()
    assert re.findall(r'id="tile-(\d+)"', page) == [str(ground.nozzles[2].pk)]
    assert 'hx-swap-oob="true"' in page and "¥25.20" in page and "3.21 升" in page
    assert 'id="wall-head"' in page  # one more is fuelling


def test_the_page_shows_the_stop_the_silence_and_nothing_without_nozzles(ground):
    browser = browser_of(ground)
    url = reverse("sales:wall")
    assert "全站急停中" not in browser.get(url).content.decode()
    authorising.stop_all(station=ground.station, actor=None, at=now())
    LineState.objects.update(written_at=now() - timedelta(minutes=2))
    page = browser.get(url).content.decode()
    assert "全站急停中" in page and "请站长解除" in page and "没有更新" in page
    manager = browser_of(ground, make.manager)
    assert reverse("devices:release_all") in manager.get(url).content.decode()
    bare = make.signed_in(make.manager(make.station()))
    assert "还没有油枪" in bare.get(url).content.decode()


def test_a_tile_offers_the_one_thing_to_do(ground):
    for nozzle, state in zip(
        ground.nozzles, ("CALLING", "FUELLING", "SUSPENDED", "IDLE"), strict=True
    ):
        make.nozzle_state(nozzle, state)
    make.fill(ground.nozzles[3], at=now())
    page = browser_of(ground).get(reverse("sales:wall")).content.decode()
    acts = re.findall(r'tile-act" id="act-\d+".*?>(.*?)</', page)
    assert acts == ["授权", "停枪", "继续", "收款"]
    attendant = browser_of(ground, make.attendant).get(reverse("sales:wall")).content.decode()
    assert "收款</a>" not in attendant


def test_a_pump_at_another_price_than_the_board_says_so(ground):
    make.price(ground.station, ground.nozzles[0].tank.grade, "7.60")
    assert ground.wall().tiles[0].now.price_differs
    page = browser_of(ground).get(reverse("sales:wall")).content.decode()
    assert "机上 7.85，应为 7.60" in page


@pytest.mark.req("MEM-05")
def test_a_member_whose_tier_goes_first_is_marked_at_the_island_where_he_read_his_card(ground):
    from decimal import Decimal as D

    from devices.models import Card, Reader, Swipe
    from members.models import MemberTier, Tier
    from members.services import tier_rules

    tier_rules.found_tiers(station=None, at=make.at(0), actor=None)
    gold = Tier.objects.get(code="GOLD")
    tier_rules.set_benefits(
        tier=gold,
        gifts=[
            tier_rules.gift("PRIORITY"),
            tier_rules.gift("MULTIPLIER", D("1.50")),
        ],
        station=None,
        at=make.at(1),
        actor=make.manager(ground.station),
        approver=make.manager(ground.station),
    )
    high, plain = make.member(ground.station), make.member(ground.station)
    MemberTier.objects.create(member=high, tier=gold, since=make.at(0), reason="MANUAL")
    here = ground.nozzles[0].dispenser.island
    reader = Reader.objects.create(
        line=Line.objects.create(
            station=ground.station, name="岛上读卡器", url="/dev/ttyS9", protocol="CARD"
        ),
        island=here,
    )

    def swipe(member, at):
        card = Card.objects.create(
            station=ground.station,
            number=f"C{member.pk}",
            meaning="MEMBER_CARD",
            document=member.number,
            issued_at=make.at(0),
        )
        Swipe.objects.create(
            station=ground.station,
            reader=reader,
            key=f"k{member.pk}",
            medium="IC",
            text=card.number,
            meaning="MEMBER_CARD",
            outcome="KNOWN",
            card=card,
            occurred_at=at,
        )

    at = now()
    swipe(plain, at)
    before = ground.wall(at)
    assert not any(tile.priority for tile in before.tiles)
    swipe(high, at)
    after = ground.wall(at)
    marked = [tile.now.island for tile in after.tiles if tile.priority]
    assert set(marked) == {str(here)}
    assert after.etag != before.etag
    assert "金卡" in after.tiles[0].priority
    assert not any(tile.priority for tile in ground.wall(at + timedelta(minutes=6)).tiles)
    page = browser_of(ground).get(reverse("sales:wall")).content.decode()
    assert "优先：金卡" in page
