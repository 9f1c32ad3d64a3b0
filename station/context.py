"""What every page of the frame needs."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest


def frame(request: HttpRequest) -> dict[str, Any]:
    """Station and role of the request."""
    return {"station": getattr(request, "station", None), "role": getattr(request, "role", "")}
