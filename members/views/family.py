"""家庭积分 on a member's phone: the head invites and sets terms, a member confirms, sees and leaves."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from django import forms
from django.http import Http404, HttpResponse
from django.shortcuts import get_object_or_404, redirect
from django.utils.timezone import localdate
from django.views.decorators.http import require_GET, require_POST

from members.forms.pools import InviteForm, ShareForm, TermsForm
from members.models import PoolMember
from members.queries.cards import card_of
from members.queries.pools import (
    invitations_of,
    left_in_month,
    place_of,
    seats_of,
    shared_of,
)
from members.services import pool_endings, pool_heads, pools
from members.services.pools import terms_of
from members.views.guard import MemberRequest, member_only, member_page
from station.errors import Refusal

Why = PoolMember.Why


@require_GET
@member_only
def page(request: MemberRequest) -> HttpResponse:
    return _page(request)


@require_POST
@member_only
def open_pool(request: MemberRequest) -> HttpResponse:
    form = ShareForm(request.POST)

    def act() -> None:
        share = form.cleaned_data["share_pct"]
        pools.open_family(head=request.member, share_pct=share, at=request.at, actor=None)

    return _done(request, form, act, "opening")


@require_POST
@member_only
def invite(request: MemberRequest) -> HttpResponse:
    place, form = _headed(request), InviteForm(request.POST)

    def act() -> None:
        pools.invite(
            pool=place.pool,
            member=pools.whom(form.cleaned_data["whom"]),
            terms=form.terms(),
            at=request.at,
            actor=None,
        )

    return _done(request, form, act, "inviting")


@require_POST
@member_only
def accept(request: MemberRequest, pk: int) -> HttpResponse:
    place = get_object_or_404(invitations_of(member_id=request.member.pk), pk=pk)
    form = TermsForm(request.POST)

    def act() -> None:
        pools.accept(place=place, seen=form.terms(), at=request.at, actor=None)

    return _done(request, form, act)


@require_POST
@member_only
def decline(request: MemberRequest, pk: int) -> HttpResponse:
    """Turned down by who was asked, or taken back by the head who asked."""
    place = invitations_of(member_id=request.member.pk).filter(pk=pk).first()
    if place is None:
        rows = PoolMember.objects.select_related("pool", "member")
        place = get_object_or_404(rows, pk=pk, pool=_headed(request).pool)
    pools.decline(place=place, at=request.at, actor=None)
    return redirect("phone:family")


@require_POST
@member_only
def terms(request: MemberRequest, pk: int) -> HttpResponse:
    place, form = _in_mine(request, pk), TermsForm(request.POST)

    def act() -> None:
        pools.set_terms(place=place, terms=form.terms(), at=request.at, actor=None)

    return _done(request, form, act)


@require_POST
@member_only
def remove(request: MemberRequest, pk: int) -> HttpResponse:
    place = _in_mine(request, pk)

    def act() -> None:
        pool_endings.leave(place=place, why=Why.REMOVED, at=request.at, actor=None)

    return _done(request, None, act)


@require_POST
@member_only
def leave(request: MemberRequest) -> HttpResponse:
    place = place_of(member_id=request.member.pk)
    if place is None:
        return redirect("phone:family")
    found = place

    def act() -> None:
        pool_endings.leave(place=found, why=Why.HIMSELF, at=request.at, actor=None)

    return _done(request, None, act)


@require_POST
@member_only
def dissolve(request: MemberRequest) -> HttpResponse:
    place = _headed(request)

    def act() -> None:
        pool_endings.dissolve(pool=place.pool, reason="户主解散", at=request.at, actor=None)

    return _done(request, None, act)


@require_POST
@member_only
def offer(request: MemberRequest, pk: int) -> HttpResponse:
    """The head asks one of the family to take his place."""
    place = _in_mine(request, pk)

    def act() -> None:
        pool_heads.offer(place=place, at=request.at, actor=None)

    return _done(request, None, act)


@require_POST
@member_only
def take_over(request: MemberRequest) -> HttpResponse:
    """Who was asked is the head from now on."""
    place = _own(request)

    def act() -> None:
        pool_heads.take_over(pool=place.pool, member=request.member, at=request.at, actor=None)

    return _done(request, None, act)


@require_POST
@member_only
def turn_down(request: MemberRequest) -> HttpResponse:
    """Said no by who was asked, or taken back by the head who asked."""
    place = _own(request)
    if request.member.pk not in {place.pool.heir_id, place.pool.head_id}:
        raise Http404

    def act() -> None:
        pool_heads.turn_down(pool=place.pool, at=request.at, actor=None)

    return _done(request, None, act)


def _own(request: MemberRequest) -> PoolMember:
    """The member's own place in a family."""
    place = place_of(member_id=request.member.pk)
    if place is None or not place.pool.is_family:
        raise Http404
    return place


def _headed(request: MemberRequest) -> PoolMember:
    """The member's own place, where he is the head; nobody else may do what heads do."""
    place = place_of(member_id=request.member.pk)
    if place is None or place.pool.head_id != request.member.pk:
        raise Http404
    return place


def _in_mine(request: MemberRequest, pk: int) -> PoolMember:
    rows = PoolMember.objects.select_related("pool", "member").filter(pool=_headed(request).pool)
    return get_object_or_404(rows, pk=pk)


def _done(
    request: MemberRequest,
    form: forms.Form | None,
    act: Callable[[], None],
    name: str = "",
) -> HttpResponse:
    """Do it and go back to the page; a form with its faults and a refusal come with the page."""
    if form is not None and not form.is_valid():
        first = "" if name else str(next(iter(form.errors.values()))[0])
        return _page(request, refusal=first, **({name: form} if name else {}))
    try:
        act()
    except Refusal as refusal:
        return _page(request, refusal=str(refusal), **({name: form} if name and form else {}))
    return redirect("phone:family")


def _page(
    request: MemberRequest,
    *,
    refusal: str = "",
    opening: forms.Form | None = None,
    inviting: forms.Form | None = None,
) -> HttpResponse:
    mine = shared_of(member_id=request.member.pk, at=request.at)
    asked = [(one, terms_of(one), _who(one)) for one in invitations_of(member_id=request.member.pk)]
    content: dict[str, Any] = {
        "refusal": refusal,
        "asked": [] if mine else asked,
        "mine": mine,
        "opening": opening or ShareForm(),
    }
    if mine is not None:
        pool = mine.place.pool
        head = pool.head_id == request.member.pk
        content |= {
            "pool": pool,
            "head": head,
            "heir": pool.heir_id == request.member.pk,
            "headed_by": card_of(pool.head).name or pool.head.number if pool.head else "",
            "words": terms_of(mine.place).words(),
            "left": left_in_month(place=mine.place, day=localdate(request.at)),
            "seats": [
                (
                    seat,
                    card_of(seat.place.member).name or seat.place.member.number,
                    _form(seat.place),
                )
                for seat in (seats_of(pool, at=request.at) if pool.is_family else [])
            ],
            "waiting": [
                (one, card_of(one.member).phone, terms_of(one).words())
                for one in (pool.members.filter(state="INVITED").select_related("member__key"))
            ]
            if head
            else [],
            "inviting": inviting or InviteForm(),
        }
    failed = bool(refusal or (opening and opening.errors) or (inviting and inviting.errors))
    return member_page(request, "members/phone/family.html", content, 422 if failed else 200)


def _who(place: PoolMember) -> str:
    """Who asks: the head by his masked name, or the company."""
    pool = place.pool
    if pool.company is not None:
        return pool.company.name
    return (card_of(pool.head).name or pool.head.number) if pool.head else ""


def _form(place: PoolMember) -> TermsForm:
    told = terms_of(place)
    return TermsForm(initial=vars(told), auto_id=f"place-{place.pk}-%s")
