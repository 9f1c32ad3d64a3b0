"""人员与权限: who may sign in, as what, and the role matrix."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from axes.models import AccessAttempt
from django.contrib import messages
from django.db.models import Max, Q, Sum
from django.http import Http404, HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from station.access import StaffRequest, may
from station.errors import Refusal
from station.forms.people import PeopleFilter, PersonForm, ReasonForm, RenameForm
from station.models import User
from station.models.people import Role
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.queries.people import is_locked, matrix, needs_second_factor, people_seen_by
from station.queries.practice import results_of
from station.services import people, second_factor
from station.views.listing import filters_of, list_response

PRACTISED = 20  # attempts on a person's page; the list has all


@require_GET
@may("station.people.view")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, PeopleFilter)
    given = filters.cleaned_data
    rows = people_seen_by(request.user)
    if given.get("name"):
        rows = rows.filter(Q(name__icontains=given["name"]) | Q(username__icontains=given["name"]))
    if given.get("role"):
        rows = rows.filter(Q(pk__in=_with_role(given["role"])))
    if given.get("active"):
        rows = rows.filter(is_active=given["active"] == "1")
    return list_response(
        request,
        ListPage(
            title="人员与权限",
            columns=(
                Column("姓名", "name"),
                Column("账号", "username", "code"),
                Column("角色", _roles),
                Column("口令", lambda row: "已设" if row.pin_hash else "未设", minor=True),
                Column("上次登录", "last_login", "moment", minor=True),
                Column(
                    "状态",
                    lambda row: "在用" if row.is_active else "停用",
                    "state",
                    tone=lambda row: "good" if row.is_active else "off",
                ),
            ),
            rows=rows,
            order=("username",),
            filters=filters,
            opens=lambda row: reverse("station:person", args=[row.pk]),
            primary=Action("新增人员", reverse("station:person_new")),
            empty=Empty("还没有人员", "给每个人一个自己的账号，谁做的事才说得清。"),
        ),
        template="station/people.html",
    )


@require_GET
@may("station.people.view")
def person(request: StaffRequest, pk: int) -> HttpResponse:
    return _person(request, _found(request, pk))


@never_cache
@require_http_methods(["GET", "POST"])
@may("station.people.change")
def person_new(request: StaffRequest) -> HttpResponse:
    form = PersonForm(request.POST or None, **_choices(request))
    if request.method == "POST" and form.is_valid():
        try:
            user, password = people.add(
                username=form.cleaned_data["username"],
                name=form.cleaned_data["name"],
                roles=form.roles(),
                at=now(),
                actor=request.user,
            )
            return _shown_once(request, user, password)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "back_href": reverse("station:people")}
    return render(request, "station/person_new.html", content, status=422 if form.errors else 200)


@require_http_methods(["GET", "POST"])
@may("station.people.change")
def person_change(request: StaffRequest, pk: int) -> HttpResponse:
    who = _found(request, pk)
    held = {RenameForm.key(one.station_id): one.role for one in who.assignments.all()}
    form = RenameForm(request.POST or None, initial={"name": who.name, **held}, **_choices(request))
    if request.method == "POST" and form.is_valid():
        try:
            people.change(
                user=who,
                name=form.cleaned_data["name"],
                roles=form.roles(),
                at=now(),
                actor=request.user,
            )
            messages.success(request, f"已保存 {who.name} 的姓名和角色。")
            return redirect("station:person", pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "person": who, "back_href": reverse("station:person", args=[pk])}
    return render(
        request, "station/person_change.html", content, status=422 if form.errors else 200
    )


@never_cache
@require_POST
@may("station.people.change")
def person_act(request: StaffRequest, pk: int, deed: str) -> HttpResponse:
    who = _found(request, pk)
    act = _DEEDS.get(deed)
    if act is None:
        raise Http404
    form = ReasonForm(request.POST)
    try:
        return act(request, who, form) or redirect("station:person", pk)
    except Refusal as refusal:
        return _person(request, who, refusal=str(refusal))


@require_GET
@may("station.people.view")
def roles(request: StaffRequest) -> HttpResponse:
    return render(
        request, "station/roles.html", {"rows": matrix(), "roles": [role.label for role in Role]}
    )


# --------------------------------------------------------------------------------- deeds


def _deactivate(request: StaffRequest, who: User, form: ReasonForm) -> None:
    if not form.is_valid():
        raise ReasonMissing("没有停用：请写明原因，例如「离职」。")
    people.deactivate(user=who, reason=form.cleaned_data["reason"], at=now(), actor=request.user)
    messages.success(request, f"{who.name} 已停用，他的登录已全部退出。")


def _activate(request: StaffRequest, who: User, form: ReasonForm) -> None:
    people.activate(user=who, at=now(), actor=request.user)
    messages.success(request, f"{who.name} 已恢复，可用原来的密码登录。")


def _reset_password(request: StaffRequest, who: User, form: ReasonForm) -> HttpResponse:
    password = people.reset_password(user=who, at=now(), actor=request.user)
    return _shown_once(request, who, password)


def _unlock(request: StaffRequest, who: User, form: ReasonForm) -> None:
    people.unlock(user=who, at=now(), actor=request.user)
    messages.success(request, f"{who.name} 的锁定已解除。")


def _reset_second_factor(request: StaffRequest, who: User, form: ReasonForm) -> None:
    if not form.is_valid():
        raise ReasonMissing("没有重设：请写明原因，例如「手机丢失」。")
    people.reset_second_factor(
        user=who, reason=form.cleaned_data["reason"], at=now(), actor=request.user
    )
    messages.success(request, f"{who.name} 的第二验证已解除，下次登录时重新绑定手机。")


class ReasonMissing(Refusal):
    """What cannot be undone quietly needs a reason."""


_DEEDS: dict[str, Callable[[StaffRequest, User, ReasonForm], HttpResponse | None]] = {
    "deactivate": _deactivate,
    "activate": _activate,
    "reset-password": _reset_password,
    "unlock": _unlock,
    "reset-second-factor": _reset_second_factor,
}


# --------------------------------------------------------------------------------- inside


def _found(request: StaffRequest, pk: int) -> User:
    return get_object_or_404(people_seen_by(request.user), pk=pk)


def _choices(request: StaffRequest) -> dict[str, Any]:
    return {
        "grantable": people.grantable(request.user),
        "stations": [(one.pk, one.name) for one in request.stations],
    }


def _person(request: StaffRequest, who: User, refusal: str = "") -> HttpResponse:
    tries = AccessAttempt.objects.filter(username=who.username).aggregate(
        failures=Sum("failures_since_start"), last=Max("attempt_time")
    )
    roles = [(str(one.station or "全部油站"), Role(one.role)) for one in who.assignments.all()]
    content = {
        "person": who,
        "roles": [(place, role.label) for place, role in roles],
        "phone": second_factor.phone_of(who),
        "needs_phone": needs_second_factor(role for _, role in roles),
        "locked": is_locked(
            who, failures=tries["failures"] or 0, last_failure=tries["last"], at=now()
        ),
        "mine": who != request.user and people.may_handle(request.user, who),
        "reason": ReasonForm(),
        "practised": results_of([who]).order_by("-at", "-pk")[:PRACTISED],
        "refusal": refusal,
        "history": history_of(f"user:{who.username}"),
    }
    return render(request, "station/person.html", content, status=422 if refusal else 200)


def _shown_once(request: StaffRequest, who: User, password: str) -> HttpResponse:
    content = {"person": who, "password": password}
    return render(request, "station/one_time_password.html", content)


def _with_role(role: str) -> Any:
    return User.objects.filter(assignments__role=role).values("pk")


def _roles(row: User) -> str:
    return "，".join(
        f"{one.station or '全部油站'}：{Role(one.role).label}" for one in row.assignments.all()
    )
