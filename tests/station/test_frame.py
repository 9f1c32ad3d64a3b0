"""The frame: menu by role, top bar, first page, search, look, errors."""

import json

import pytest
from django.db import connection
from django.shortcuts import render
from django.template import Context, Template
from django.test import Client, RequestFactory
from django.test.utils import CaptureQueriesContext
from django.urls import path, reverse
from django.views.decorators.http import require_GET

from station import context
from station.access import may, open_to_all
from station.context import Frame, home_of, menu_of
from station.errors import Refusal
from station.models import Alert
from station.queries import search as searching
from station.queries.search import Hit
from station.urls.root import handler400, handler403, handler404, handler500  # noqa: F401
from station.urls.root import urlpatterns as root
from station.views.errors import bad_request
from tests import make

pytestmark = pytest.mark.django_db


@require_GET
@may("station.home")
def refuse(request):
    raise Refusal("没有授权：3 号枪正在加油。请等它挂枪后再试。")


@require_GET
@may("station.home")
def break_down(request):
    raise RuntimeError("the cable was pulled")


@require_GET
@may("station.site.change")
def for_the_lead(request):
    raise AssertionError("never reached in these tests")


@require_GET
@open_to_all
def outside(request):
    return render(request, "base/plain.html", {"title": "登录"})


urlpatterns = [
    *root,
    path("t/refuse/", refuse),
    path("t/break/", break_down),
    path("t/lead/", for_the_lead),
    path("t/outside/", outside),
]


@pytest.fixture
def odd_pages(settings):
    settings.ROOT_URLCONF = __name__


@pytest.fixture
def wang():
    return make.manager(make.station(name="滇池路加油站"))


def frame_of(who):
    """The frame as the middleware leaves it for a person on the search page."""
    return make.signed_in(who).get(reverse("station:search")).context["frame"]


def provide(settings, *hits):
    searching.providers.cache_clear()
    settings.SEARCH = [f"{__name__}.{name}" for name in hits]


@pytest.fixture(autouse=True)
def forget_providers():
    yield
    searching.providers.cache_clear()


def one_hit(*, query, user, stations):
    return [Hit("销售单", query, "/found/")] if query == "D01-1" else []


def two_hits(*, query, user, stations):
    name = stations.get().name
    return [Hit("会员", f"{query} 一", "/1/", name), Hit("会员", f"{query} 二", "/2/")]


# ------------------------------------------------------------------------------------ menu


def test_a_role_sees_only_what_it_may_open_and_every_entry_answers(settings):
    settings.MENU = [
        ("设置", "outline/settings", [("首页", "station:home"), ("运行状况", "station:health")]),
        ("设备", "outline/plug", [("运行状况", "station:health")]),
        ("别处", "outline/x", [("没有的页", "nowhere:at-all")]),
    ]
    context._menu.cache_clear()
    assert [section.label for section in menu_of("MANAGER")] == ["设置", "设备"]
    [only] = menu_of("CASHIER")
    assert [page.label for page in only.pages] == ["首页"]
    context._menu.cache_clear()


def test_every_page_of_the_menu_that_exists_opens_for_the_roles_that_see_it():
    station = make.station()
    for who in (make.owner(station), make.manager(station), make.accountant(station)):
        role = who.assignments.get().role
        client = make.signed_in(who)
        for section in menu_of(role):
            for page in section.pages:
                assert client.get(page.href, follow=True).status_code == 200, (role, page.href)


def test_the_first_page_of_a_role_leads_its_menu():
    for role in ("OWNER", "MANAGER", "CASHIER", "ATTENDANT", "ACCOUNTANT"):
        if home_of(role):
            assert home_of(role) in [page.href for page in menu_of(role)[0].pages]


def test_the_section_of_a_page_is_the_longest_address_it_lies_under(wang):
    request = RequestFactory().get("/health/more/")
    request.user, request.role, request.station, request.stations = wang, "MANAGER", None, []
    frame = Frame(request)
    assert frame.section is not None
    assert [page.label for page in frame.section.pages if page.active] == ["运行状况"]


# --------------------------------------------------------------------------------- top bar


def test_the_top_bar_says_station_day_shift_and_what_waits(wang):
    station = wang.assignments.get().station
    frame = frame_of(wang)
    assert (frame.day.date, frame.day.state, frame.day.tone) == (None, "还没有开营业日", "wait")
    make.day(station)
    assert frame_of(wang).day.state == "没有当班班次"
    make.shift(station)
    for key, status in (("a", "OPEN"), ("b", "SEEN"), ("c", "HANDLED")):
        Alert.objects.create(
            station=station, key=key, kind="x", level="WARNING", text="水高", raised_at=make.NOW,
            status=status,
        )  # fmt: skip
    Alert.objects.create(
        station=make.station(), key="a", kind="x", level="INFO", text="别站", raised_at=make.NOW
    )
    frame = frame_of(wang)
    assert (frame.day.date, frame.day.shift, frame.day.tone) == (make.TODAY, "早班", "good")
    assert frame.alerts == 2
    assert (frame.user_name, frame.role, frame.station.name) == (
        "站长 Wang",
        "站长",
        "滇池路加油站",
    )


def test_the_whole_frame_costs_one_statement(wang):
    request = RequestFactory().get("/")
    request.user, request.role = wang, "MANAGER"
    request.station = wang.assignments.get().station
    request.stations = [request.station]
    frame = Frame(request)
    with CaptureQueriesContext(connection) as seen:
        page = Template('{% extends "base/page.html" %}').render(
            Context({"frame": frame, "request": request})
        )
    assert "滇池路加油站" in page
    assert len(seen) == 1


def test_a_page_outside_asks_the_database_nothing(odd_pages):
    with CaptureQueriesContext(connection) as seen:
        page = Client().get("/t/outside/")
    assert page.status_code == 200 and "急停" not in page.text
    assert len(seen) == 0


def test_whoever_has_two_stations_changes_between_them_and_not_to_a_third():
    here, there, foreign = make.station(name="东站"), make.station(name="西站"), make.station()
    chen = make.user("OWNER", here)
    chen.assignments.create(station=there, role="ACCOUNTANT")
    client = make.signed_in(chen)
    page = client.get(reverse("station:search"))
    assert page.context["frame"].station == here and "西站" in page.text
    client.post(reverse("station:switch"), {"station": there.pk})
    frame = client.get(reverse("station:search")).context["frame"]
    assert (frame.station, frame.role) == (there, "会计")
    assert client.post(reverse("station:switch"), {"station": foreign.pk}).status_code == 404
    assert client.post(reverse("station:switch"), {"station": "x"}).status_code == 404


# -------------------------------------------------------------------- first page and search


def test_a_stranger_is_sent_to_sign_in():
    answer = Client().get("/search/")
    assert answer.status_code == 302 and "next=/search/" in answer["Location"]


def test_the_first_page_sends_each_role_to_its_own(settings, wang):
    settings.HOME = {"MANAGER": ["nowhere:at-all", "station:health"]}
    context._home.cache_clear()
    assert make.signed_in(wang).get("/")["Location"] == reverse("station:health")
    context._home.cache_clear()


def test_one_hit_opens_at_once_and_several_are_listed(settings, wang):
    client = make.signed_in(wang)
    provide(settings, "one_hit")
    assert client.get("/search/?q= D01-1 ")["Location"] == "/found/"
    assert "没有找到「云A1」" in client.get("/search/?q=云A1").text
    provide(settings, "one_hit", "two_hits")
    page = client.get("/search/?q=138").text
    assert "138 一" in page and "138 二" in page and "滇池路加油站" in page


def test_an_empty_search_asks_nobody_and_a_missing_provider_is_not_fatal(settings, wang):
    provide(settings, "no_such_provider", "two_hits")
    client = make.signed_in(wang)
    assert "请在上方输入" in client.get("/search/?q=  ").text
    assert "共 2 条" in client.get("/search/?q=1").text


def test_without_a_first_page_the_menus_first_is_opened_and_without_a_menu_it_is_said(
    settings, wang
):
    settings.HOME = {}
    settings.MENU = [("设备", "outline/plug", [("运行状况", "station:health")])]
    context._home.cache_clear()
    context._menu.cache_clear()
    assert make.signed_in(wang).get("/")["Location"] == reverse("station:health")
    supplier = make.signed_in(make.supplier(wang.assignments.get().station))
    assert "您的岗位还没有可打开的页面" in supplier.get("/").text
    context._home.cache_clear()
    context._menu.cache_clear()


def test_whoever_has_no_station_sees_an_empty_frame_and_may_do_nothing():
    nobody = make.user(station=make.station(active=False))
    answer = make.signed_in(nobody).get("/search/")
    assert answer.status_code == 403
    frame = answer.context["frame"]
    assert (frame.menu, frame.day, frame.alerts, frame.stations) == ((), None, 0, [])
    assert (frame.account, frame.search, frame.stop_all, frame.user_name) == ((), False, "", "")


def test_every_named_provider_exists(settings):
    assert len(searching.providers()) == len(settings.SEARCH) > 0


# ------------------------------------------------------------------------------------ look


def test_the_look_is_remembered_and_leads_back_only_to_this_site(wang):
    client = make.signed_in(wang)
    answer = client.post("/look/", {"theme": "dark", "next": "/search/?q=1"})
    assert answer["Location"] == "/search/?q=1"
    assert 'data-bs-theme="dark"' in client.get("/search/").text
    answer = client.post("/look/", {"theme": "", "next": "https://elsewhere.example/"})
    assert answer["Location"] == "/"
    assert "data-bs-theme" not in client.get("/search/").text


def test_the_manifest_makes_the_page_installable():
    answer = Client().get(reverse("station:manifest"))
    made = json.loads(answer.content)
    assert made["name"] == "油站管家" and made["display"] == "standalone"
    assert {icon["sizes"] for icon in made["icons"]} == {"any", "192x192", "512x512"}
    assert answer["Content-Type"] == "application/manifest+json"


# ---------------------------------------------------------------------------------- errors


def test_a_refusal_that_nobody_caught_is_409_with_its_words(odd_pages, wang):
    client = make.signed_in(wang)
    answer = client.get("/t/refuse/")
    assert answer.status_code == 409 and "3 号枪正在加油" in answer.text
    part = client.get("/t/refuse/", headers={"HX-Request": "true"})
    assert part["Content-Type"].startswith("text/plain") and "3 号枪正在加油" in part.text


def test_a_broken_page_shows_a_number_and_asks_the_database_nothing(odd_pages, wang):
    client = make.signed_in(wang)
    client.raise_request_exception = False
    answer = client.get("/t/break/")
    assert answer.status_code == 500
    assert "系统出错了" in answer.text and "编号" in answer.text
    assert "the cable was pulled" not in answer.text


def test_what_a_role_may_not_open_and_what_is_not_there_is_said_in_chinese(odd_pages):
    client = make.signed_in(make.cashier(make.station()))
    answer = client.get("/t/lead/")
    assert answer.status_code == 403 and "您没有这项权限" in answer.text
    answer = client.get("/t/nothing/")
    assert answer.status_code == 404 and "没有这个页面或记录" in answer.text


def test_an_address_that_makes_no_sense_is_said_in_chinese():
    answer = bad_request(RequestFactory().get("/"))
    assert answer.status_code == 400 and "看不懂这个请求" in answer.text


def test_a_page_that_stood_open_over_a_sign_in_says_so(wang):
    client = Client(enforce_csrf_checks=True)
    client.force_login(wang, backend="django.contrib.auth.backends.ModelBackend")
    answer = client.post("/look/", {"theme": "dark"})
    assert answer.status_code == 403 and "页面已过期" in answer.text
