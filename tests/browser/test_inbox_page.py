"""The inbox as a person finds it: the count beside his name, the list, one message read."""

import pytest

from station.services import messages
from tests import make

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.req("CHN-06", "SEC-09", "SEC-10")
def test_a_new_message_appears_by_itself_and_is_read_by_a_click(look):
    li = make.cashier(make.station())
    page = look.at(1440, as_=li).open("/inbox/")
    page.get_by_text("没有消息").wait_for()
    messages.tell(recipient=li, key="m:1", subject="月报做完了", text="可以下载了。", at=make.NOW)
    page.get_by_text("月报做完了").wait_for(timeout=10_000)
    page = look.open("/inbox/")
    page.get_by_text("未读消息 1").wait_for(state="attached")
    for width, mode in ((1440, "light"), (390, "dark")):
        look.resize(width, mode)
        look.check()
        look.shoot("inbox")
    page.locator(".topbar-user").click()
    page.get_by_role("link", name="收件箱 1 条未读").wait_for()
    look.shoot("inbox-menu")
    page = look.open("/inbox/")
    page.get_by_text("月报做完了").click()
    page.get_by_role("button", name="标为已读").wait_for()
    look.check()
    page.get_by_role("button", name="标为已读").click()
    page.get_by_text("已读").first.wait_for()
    assert page.locator(".count-badge").count() == 0
