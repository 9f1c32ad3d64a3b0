"""What a reader typed into a page: the same event with the same meaning as from a line."""

from __future__ import annotations

import re

from django.conf import settings
from django.http import HttpResponse, JsonResponse
from django.shortcuts import get_object_or_404
from django.urls import NoReverseMatch, reverse
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_POST

from devices.models import ReadRule, Swipe
from devices.queries import swipes as asked
from devices.services import reads
from station.access import StaffRequest, may, may_do
from station.models import Till

_KEY = re.compile(r"[0-9A-Za-z-]{8,60}")


@require_POST
@never_cache
@may("devices.swipes")
def typed(request: StaffRequest) -> HttpResponse:
    """One read. The answer never repeats a payment code: the page has it, and only there."""
    text = re.sub(r"[\x00-\x1f\x7f]", "", request.POST.get("text", "")).strip()
    key = request.POST.get("key", "")
    if not 0 < len(text) <= asked.LONGEST or not _KEY.fullmatch(key):
        return JsonResponse({"error": "没有读全，请再刷一次或再扫一次。"}, status=422)
    done = reads.record_typed(
        station=request.station,
        till=_till(request),
        actor=request.user,
        key=f"typed:{request.user.pk}:{key}",
        text=text,
        at=now(),
    )
    swipe = done.swipe
    return JsonResponse(
        {
            "id": swipe.pk,
            "again": done.again,
            "medium": swipe.medium,
            "meaning": swipe.meaning,
            "outcome": swipe.outcome,
            "secret": swipe.meaning == ReadRule.Meaning.PAYMENT_CODE,
            "words": asked.said(swipe),
            "open": _page(request, swipe),
        }
    )


def _till(request: StaffRequest) -> Till | None:
    """The till whose page read it; a page of no till names none."""
    number = request.POST.get("till", "")
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        return None
    return get_object_or_404(Till, pk=int(number), station=request.station)


def _page(request: StaffRequest, swipe: Swipe) -> str:
    """The page of what was read, where this person may open it; "" where there is none."""
    right, name = settings.READ_PAGES.get(swipe.meaning, ("", ""))
    if not name or swipe.outcome != Swipe.Outcome.KNOWN or not may_do(request.role, right):
        return ""
    number = swipe.card.document if swipe.card is not None else swipe.text
    try:
        return reverse(name, args=[number])
    except NoReverseMatch:
        return ""
