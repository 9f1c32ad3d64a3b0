"""What a person sees when something went wrong, with a number that finds it in the log."""

from __future__ import annotations

import structlog
from django.http import HttpRequest, HttpResponse
from django.template import loader
from django.utils.crypto import get_random_string
from django.views.decorators.csrf import requires_csrf_token

from station.access import open_to_all

log = structlog.get_logger(__name__)
# Without letters and digits that are mistaken for each other over the telephone.
_SIGNS = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"


def refused(request: HttpRequest, text: str) -> HttpResponse:
    """409: a rule said no and no form was there to say so."""
    return _answer(request, 409, "现在不能这样做", text)


@requires_csrf_token
def bad_request(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(request, 400, "看不懂这个请求", "网址或表单内容不完整。请返回上一页重新操作。")


@requires_csrf_token
def forbidden(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(
        request,
        403,
        "您没有这项权限",
        "这个页面或操作不在您的岗位权限内。需要时请站长在「人员与权限」中调整。",
    )


@requires_csrf_token
def not_found(request: HttpRequest, exception: Exception | None = None) -> HttpResponse:
    return _answer(
        request, 404, "没有这个页面或记录", "可能是网址有误、记录不属于您的油站，或已经换了地方。"
    )


@requires_csrf_token
def server_error(request: HttpRequest) -> HttpResponse:
    return _answer(
        request,
        500,
        "系统出错了",
        "这一步没有完成，数据没有改动。请再试一次；仍不行请把下面的编号告诉管理员。",
    )


@open_to_all
def csrf_failure(request: HttpRequest, reason: str = "") -> HttpResponse:
    """The page stood open over a sign-in, or cookies are off."""
    return _answer(
        request,
        403,
        "页面已过期",
        "登录状态在别处变过，这次提交没有执行。请返回上一页，刷新后重新提交。",
    )


def _answer(request: HttpRequest, status: int, title: str, text: str) -> HttpResponse:
    reference = get_random_string(8, _SIGNS)
    write = log.error if status == 500 else log.info
    write("error_page", status=status, path=request.path, reference=reference)
    if request.headers.get("HX-Request"):
        words = f"{title}：{text}" + (f"（编号 {reference}）" if status == 500 else "")
        return HttpResponse(words, status=status, content_type="text/plain; charset=utf-8")
    content = {"title": title, "text": text, "status": status, "reference": reference}
    # A 500 may come from the database itself, so its page asks for nothing: no frame, no session.
    template = loader.get_template("station/error.html")
    return HttpResponse(template.render(content, None if status == 500 else request), status=status)
