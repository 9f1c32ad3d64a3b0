"""Every page kind at every width, in light and dark: whole, reachable by finger, readable."""

import pytest

from tests import make
from tests.browser import pages
from tests.browser.conftest import NO_FIREFOX, WIDTHS

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]

KINDS = (
    "board", "till", "list", "empty", "detail", "form", "wizard", "report", "phone", "plain",
)  # fmt: skip


@pytest.fixture
def wang(settings):
    settings.ROOT_URLCONF = "tests.browser.pages"
    settings.TEMPLATES[0]["DIRS"].append(settings.BASE_DIR / "tests" / "browser" / "templates")
    settings.TEMPLATES = list(settings.TEMPLATES)
    station = make.station(name="滇池路加油站")
    make.shift(station)
    yield make.manager(station)
    settings.TEMPLATES[0]["DIRS"].pop()
    settings.TEMPLATES = list(settings.TEMPLATES)
    pages.posted.clear()


@pytest.mark.req("SEC-09", "SEC-10")
@pytest.mark.parametrize("kind", KINDS)
def test_a_page_kind_is_whole_at_every_width_in_light_and_dark(look, wang, kind):
    if kind == "form":
        look.expect_errors()  # its sample is a refused form, and a 422 is named in the console
    look.at(1440, as_=wang).open(f"/ui/{kind}/", 422 if kind == "form" else 200)
    for width, scheme in (*((width, "light") for width in WIDTHS), (390, "dark"), (1440, "dark")):
        look.resize(width, scheme)
        look.check(axe=width in {1440, 390})
        look.shoot(f"kind-{kind}")


@pytest.mark.parametrize("kind", ["report", "list", "detail"])
def test_a_printed_page_is_black_on_white_without_the_frame(look, wang, kind):
    page = look.at(1440, as_=wang, scheme="dark").open(f"/ui/{kind}/")
    page.emulate_media(media="print")
    for part in (".menu", ".topbar", ".page-actions", ".filters", ".chart-switch"):
        assert not page.locator(part).first.is_visible()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(0, 0, 0)"
    if kind == "report":
        assert page.locator(".report-signatures").is_visible()


@pytest.mark.req("RPT-06")
def test_a_chart_changes_between_bar_line_pie_and_the_table_of_the_same_numbers(look, wang):
    page = look.at(1440, as_=wang).open("/ui/report/")
    chart = page.locator("[data-chart]").first
    assert chart.locator("svg path").count() > 20
    for name in ("折线", "饼图"):
        chart.get_by_role("button", name=name).click()
        assert chart.get_by_role("button", name=name).get_attribute("aria-pressed") == "true"
        assert chart.locator(".chart-picture svg").is_visible()
    chart.get_by_role("button", name="表格").click()
    assert not chart.locator(".chart-picture").is_visible()
    assert chart.get_by_role("row").nth(1).inner_text().split() == ["0时", "120.00", "230.00", "340.00", "450.00"]  # fmt: skip
    assert "92#最高" in chart.locator(".chart-picture").get_attribute("aria-label")
    chart.get_by_role("button", name="柱状").click()
    assert chart.locator(".chart-picture svg").is_visible()


def test_the_slash_key_goes_to_the_search_field_but_not_while_typing(look, wang):
    page = look.at(1440, as_=wang).open("/ui/list/")
    page.keyboard.press("/")
    assert page.evaluate("document.activeElement.id") == "frame-search"
    page.keyboard.type("云/A")
    assert page.locator("#frame-search").input_value() == "云/A"


def test_the_look_is_chosen_and_stays(look, wang):
    page = look.at(1440, as_=wang).open("/ui/list/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.locator(".topbar-user").click()
    with page.expect_navigation():
        page.get_by_role("button", name="深色").click()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") != light


def test_a_row_opens_its_detail_by_click_and_by_keyboard(look, wang):
    page = look.at(1440, as_=wang).open("/ui/list/")
    page.locator("tbody tr").nth(2).locator("td").nth(4).click()
    page.wait_for_url("**/ui/detail/")
    page.go_back()
    page.locator("tbody a").first.focus()
    page.keyboard.press("Enter")
    page.wait_for_url("**/ui/detail/")


def test_a_sheet_of_actions_closes_on_escape_and_on_a_click_beside_it(look, wang):
    page = look.at(1440, as_=wang).open("/ui/list/")
    page.get_by_text("导出", exact=True).click()
    sheet = page.get_by_text("Excel 表格")
    assert sheet.is_visible()
    page.keyboard.press("Escape")
    assert not sheet.is_visible()
    page.get_by_text("导出", exact=True).click()
    page.locator("h1").click()
    assert not sheet.is_visible()


def test_the_first_trouble_of_a_refused_form_has_the_focus(look, wang):
    look.expect_errors()
    page = look.at(1440, as_=wang).open("/ui/form/", 422)
    assert "3 号枪这一笔已由" in page.evaluate("document.activeElement.innerText")
    assert page.locator(".notice-error").count() == 1
    assert page.locator("main form.one-column button[type=submit]").inner_text() == "保存"


def test_answers_of_htmx_are_swapped_said_or_refused_in_chinese(look, wang):
    look.expect_errors()
    page = look.at(1440, as_=wang).open("/odd/")
    page.keyboard.press("F9")
    page.get_by_text("已授权 3 号枪").wait_for()
    assert page.locator("#part").inner_text() == "已授权"
    page.get_by_role("button", name="拒绝").click()
    page.locator(".notice-error").get_by_text("3 号枪正在加油").wait_for()
    assert page.locator("#part").inner_text() == "已授权"
    page.get_by_role("button", name="填错").click()
    page.get_by_text("枪号没有这一把").wait_for()
    assert page.evaluate("document.activeElement.getAttribute('aria-label')") == "枪号"


def test_what_is_dangerous_is_asked_once_and_sent_once(look, wang):
    page = look.at(1440, as_=wang).open("/odd/")
    page.get_by_role("button", name="停枪").click()
    dialog = page.get_by_role("dialog")
    assert "确定停下全站油枪吗" in dialog.inner_text()
    dialog.get_by_role("button", name="先不做").click()
    assert pages.posted == []
    page.get_by_role("button", name="停枪").click()
    with page.expect_navigation():
        page.get_by_role("dialog").get_by_role("button", name="确定").dblclick()
    assert pages.posted == ["twice"]


def test_without_the_network_a_person_is_told_in_chinese(look, wang):
    look.expect_errors()
    page = look.at(1440, as_=wang).open("/odd/")
    page.context.set_offline(True)
    page.get_by_role("button", name="授权").click()
    page.get_by_text("网络不通，这一步没有送到").wait_for()


def test_on_a_phone_the_cards_of_a_list_are_no_wider_than_the_phone(look, wang):
    page = look.at(390, as_=wang).open("/ui/list/")
    wide = "one => [one.scrollWidth - one.clientWidth, one.querySelectorAll('thead th').length]"
    over, columns = page.locator(".sheet-scroll").first.evaluate(wide)
    assert columns >= 5
    assert over <= 0


def test_on_a_phone_everything_else_is_under_more(look, wang):
    page = look.at(390, as_=wang).open("/ui/list/")
    visible = page.locator(".menu-list > li").filter(visible=True)
    assert visible.count() <= 5
    if page.locator(".menu-more").is_visible():
        page.get_by_text("更多").click()
        assert page.locator(".menu-sheet a").first.is_visible()
        look.check()


@pytest.mark.req("SEC-10")
def test_the_samples_open_in_firefox_where_there_is_one(playwright, live_server, wang):
    from pathlib import Path

    if not Path(playwright.firefox.executable_path).exists():
        pytest.skip(NO_FIREFOX)
    browser = playwright.firefox.launch()
    cookie = make.signed_in(wang).cookies["sessionid"].value
    for width, height in WIDTHS.items():
        context = browser.new_context(viewport={"width": width, "height": height})
        context.add_cookies([{"name": "sessionid", "value": cookie, "url": live_server.url}])
        page = context.new_page()
        for kind in KINDS:
            page.goto(f"{live_server.url}/ui/{kind}/")
            assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    browser.close()
