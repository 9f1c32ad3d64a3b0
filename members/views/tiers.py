"""会员等级: what tiers ask and give, changed after seeing whom it moves; a tier set by hand."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django import forms
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import localdate, now
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from members.forms.tiers import RuleForm, SetTierForm, TierForm, rule_initial, tier_initial
from members.models import Member, Tier, TierBenefit, TierNotice
from members.queries.cards import card_of, members_anywhere, members_of
from members.queries.tier_rules import Terms, rules, takes_away, terms_at, tiers_with_benefits
from members.queries.tier_standings import Effect, effects, holders
from members.services import tier_rules, tiers
from station.access import StaffRequest, may, may_do
from station.errors import Refusal
from station.models import User
from station.queries.audit import history_of
from station.services.approval import check_approver

SAMPLE = 8


@require_GET
@may("members.tiers")
def index(request: StaffRequest) -> HttpResponse:
    known, held = tiers_with_benefits(), holders()
    terms = terms_at(localdate(now()))
    content = {
        "tiers": [
            (one, terms.limit_of(one.pk) if terms else None, held.get(one.pk, 0)) for one in known
        ],
        "terms": terms,
        "rules": rules(),
        "may_change": may_do(request.role, "members.tiers.change"),
        "history": history_of("tiers"),
    }
    return render(request, "members/tiers.html", content)


@require_POST
@may("members.tiers.change")
def found(request: StaffRequest) -> HttpResponse:
    if tier_rules.found_tiers(station=request.station, at=now(), actor=request.user):
        messages.success(request, "已启用普通、银卡、金卡。门槛和权益都可以改。")
    return redirect("members:tiers")


@require_http_methods(["GET", "POST"])
@may("members.tiers.change")
def tier_new(request: StaffRequest) -> HttpResponse:
    return _edit(request, None)


@require_http_methods(["GET", "POST"])
@may("members.tiers.change")
def tier(request: StaffRequest, code: str) -> HttpResponse:
    return _edit(request, get_object_or_404(Tier, code=code))


def _edit(request: StaffRequest, row: Tier | None) -> HttpResponse:
    living = list(TierBenefit.objects.filter(tier=row, until=None).order_by("pk")) if row else []
    initial = tier_initial(row, living) if row else None
    form = TierForm(request.POST or None, tier=row, initial=initial)
    if request.method == "POST" and form.is_valid():
        at = now()
        try:
            approver = _approver(request, form, at)
            saved = tier_rules.save_tier_and_benefits(
                tier=row,
                code=form.cleaned_data.get("code", ""),
                name=form.cleaned_data["name"],
                active=form.cleaned_data["active"],
                gifts=form.gifts(),
                station=request.station,
                at=at,
                actor=request.user,
                approver=approver,
            )
            messages.success(request, f"已保存{saved.name}。")
            return redirect("members:tiers")
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    content = {"form": form, "tier": row, "back_href": reverse("members:tiers")}
    return render(request, "members/tier.html", content, status=422 if form.errors else 200)


def _approver(request: StaffRequest, form: forms.Form, at: datetime) -> User | None:
    """Who signed on this form; None where nobody did."""
    if not form.cleaned_data["approver"].strip():
        return None
    return check_approver(
        username=form.cleaned_data["approver"],
        secret=form.cleaned_data["approver_secret"],
        right="members.tiers.approve",
        station=request.station,
        not_user=request.user,
        at=at,
    )


# ------------------------------------------------------------------------------ the rule


@dataclass(frozen=True)
class Move:
    """One line of what a rule would do: from which tier to which, how many, and whom."""

    held: str
    reached: str
    members: int
    kind: str  # up, down or stay
    sample: Sequence[str]


@require_http_methods(["GET", "POST"])
@may("members.tiers.change")
def rule(request: StaffRequest) -> HttpResponse:
    """First the effect, then the saving: what is saved is what the effect was shown of."""
    at = now()
    known = list(Tier.objects.order_by("rank"))
    if request.method == "GET":
        initial = rule_initial(terms_at(localdate(at)), localdate(at))
        return _rule_page(request, RuleForm(tiers=known, initial=initial), {})
    form = RuleForm(request.POST, tiers=known)
    if not form.is_valid():
        return _rule_page(request, form, {})
    try:
        terms, day = form.terms(), form.cleaned_data["valid_from"]
        tier_rules.check_terms(terms, valid_from=day, today=localdate(at))
        if "save" in request.POST and form.cleaned_data["shown"] == form.digest:
            tier_rules.set_rule(
                terms=terms,
                valid_from=day,
                station=request.station,
                at=at,
                actor=request.user,
                approver=_approver(request, form, at),
            )
            messages.success(
                request, "定级规则已保存。生效后，够条件的会员在下一次消费或当晚升级。"
            )
            return redirect("members:tiers")
    except Refusal as refusal:
        form.add_error(None, str(refusal))
    return _rule_page(request, form, _effect(form.terms(), known, at) if form.cleaned_data else {})


def _effect(terms: Terms, known: Sequence[Tier], at: datetime) -> dict[str, Any]:
    found = effects(terms=terms, today=localdate(at))
    sample = _masked([one for row in found if row.held != row.reached for one in row.sample])
    names = {one.rank: one.name for one in known}
    moves = [_move(row, names, sample) for row in found]
    before = terms_at(localdate(at))
    return {
        "moves": moves,
        "totals": {
            kind: sum(one.members for one in moves if one.kind == kind)
            for kind in ("up", "down", "stay")
        },
        "taken": takes_away(before=before, after=terms),
    }


def _move(row: Effect, names: Mapping[int, str], sample: Mapping[int, str]) -> Move:
    kind = "up" if row.reached > row.held else "down" if row.reached < row.held else "stay"
    whom = [sample[one] for one in row.sample if one in sample] if kind != "stay" else []
    return Move(
        names.get(row.held, "普通"), names.get(row.reached, "普通"), row.members, kind, whom
    )


def _masked(ids: Sequence[int]) -> dict[int, str]:
    rows = members_anywhere().filter(pk__in=ids[: SAMPLE * 3])
    return {one.pk: f"{one.number} {card_of(one).name}" for one in rows}


def _rule_page(request: StaffRequest, form: RuleForm, effect: Mapping[str, Any]) -> HttpResponse:
    content = {
        "form": form,
        "effect": effect,
        "shown": form.digest if effect else "",
        "back_href": reverse("members:tiers"),
    }
    status = 422 if form.errors else 200
    return render(request, "members/tier_rule.html", content, status=status)


# ------------------------------------------------------------------------------ one member


@require_http_methods(["GET", "POST"])
@may("members.tiers.set")
def set_tier(request: StaffRequest, number: str) -> HttpResponse:
    member = _member(request, number)
    form = SetTierForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            row = tiers.set_tier(member=member, at=now(), actor=request.user, **form.cleaned_data)
            messages.success(request, f"会员 {number} 现在是{row.tier.name}。")
            return redirect("members:member", number)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    back = reverse("members:member", args=[number])
    content = {"form": form, "member": member, "back_href": back}
    return render(request, "members/tier_set.html", content, status=422 if form.errors else 200)


@require_POST
@may("members.view")
def tell(request: StaffRequest, number: str, pk: int) -> HttpResponse:
    notice = get_object_or_404(TierNotice, pk=pk, member=_member(request, number))
    tiers.tell(notice=notice, at=now(), actor=request.user)
    return redirect("members:member", number)


def _member(request: StaffRequest, number: str) -> Member:
    return get_object_or_404(members_of(request.stations), number=number)
