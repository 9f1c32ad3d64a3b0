"""练习: over to the practice station, in at its door, and what came of it."""

from __future__ import annotations

from urllib.parse import urlencode

from django import forms
from django.conf import settings
from django.contrib.auth import login
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseBase
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from station import idle
from station.access import StaffRequest, address_of, may, open_to_all
from station.errors import Refusal
from station.forms.controls import DayField
from station.models import PracticeResult
from station.queries.columns import Column, Empty
from station.queries.listing import ListPage
from station.queries.people import people_seen_by
from station.queries.practice import live_address, practice_address, results_of
from station.services import accounts, practice
from station.views.listing import filters_of, list_response

BACKEND = "django.contrib.auth.backends.ModelBackend"


class PracticeFilter(forms.Form):
    """Whose attempts."""

    name = forms.CharField(label="姓名或账号", required=False, max_length=40)
    since = DayField(label="起", required=False)
    until = DayField(label="止", required=False)
    passed = forms.ChoiceField(
        label="结果", choices=[("", "全部"), ("1", "通过"), ("0", "未通过")], required=False
    )


@never_cache
@require_GET
@may("station.practice")
def go(request: StaffRequest) -> HttpResponse:
    """With a fresh ticket to the practice station: nothing is written here."""
    if settings.PRACTICE:
        raise Http404
    address = practice_address(request)
    if not address:
        raise practice.NoPractice(
            "练习站没有开。请技术人员在本机运行 make practice，或用 make run PRACTICE=1 一起启动。"
        )
    shown = practice.ticket(user=request.user, role=request.role, at=now())
    return redirect(f"{address}{reverse('station:practice_enter')}?{urlencode({'ticket': shown})}")


@never_cache
@require_GET
@open_to_all
def enter(request: HttpRequest) -> HttpResponse:
    if not settings.PRACTICE:
        raise Http404
    try:
        user = practice.enter(shown=request.GET.get("ticket", ""), at=now())
    except Refusal as refusal:
        return door(request, refusal=str(refusal), status=403)
    login(request, user, backend=BACKEND)
    idle.wake(request.session)
    accounts.note_sign_in(user=user, how="练习票", at=now(), address=address_of(request))
    return redirect("station:home")


def door(request: HttpRequest, *, refusal: str = "", status: int = 200) -> HttpResponse:
    """What stands where others have the sign-in page: there is no password in practice."""
    content = {"refusal": refusal, "live": live_address(request)}
    return render(request, "station/practice_door.html", content, status=status)


@require_GET
@may("station.people.view")
def results(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, PracticeFilter)
    given = filters.cleaned_data
    people = people_seen_by(request.user).prefetch_related(None)
    rows = results_of(people)
    if given.get("name"):
        named = people.filter(name__icontains=given["name"]) | people.filter(
            username__icontains=given["name"]
        )
        rows = rows.filter(user__in=named)
    if given.get("since"):
        rows = rows.filter(at__date__gte=given["since"])
    if given.get("until"):
        rows = rows.filter(at__date__lte=given["until"])
    if given.get("passed"):
        rows = rows.filter(passed=given["passed"] == "1")
    return list_response(
        request,
        ListPage(
            title="练习成绩",
            note="在练习站做过的科目，由练习站签名带回，不能修改。",
            columns=(
                Column("完成时间", "at", "moment"),
                Column("姓名", "user.name", href=_person),
                Column("科目", "title"),
                Column(
                    "结果", "outcome", "state", tone=lambda row: "good" if row.passed else "bad"
                ),
                Column("得分", "points", "count"),
                Column("提示", "hints", "count", minor=True),
                Column("用时(分)", "minutes", "count", minor=True),
            ),
            rows=rows,
            order=("-at",),
            filters=filters,
            empty=Empty(
                "还没有练习成绩", "员工从右上角自己的名字进「练习」，做完的科目会列在这里。"
            ),
        ),
        template="station/practice_results.html",
    )


def _person(row: PracticeResult) -> str:
    return reverse("station:person", args=[row.user_id])
