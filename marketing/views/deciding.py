"""Planning an offer and deciding on it: typed, approved by another, sent back, stopped."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now

from marketing.forms.terms import PromotionForm, TemplateForm
from marketing.models import CouponTemplate, Promotion, Status
from marketing.queries import wording
from marketing.services import terms
from station.access import StaffRequest, may_do
from station.errors import Refusal
from station.queries.audit import history_of
from station.queries.columns import Tone

Offer = Promotion | CouponTemplate

TONES: dict[str, Tone] = {
    Status.PLANNED: "wait",
    Status.APPROVED: "good",
    Status.REJECTED: "off",
    Status.STOPPED: "bad",
    Status.REPLACED: "off",
    Status.ENDED: "off",
}


def decided(
    request: StaffRequest,
    act: Callable[[datetime], object],
    *,
    words: str,
    to: str,
    page: Callable[[str], HttpResponse],
) -> HttpResponse:
    """Do it and go to the page `to`; what is refused is said on the page."""
    try:
        act(now())
    except Refusal as refusal:
        return page(str(refusal))
    messages.success(request, words)
    return redirect(to)


def reason_of(request: StaffRequest) -> str:
    """Why something is sent back or stopped, as it was typed."""
    return request.POST.get("reason", "").replace("\0", "")


@dataclass(frozen=True)
class OfferPages:
    """What the pages of promotions and of coupon templates have in common."""

    page: str  # URL name of one of them
    listing: str  # URL name of their list
    form: type[PromotionForm] | type[TemplateForm]
    template: str
    form_template: str
    plan: Callable[..., Offer]
    plans: str  # the right to plan one
    approves: str  # the right to approve another's
    approved: str  # what is said after its name once it is approved
    stopped: str
    more: Callable[[StaffRequest, Any], dict[str, object]]  # what its page has besides

    def typed(
        self, request: StaffRequest, found: Offer | None, initial: dict[str, Any]
    ) -> HttpResponse:
        """The form of a new one, or of another version of one that is there."""
        form = self.form(request.POST or None, initial=initial)
        if request.method == "POST" and form.is_valid():
            try:
                made = self.plan(
                    station=request.station,
                    values=form.values(),
                    actor=request.user,
                    at=now(),
                    code=found.code if found else "",
                )
                messages.success(request, f"{made.name} 已提交，等另一人审批。")
                return redirect(self.page, made.pk)
            except Refusal as refusal:
                form.add_error(None, str(refusal))
        back = reverse(self.page, args=[found.pk]) if found else reverse(self.listing)
        content = {"form": form, "found": found, "back_href": back}
        return render(request, self.form_template, content, status=422 if form.errors else 200)

    def approve(self, request: StaffRequest, found: Offer) -> HttpResponse:
        """A second person says yes."""
        return self._decided(
            request,
            found,
            lambda at: terms.approve(offer=found, actor=request.user, at=at),
            self.approved,
        )

    def reject(self, request: StaffRequest, found: Offer) -> HttpResponse:
        """It is sent back, with a reason."""
        return self._decided(
            request,
            found,
            lambda at: terms.reject(
                offer=found, actor=request.user, at=at, reason=reason_of(request)
            ),
            "已驳回。",
        )

    def stop(self, request: StaffRequest, found: Offer) -> HttpResponse:
        """It ends at once, with a reason."""
        return self._decided(
            request,
            found,
            lambda at: terms.stop(
                offer=found, actor=request.user, at=at, reason=reason_of(request)
            ),
            self.stopped,
        )

    def _decided(
        self, request: StaffRequest, found: Offer, act: Callable[[datetime], object], words: str
    ) -> HttpResponse:
        return decided(
            request,
            act,
            words=f"{found.name} {words}",
            to=reverse(self.page, args=[found.pk]),
            page=lambda refusal: self.shown(request, found, refusal),
        )

    def shown(self, request: StaffRequest, found: Offer, refusal: str = "") -> HttpResponse:
        """Its page, with what was refused on it."""
        if refusal:
            found.refresh_from_db()
        planning = may_do(request.role, self.plans)
        own = found.planned_by_id == request.user.pk
        content = {
            "found": found,
            "tone": TONES[found.status],
            "gives": wording.gives(found),
            "covers": wording.covers(found),
            "for_whom": wording.for_whom(found),
            "days": wording.days(found),
            "together": wording.together(found),
            "own": own,
            "may_approve": found.status == Status.PLANNED
            and not own
            and may_do(request.role, self.approves),
            "may_stop": found.status == Status.APPROVED and planning,
            "may_change": found.station_id == request.station.pk and planning,
            "refusal": refusal,
            "history": history_of(found.code),
            **self.more(request, found),
        }
        return render(request, self.template, content, status=422 if refusal else 200)
