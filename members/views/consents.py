"""Consents on the member's page: each given and withdrawn by its own button."""

from __future__ import annotations

from django.http import HttpResponse
from django.shortcuts import redirect, render
from django.urls import reverse
from django.utils.timezone import now
from django.views.decorators.http import require_GET, require_POST

from members.queries.consents import history
from members.services import consents
from members.views.page import found, page
from station.access import StaffRequest, may
from station.errors import Refusal


@require_GET
@may("members.view")
def log(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    content = {
        "member": one,
        "rows": history(one),
        "back_href": reverse("members:member", args=[number]),
    }
    return render(request, "members/consents.html", content)


@require_POST
@may("members.create")
def give(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    evidence = request.POST.get("evidence", "").strip() or "当面问过，口头同意"
    purpose = request.POST.get("purpose", "")
    try:
        consents.give(member=one, purpose=purpose, at=now(), actor=request.user, evidence=evidence)
    except Refusal as refusal:
        return page(request, one, refusal=str(refusal))
    return redirect("members:member", number)


@require_POST
@may("members.create")
def withdraw(request: StaffRequest, number: str) -> HttpResponse:
    one = found(request, number)
    purpose = request.POST.get("purpose", "")
    consents.withdraw(member=one, purpose=purpose, at=now(), actor=request.user)
    return redirect("members:member", number)
