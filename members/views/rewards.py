"""礼品: listed with who can afford them, added, changed, pictured; what nobody wants; what lies idle."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from members.forms.rewards import CategoryForm, RewardFilter, RewardForm
from members.models import Member, PointsAccount, Reward, RewardCategory
from members.queries.cards import card_of
from members.queries.reward_reports import (
    ACTIVE_DAYS,
    IDLE_DAYS,
    MOST,
    activity,
    cost_yuan,
    idle_accounts,
    listed,
    reach,
    unloved,
    yuan_per_hundred,
)
from members.queries.rewards import closed, named, rewards, with_stock
from members.services import rewards as services
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import Attachment
from station.queries import settings
from station.queries.audit import history_of
from station.queries.columns import Action, Column, Empty
from station.queries.listing import ListPage
from station.queries.reporting import Figure, Linked, Report, ReportTable
from station.views.crud import Reference
from station.views.listing import filters_of, list_response
from station.views.reporting import head_of, report_response

FIELDS = tuple(RewardForm.base_fields)

CATEGORIES = Reference(
    app="members",
    name="reward_categories",
    noun="礼品分类",
    columns=(Column("名称", "name"), Column("排序", "position", "count")),
    form=CategoryForm,
    rows=lambda request: RewardCategory.objects.all(),
    save=services.save_category,
    initial=lambda row: {"name": row.name, "position": row.position},
    view_right="members.rewards",
    change_right="members.rewards.change",
    order=("position", "name"),
    empty_text="先建分类，再上礼品。",
)


@require_GET
@may("members.rewards")
def index(request: StaffRequest) -> HttpResponseBase:
    at = now()
    filters = filters_of(request, RewardFilter)
    wanted = filters.cleaned_data
    rows = named(with_stock(listed(at), request.station), wanted.get("text") or "")
    for name in ("category", "kind"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    if wanted.get("shown"):
        rows = rows.filter(active=wanted["shown"] == "1")
    able = reach(costs=list(Reward.objects.values_list("cost_points", flat=True)), at=at)
    changing = may_do(request.role, "members.rewards.change")
    new = Action("新增礼品", reverse("members:reward_new")) if changing else None
    return list_response(
        request,
        ListPage(
            title="礼品",
            columns=(
                Column("编码", "code", "code", minor=True),
                Column("名称", "name"),
                Column("类型", lambda row: row.get_kind_display()),
                Column("分类", "category.name", minor=True),
                Column("积分", "cost_points", "count"),
                Column("加价", "surcharge_item.price", "yuan", minor=True),
                Column("本站库存", _stock, "count"),
                Column("近30天", "recent", "count"),
                Column("够分的会员", lambda row: able.share(row.cost_points), "percent"),
                Column("每百分成本", yuan_per_hundred, "yuan"),
                Column(
                    "状态",
                    lambda row: closed(row, at) or "在架",
                    "state",
                    tone=lambda row: "off" if closed(row, at) else "good",
                ),
            ),
            rows=rows,
            order=("cost_points",),
            filters=filters,
            opens=lambda row: reverse("members:reward", args=[row.pk]),
            primary=new,
            empty=Empty("还没有礼品", "上架后会员在收银台就能兑换。").leading(new),
            note=f"「够分的会员」只数近 {ACTIVE_DAYS} 天消费过的 {able.members} 位会员。",
        ),
    )


def _stock(row: Any) -> Any:
    return (row.on_hand or 0) if row.kind == Reward.Kind.GOODS else None


@require_GET
@may("members.rewards")
def reward(request: StaffRequest, pk: int) -> HttpResponse:
    at = now()
    found = get_object_or_404(with_stock(listed(at), request.station), pk=pk)
    able = reach(costs=[found.cost_points], at=at)
    document = services.document_of(found)
    content = {
        "reward": found,
        "why": closed(found, at),
        "stock": _stock(found),
        "share": able.share(found.cost_points),
        "active": able.members,
        "days": ACTIVE_DAYS,
        "cost": cost_yuan(found),
        "per_hundred": yuan_per_hundred(found),
        "document": document,
        "attachments": Attachment.objects.filter(station=request.station, document=document),
        "may_change": may_do(request.role, "members.rewards.change"),
        "history": history_of(document),
    }
    return render(request, "members/reward.html", content)


@require_http_methods(["GET", "POST"])
@may("members.rewards.change")
def reward_new(request: StaffRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@may("members.rewards.change")
def reward_change(request: StaffRequest, pk: int) -> HttpResponse:
    return _edit(request, get_object_or_404(rewards(), pk=pk))


def _edit(request: StaffRequest, row: Reward | None) -> HttpResponse:
    initial = {name: getattr(row, name) for name in FIELDS} if row else None
    form = RewardForm(request.POST or None, initial=initial)
    if request.method == "POST" and form.is_valid():
        try:
            saved = services.save_reward(
                row=row,
                values=form.cleaned_data,
                at=now(),
                actor=request.user,
                station=request.station,
            )
            messages.success(request, f"已保存礼品「{saved.name}」。")
            return redirect("members:reward", saved.pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("members:reward", args=[row.pk]) if row else reverse("members:rewards")
    content = {
        "form": form,
        "title": f"修改礼品 {row.name}" if row else "新增礼品",
        "back_href": back,
    }
    return render(request, "base/reference.html", content, status=422 if form.errors else 200)


@require_GET
@may("members.rewards")
def report(request: StaffRequest) -> HttpResponseBase:
    at = now()
    least = settings.whole("members.idle_points", request.station)
    told = activity(station=request.station, at=at)
    idle = idle_accounts(stations=list(request.stations), least=least, at=at)
    return report_response(
        request,
        Report(
            title="积分商城报告",
            period=f"近 {IDLE_DAYS} 天",
            head=head_of(request, at=at),
            figures=(
                Figure("近30天兑换", told.orders, unit="单", href=_orders()),
                Figure("近30天用分", told.points, unit="分"),
                Figure("待领取", told.waiting, unit="单", href=_orders("RESERVED")),
                Figure("近30天取消与过期", told.cancelled, unit="单"),
                Figure("积分沉淀的会员", idle.count(), unit="位"),
            ),
            tables=(_stale(list(unloved(at)[:MOST])), _idle(list(idle[:MOST]), least)),
            remarks=(f"每张表最多列 {MOST} 行；积分的数额由「限额与参数」里的积分沉淀决定。",),
        ),
    )


def _stale(found: Sequence[Reward]) -> ReportTable:
    return ReportTable(
        f"{IDLE_DAYS} 天没有人兑的礼品",
        (
            Column("礼品"),
            Column("类型"),
            Column("积分", kind="count"),
            Column("每百分成本", kind="yuan"),
            Column("上次兑换", kind="moment"),
        ),
        rows=[
            (
                Linked(one.name, reverse("members:reward", args=[one.pk])),
                one.get_kind_display(),
                one.cost_points,
                yuan_per_hundred(one),
                one.last,  # type: ignore[attr-defined]
            )
            for one in found
        ],
        empty=f"没有：在架的礼品 {IDLE_DAYS} 天里都有人兑。",
    )


def _idle(held: Sequence[PointsAccount], least: int) -> ReportTable:
    return ReportTable(
        f"余额 {least} 分以上、{IDLE_DAYS} 天没有用过积分的会员",
        (
            Column("会员号", kind="code"),
            Column("姓名"),
            Column("手机号", kind="code"),
            Column("入会油站"),
            Column("可用积分", kind="count"),
        ),
        rows=[(*_who(one.member), one.balance) for one in held if one.member is not None],
        empty="没有这样的会员。",
    )


def _who(member: Member) -> tuple[Linked, str, str, str]:
    card = card_of(member)
    href = reverse("members:member", args=[member.number])
    return Linked(member.number, href), card.name, card.phone, member.home_station.name


def _orders(state: str = "") -> str:
    return reverse("members:redemptions") + (f"?state={state}" if state else "")
