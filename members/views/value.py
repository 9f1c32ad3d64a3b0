"""储值账户: the list, one account with its ledger in words, what is done to it, plans, and what is owed."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta

from django import forms
from django.contrib import messages
from django.db.models import QuerySet, Sum
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET, require_POST

from members.forms.points import PeriodForm
from members.forms.value import (
    PinForm,
    PlanForm,
    ReissueForm,
    ValueFilter,
    WhyForm,
)
from members.models import TopUpPlan, ValueAccount
from members.queries.value import accounts_of, in_words, rows_of
from members.queries.value_expiry import cards_until, warns_until
from members.queries.value_liability import Liability, Side, by_day, liability
from members.services import value_accounts, value_expiry
from members.services.value_keeping import ValueRefused
from members.services.value_plans import FIELDS, save_plan
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.money import ZERO, Yuan, round_yuan
from station.queries import settings, wording
from station.queries.audit import history_of
from station.queries.calendar import open_day
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage
from station.queries.reporting import Figure, Report, ReportTable
from station.views.crud import Reference
from station.views.listing import filters_of, list_response
from station.views.reporting import head_of, report_response

TONES: dict[str, Tone] = {"ACTIVE": "good", "FROZEN": "wait", "LOST": "bad", "CLOSED": "off"}


@require_GET
@may("members.value")
def accounts(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, ValueFilter)
    wanted = filters.cleaned_data if filters.is_valid() else {}
    rows = accounts_of(request.stations)
    if wanted.get("text"):
        sought = wanted["text"].strip().upper()
        rows = rows.filter(number=sought) | rows.filter(member__number=sought)
    for name in ("kind", "status"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    if wanted.get("life"):
        rows = rows.filter(pk__in=_ending(request, wanted["life"]))
    return list_response(
        request,
        ListPage(
            title="储值账户",
            columns=(
                Column("账号", "number", "code", href=_href),
                Column("类别", lambda one: one.get_kind_display()),
                Column("会员", lambda one: one.member.number if one.member else "", "code"),
                Column("本金", "principal", "yuan", sum="principal"),
                Column("赠金", "bonus", "yuan", sum="bonus"),
                Column("有效期至", lambda one: one.expires_on or "", "date"),
                Column("发卡油站", "station.name", minor=True),
                Column("开户", "opened_at", "moment", minor=True),
                Column("状态", lambda one: one.get_status_display(), "state", tone=_tone),
            ),
            rows=rows,
            order=("-id",),
            filters=filters,
            opens=_href,
            sums={"principal": Sum("principal"), "bonus": Sum("bonus")},
            empty=Empty("还没有储值账户", "在收银台点“充值”，第一次充值时自动开户。"),
            note="本金和赠金分开记账，余额等于流水合计；数据库逐笔核对。",
        ),
    )


def _ending(request: StaffRequest, life: str) -> QuerySet[ValueAccount]:
    """Bearer cards with money that end soon or are over: by each station's own days."""
    at, found = now(), ValueAccount.objects.none()
    for station in request.stations:
        over = localdate(at) - timedelta(days=1)
        until = over if life == "over" else warns_until(station=station, at=at)
        found |= cards_until(stations=[station], until=until)
    return found.order_by().values("pk")  # type: ignore[return-value]


def _href(account: ValueAccount) -> str:
    return reverse("members:value_account", args=[account.number])


def _tone(account: ValueAccount) -> Tone:
    return TONES[account.status]


def _found(request: StaffRequest, number: str) -> ValueAccount:
    return get_object_or_404(accounts_of(request.stations), number=number)


@require_GET
@may("members.value")
def account(request: StaffRequest, number: str) -> HttpResponseBase:
    return _page(request, _found(request, number))


@require_GET
@may("members.value")
def ledger(request: StaffRequest, number: str) -> HttpResponseBase:
    """Every row of an account, to page through and to export."""
    found = _found(request, number)
    return list_response(
        request,
        ListPage(
            title=f"储值流水 {found.number}",
            columns=(
                Column("时间", "occurred_at", "moment"),
                Column("说明", in_words),
                Column("本金", "principal", "yuan", sum="principal"),
                Column("赠金", "bonus", "yuan", sum="bonus"),
                Column("本金余额", "principal_after", "yuan"),
                Column("赠金余额", "bonus_after", "yuan"),
                Column("单据", "document", "code"),
                Column("油站", "station.name", minor=True),
                Column("经办", lambda one: one.actor.name if one.actor else "系统", minor=True),
            ),
            rows=rows_of(found),
            order=("-id",),
            sums={"principal": Sum("principal"), "bonus": Sum("bonus")},
            empty=Empty("还没有流水", "充值后会出现在这里。"),
        ),
    )


def _page(request: StaffRequest, found: ValueAccount, refusal: str = "") -> HttpResponse:
    rows = rows_of(found).order_by("-pk")[:30]
    is_open = found.status != ValueAccount.Status.CLOSED
    context = {
        "account": found,
        "tone": _tone(found),
        "is_named": found.kind == ValueAccount.Kind.NAMED,
        "is_active": found.status == ValueAccount.Status.ACTIVE,
        "is_over": found.is_over(localdate()),
        "ends_soon": _ends_soon(found),
        "rows": [(row, in_words(row)) for row in rows],
        "may_stop": is_open and may_do(request.role, "members.value.stop"),
        "may_reissue": is_open and may_do(request.role, "members.value.reissue"),
        "pin_form": PinForm(),
        "refusal": refusal,
        "history": history_of(found.number),
    }
    return render(request, "members/value_account.html", context, status=422 if refusal else 200)


def _ends_soon(found: ValueAccount) -> bool:
    if found.expires_on is None:
        return False
    return found.expires_on <= warns_until(station=found.station, at=now())


def _done(
    request: StaffRequest,
    number: str,
    form: forms.Form,
    act: Callable[[ValueAccount], ValueAccount | None],
    words: str,
) -> HttpResponse:
    """Do one thing to an account; a refusal stands on its page."""
    found = _found(request, number)
    if not form.is_valid():
        return _page(request, found, str(next(iter(form.errors.values()))[0]))
    try:
        after = act(found) or found
    except Refusal as refusal:
        return _page(request, found, str(refusal))
    messages.success(request, words)
    return redirect("members:value_account", after.number)


def _for_a_reason(
    request: StaffRequest, number: str, act: Callable[..., ValueAccount | None], words: str
) -> HttpResponse:
    """An act on an account that says why."""
    form = WhyForm(request.POST)
    return _done(
        request,
        number,
        form,
        lambda found: act(
            account=found, reason=form.cleaned_data["reason"], at=now(), actor=request.user
        ),
        words,
    )


@require_POST
@may("members.value.stop")
def freeze(request: StaffRequest, number: str) -> HttpResponse:
    return _for_a_reason(request, number, value_accounts.freeze, "已冻结，不能消费和充值。")


@require_POST
@may("members.value.stop")
def lose(request: StaffRequest, number: str) -> HttpResponse:
    return _for_a_reason(request, number, value_accounts.report_loss, "已挂失，即刻不能消费。")


@require_POST
@may("members.value.reissue")
def release(request: StaffRequest, number: str) -> HttpResponse:
    return _for_a_reason(request, number, value_accounts.release, "已恢复。")


@require_POST
@may("members.value.reissue")
def reissue(request: StaffRequest, number: str) -> HttpResponse:
    form = ReissueForm(request.POST)

    def act(found: ValueAccount) -> ValueAccount:
        day = open_day(request.station)
        if day is None:
            raise ValueRefused("没有补卡：现在没有营业日。请先开始营业日。")
        return value_accounts.reissue(
            account=found, card=form.cleaned_data["card"], day=day, at=now(), actor=request.user
        )

    return _done(request, number, form, act, "已补卡，余额转到新账户，旧卡作废。")


@require_POST
@may("members.value.reissue")
def renew(request: StaffRequest, number: str) -> HttpResponse:
    """激活 of a bearer card that is over or soon will be; its bearer is here with it."""
    return _done(
        request,
        number,
        forms.Form(request.POST),
        lambda found: value_expiry.renew(account=found, at=now(), actor=request.user),
        "已激活，余额不变。",
    )


@require_POST
@may("members.value.reissue")
def set_pin(request: StaffRequest, number: str) -> HttpResponse:
    form = PinForm(request.POST)
    return _done(
        request,
        number,
        form,
        lambda found: value_accounts.set_pin(
            account=found, pin=form.cleaned_data["pin"], at=now(), actor=request.user
        ),
        "支付密码已设置。",
    )


# ------------------------------------------------------------------------------- what is owed


@require_GET
@may("members.value.report")
def value_liability(request: StaffRequest) -> HttpResponseBase:
    today = localdate()
    filters = filters_of(request, PeriodForm, since=today.replace(day=1), until=today)
    since, until = filters.span()
    told = liability(stations=[request.station], since=since, until=until)
    rate = settings.number("members.value_custody_rate", request.station)
    report = Report(
        title="储值余额",
        period=f"{wording.local(since)} 至 {wording.local(until)}",
        head=head_of(request, at=now()),
        figures=(
            Figure("预收资金余额(本金)", told.principal.closing, "yuan"),
            Figure("赠金余额", told.bonus.closing, "yuan", note="表外，不是收到的钱"),
            Figure(
                "应存管",
                round_yuan(max(told.principal.closing, ZERO) * rate / 100),
                "yuan",
                note=f"本金余额的 {rate.normalize():f}%，以上季度末余额为准",
            ),
        ),
        tables=(_sums(told), _days(request, since, until)),
        remarks=(
            "期末 = 期初 + 充值 − 消费 − 退款 − 收回 ± 转移。本金是负债，不是收入；加油时才确认收入。",
            f"期初为 {wording.local(since)} 之前的余额。消费已减去退回；抵扣已用赠金计入“收回”。",
        ),
    )
    return report_response(request, report, filters=filters)


COLUMNS = (
    Column("期初", kind="yuan"),
    Column("充值(赠送)", kind="yuan"),
    Column("消费", kind="yuan"),
    Column("退款", kind="yuan"),
    Column("收回", kind="yuan"),
    Column("转移与导入", kind="yuan"),
    Column("期末", kind="yuan"),
)


def _cells(side: Side) -> tuple[Yuan, ...]:
    return (
        side.opening,
        side.topped_up,
        -side.spent,
        -side.refunded,
        -side.recovered,
        side.moved,
        side.closing,
    )


def _sums(told: Liability) -> ReportTable:
    return ReportTable(
        "余额变动",
        (Column("项目"), *COLUMNS),
        [("本金", *_cells(told.principal)), ("赠金", *_cells(told.bonus))],
    )


def _days(request: StaffRequest, since: date, until: date) -> ReportTable:
    rows = by_day(stations=[request.station], since=since, until=until)
    return ReportTable(
        "逐日",
        (
            Column("营业日", kind="date"),
            Column("充值本金", kind="yuan"),
            Column("赠送", kind="yuan"),
            Column("消费本金", kind="yuan"),
            Column("消费赠金", kind="yuan"),
            Column("退本金", kind="yuan"),
            Column("收回赠金", kind="yuan"),
        ),
        [
            (
                day,
                principal.topped_up,
                bonus.topped_up,
                -principal.spent,
                -bonus.spent,
                -principal.refunded,
                -bonus.recovered,
            )
            for day, principal, bonus in rows
        ],
        empty="这段时间没有储值变动。",
    )


PLANS = Reference(
    app="members",
    name="value_plans",
    noun="充值档位",
    columns=(
        Column("名称", "name"),
        Column("充值", "amount", "yuan"),
        Column("赠送", "bonus", "yuan"),
        Column("适用", lambda one: one.get_audience_display()),
        Column("开始", "since", "date"),
        Column("结束", lambda one: one.until or "", "date"),
        Column("排序", "position", "count", minor=True),
        Column("在用", "active"),
    ),
    form=PlanForm,
    rows=lambda request: TopUpPlan.objects.all(),
    save=save_plan,
    initial=lambda one: {name: getattr(one, name) for name in FIELDS},
    view_right="members.value",
    change_right="members.value.plans",
    order=("position", "amount"),
    empty_text="没有档位时收银台按金额充值，不赠送。",
)
