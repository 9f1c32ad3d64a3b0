"""Deciding on an offer: approved, sent back or stopped, and back to its page."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import redirect
from django.utils.timezone import now

from marketing.models import Status
from station.access import StaffRequest
from station.errors import Refusal
from station.queries.columns import Tone

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
