"""礼遇跟进: who was given what, whether it was used, and the calls of customer service about it."""

from __future__ import annotations

from django.contrib import messages
from django.http import HttpResponse, HttpResponseBase
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_http_methods

from marketing.forms.gifts import CallForm, GiftFilter
from marketing.queries.gifts import coupon_words, followed, narrowed
from members.models import Consent, Gift, GiftCall
from members.queries.cards import card_of, members_anywhere
from members.queries.consents import allows
from members.services import gifts
from station.access import StaffRequest, may
from station.errors import Refusal
from station.queries.columns import Column, Empty, Tone
from station.queries.listing import ListPage, within
from station.views.listing import filters_of, list_response

TONES: dict[str, Tone] = {"PENDING": "wait", "GIVEN": "good", "VOID": "off"}


@require_GET
@may("marketing.gifts")
def index(request: StaffRequest) -> HttpResponseBase:
    filters = filters_of(request, GiftFilter)
    wanted = filters.cleaned_data
    rows = followed().filter(station__in=request.stations)
    for name in ("occasion", "state"):
        if wanted.get(name):
            rows = rows.filter(**{name: wanted[name]})
    if text := (wanted.get("text") or "").strip():
        rows = rows.filter(member__number__iexact=text)
    rows = narrowed(rows, used=wanted.get("used") or "", called=wanted.get("called") or "")
    rows = within(rows, "made_at", since=wanted.get("since"), until=wanted.get("until"))
    return list_response(
        request,
        ListPage(
            title="礼遇跟进",
            columns=(
                Column("时间", "made_at", "moment"),
                Column("礼遇", lambda row: row.get_occasion_display()),
                Column("会员号", "member.number", "code"),
                Column("券编号", "template", "code", minor=True),
                Column("积分", lambda row: row.points or None, "count", minor=True),
                Column(
                    "发放",
                    lambda row: row.get_state_display(),
                    "state",
                    tone=lambda row: TONES[row.state],
                ),
                Column("券", lambda row: coupon_words(row.coupon_state)),
                Column("用在", lambda row: row.used_in or "", "code", minor=True),
                Column(
                    "最近回访",
                    lambda row: (
                        GiftCall.Outcome(row.last_call).label if row.last_call else "没打过"
                    ),
                ),
                Column("说明", "words", minor=True),
            ),
            rows=rows,
            order=("-id",),
            filters=filters,
            opens=lambda row: reverse("marketing:gift", args=[row.pk]),
            empty=Empty(
                "还没有礼遇",
                "会员入会、快过生日或很久没来时，按方案自动发放，出现在这里。",
                "看会员礼遇方案",
                reverse("members:gift_plans"),
            ),
        ),
    )


@require_http_methods(["GET", "POST"])
@may("marketing.gifts")
def gift(request: StaffRequest, pk: int) -> HttpResponse:
    found = get_object_or_404(followed().filter(station__in=request.stations), pk=pk)
    form = CallForm(request.POST or None)
    if request.method == "POST" and form.is_valid():
        try:
            gifts.note_call(gift=found, actor=request.user, at=now(), **form.cleaned_data)
            messages.success(request, "已登记回访。")
            return redirect("marketing:gift", pk)
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return render(
        request,
        "marketing/gift.html",
        {
            "gift": found,
            "tone": TONES[found.state],
            "card": card_of(members_anywhere().get(pk=found.member_id)),
            "coupon": coupon_words(vars(found)["coupon_state"]),
            "good_until": vars(found)["good_until"],
            "calls": found.calls.select_related("actor").order_by("-pk"),
            "may_market": allows(found.member_id, Consent.Purpose.SMS),
            "form": form,
            "pending": found.state == Gift.State.PENDING,
        },
        status=422 if form.errors else 200,
    )
