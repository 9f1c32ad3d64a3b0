"""Practice: where the other station answers, and what people have passed."""

from __future__ import annotations

from collections.abc import Collection
from urllib.parse import urlsplit

from django.conf import settings
from django.db.models import QuerySet
from django.http import HttpRequest

from station.models import PracticeResult, User
from station.runtime.practice import shown_address


def practice_address(request: HttpRequest) -> str:
    """Where the practice station answers, as this request's browser can reach it; "" for nowhere."""
    if settings.PRACTICE:
        return ""
    return _seen_from(request, settings.PRACTICE_URL or shown_address(settings.PRACTICE_DIR))


def live_address(request: HttpRequest) -> str:
    """Where the live station answers; "" within it."""
    return _seen_from(request, settings.LIVE_URL) if settings.PRACTICE else ""


def _seen_from(request: HttpRequest, address: str) -> str:
    """ ":8001" is another port of the host that this page was asked of."""
    if not address.startswith(":"):
        return address.rstrip("/")
    host = urlsplit(f"//{request.get_host()}").hostname or "127.0.0.1"
    host = f"[{host}]" if ":" in host else host
    return f"{request.scheme}://{host}{address}"


def passed(*, user: User, scenario: str) -> bool:
    """Whether a person has ever passed a scenario, as the live station recorded it."""
    return PracticeResult.objects.filter(user=user, scenario=scenario, passed=True).exists()


def passed_by(*, user: User) -> frozenset[str]:
    """All scenarios that a person has passed."""
    rows = PracticeResult.objects.filter(user=user, passed=True)
    return frozenset(rows.values_list("scenario", flat=True))


def results_of(people: Collection[User] | QuerySet[User]) -> QuerySet[PracticeResult]:
    """What these people have tried."""
    return PracticeResult.objects.filter(user__in=people).select_related("user")
