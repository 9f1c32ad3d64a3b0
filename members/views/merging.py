"""Members who are one person: proposed, compared, merged, and taken apart again."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.merging import MergeForm
from members.models import DuplicatePair, Member, Merge
from members.queries.cards import card_of, members_of
from members.queries.merging import merges_of, pairs_of, side_of
from members.services import duplicates, merging
from members.views.page import found
from station.access import StaffRequest, may
from station.errors import Refusal
from station.queries.columns import Column, Empty
from station.queries.listing import ListPage
from station.views.listing import list_response


@require_GET
@may("members.merge")
def pairs(request: StaffRequest) -> HttpResponseBase:
    return list_response(
        request,
        ListPage(
            title="可能重复的会员",
            columns=(
                Column("相似度(%)", "score", "count"),
                Column("理由", "reasons"),
                Column("会员一", lambda row: _who(row.first)),
                Column("会员二", lambda row: _who(row.second)),
                Column("发现时间", "found_at", "moment", minor=True),
            ),
            rows=pairs_of(request.stations),
            order=("-score",),
            opens=lambda row: reverse("members:pair", args=[row.pk]),
            empty=Empty("没有可能重复的会员", "每天夜里查找一次；也可以现在查找。"),
            note="用过同一车牌，或姓名、手机尾号、生日相同或相近的。打开一对比较后，合并或判为不同人。",
        ),
        template="members/pairs.html",
    )


@require_POST
@may("members.merge")
def search(request: StaffRequest) -> HttpResponse:
    count = duplicates.find(at=now())
    messages.success(request, f"查找完了，新发现 {count} 对。")
    return redirect("members:pairs")


@require_GET
@may("members.merge")
def pair(request: StaffRequest, pk: int) -> HttpResponse:
    one = _pair(request, pk)
    content = {"pair": one, "sides": [side_of(one.first), side_of(one.second)]}
    return render(request, "members/pair.html", content)


@require_POST
@may("members.merge")
def pair_dismiss(request: StaffRequest, pk: int) -> HttpResponse:
    duplicates.dismiss(pair=_pair(request, pk), at=now(), actor=request.user)
    messages.success(request, "已判为不同的两个人，不再提示这一对。")
    return redirect("members:pairs")


@require_http_methods(["GET", "POST"])
@may("members.merge")
def merge(request: StaffRequest, number: str) -> HttpResponse:
    """The member who stays, the one who joins him, and what it would bring together."""
    survivor = found(request, number)
    form = MergeForm(request.POST or request.GET or None)
    other: Member | None = None
    if form.is_bound and form.is_valid():
        wanted = form.cleaned_data["other"].upper()
        other = members_of(request.stations).filter(number=wanted).first()
        if other is None:
            form.add_error("other", "没有找到这个会员号。")
        elif request.method == "POST":
            try:
                merging.merge(
                    survivor=survivor,
                    merged=other,
                    reason=form.cleaned_data["reason"],
                    at=now(),
                    actor=request.user,
                )
                messages.success(request, f"{other.number} 已并入 {survivor.number}。")
                return redirect("members:member", survivor.number)
            except Refusal as refusal:
                form.add_error(None, str(refusal))
    sides = [side_of(one) for one in (survivor, other) if one]
    moved = [
        (mover.title, mover.preview(survivor=survivor, merged=other))
        for mover in (merging.movers() if other else ())
    ]
    content = {
        "form": form,
        "survivor": survivor,
        "other": other,
        "sides": sides,
        "moved": moved,
        "back_href": reverse("members:member", args=[number]),
    }
    return render(request, "members/merge.html", content, status=422 if form.errors else 200)


@require_GET
@may("members.merge")
def merges(request: StaffRequest) -> HttpResponseBase:
    return list_response(
        request,
        ListPage(
            title="会员合并记录",
            columns=(
                Column("合并时间", "at", "moment"),
                Column("留下的会员", "survivor.number", "code"),
                Column("并入的会员", "merged.number", "code"),
                Column("原因", "reason"),
                Column("经手", "actor.name"),
                Column("可撤销至", "undo_until", "moment"),
                Column("撤销时间", "undone_at", "moment"),
                Column("撤销原因", "undo_reason", minor=True),
            ),
            rows=merges_of(request.stations),
            order=("-at",),
            opens=lambda row: reverse("members:merge_undo", args=[row.pk]),
            empty=Empty("还没有合并过会员", "在会员页面，或从「可能重复的会员」里合并。"),
        ),
    )


@require_http_methods(["GET", "POST"])
@may("members.merge")
def merge_undo(request: StaffRequest, pk: int) -> HttpResponse:
    one: Merge = get_object_or_404(merges_of(request.stations), pk=pk)
    refusal = ""
    if request.method == "POST":
        try:
            merging.undo(
                merge=one, reason=request.POST.get("reason", ""), at=now(), actor=request.user
            )
            messages.success(request, f"已撤销：{one.merged.number} 又是单独的会员。")
            return redirect("members:member", one.merged.number)
        except Refusal as said:
            refusal = str(said)
    content = {
        "merge": one,
        "refusal": refusal,
        "open": one.undone_at is None and now() <= one.undo_until,
        "sides": [side_of(one.survivor), side_of(one.merged)],
    }
    return render(request, "members/merge_undo.html", content, status=422 if refusal else 200)


def _pair(request: StaffRequest, pk: int) -> DuplicatePair:
    return get_object_or_404(pairs_of(request.stations), pk=pk)


def _who(member: Member) -> str:
    card = card_of(member)
    return f"{member.number} {card.name} {card.phone}"
