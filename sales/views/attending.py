"""员工手机: where he stands, the nozzles there, and the codes of the nozzles."""

from __future__ import annotations

from typing import Any

import segno
from django.contrib import messages
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.urls import reverse
from django.utils.safestring import mark_safe
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from marketing.queries.coupons import coupons_at
from marketing.services import codes
from members.services.redemption_endings import UnknownCode
from sales.forms.attending import CodeForm
from sales.queries import attending as asked
from sales.queries.wall import wall
from sales.services import rewards
from station.access import StaffRequest, may
from station.errors import Refusal
from station.models import Island, Nozzle

PLACE = "island"  # of the browser's session: kept until he signs out


def place_of(request: StaffRequest) -> Island | None:
    """Where he stands: what he chose, else where the shift put him."""
    chosen = request.session.get(PLACE)
    if chosen == "all":
        return None
    if chosen:
        found = Island.objects.filter(pk=chosen, station=request.station, active=True).first()
        if found is not None:
            return found
    return asked.post_of(user=request.user, station=request.station)


@require_GET
@never_cache
@may("sales.attend")
def home(request: StaffRequest) -> HttpResponse:
    place = place_of(request)
    content = {
        "session": asked.session_of(user=request.user, station=request.station),
        "islands": asked.islands_of(request.station),
        "place": place,
        **_pumps(request, place),
    }
    return render(request, "sales/attendant.html", content)


@require_GET
@may("sales.attend")
def pumps(request: StaffRequest) -> HttpResponse:
    """Asked every two seconds; 204 where the phone shows what there is."""
    content = _pumps(request, place_of(request))
    if request.GET.get("seen") == content["mark"]:
        return HttpResponse(status=204)
    answer = render(request, "sales/_attendant_pumps.html", content)
    answer["Cache-Control"] = "no-store"
    return answer


def _pumps(request: StaffRequest, place: Island | None) -> dict[str, Any]:
    found = wall(station=request.station, at=now())
    here = asked.pumps_at(found, place)
    stale = found.stale_since.isoformat() if found.stale_since else ""
    stopped = f"{found.stopped_by}{stale}{found.deaf}"
    return {"wall": found, "pumps": here, "mark": f"{asked.mark_of(here)}.{stopped}"}


@require_POST
@may("sales.attend")
def place(request: StaffRequest) -> HttpResponse:
    told = request.POST.get("island", "")
    is_number = told.isascii() and told.isdigit() and len(told) < 18
    mine = Island.objects.filter(pk=int(told) if is_number else 0, station=request.station)
    request.session[PLACE] = int(told) if mine.exists() else "all"
    return redirect("sales:attendant")


# ------------------------------------------------------------------------------ 一枪一码


@require_GET
@may("sales.attend")
def nozzle(request: StaffRequest, pk: int) -> HttpResponse:
    """What the code on a nozzle opens: its fills that wait, whoever scans it."""
    held = get_object_or_404(Nozzle, pk=pk, station=request.station, active=True)
    found = wall(station=request.station, at=now())
    tile = next((one for one in found.tiles if one.pk == held.pk), None)
    content = {"nozzle": held, "tile": tile}
    return render(request, "sales/attendant_nozzle.html", content)


@require_GET
@may("sales.attend")
def nozzle_codes(request: StaffRequest) -> HttpResponse:
    """One code per nozzle, to be printed and put on the pump."""
    rows = Nozzle.objects.filter(station=request.station, active=True)
    rows = rows.select_related("tank__grade", "dispenser__island").order_by("number")
    content = {
        "codes": [(one, _drawn(request, one)) for one in rows],
        "secure": request.is_secure(),
    }
    return render(request, "sales/nozzle_codes.html", content)


def _drawn(request: StaffRequest, one: Nozzle) -> str:
    address = request.build_absolute_uri(reverse("sales:attendant_nozzle", args=[one.pk]))
    svg = segno.make(address, error="q").svg_inline(
        omitsize=True, border=2, dark="#000", light="#fff"
    )
    return mark_safe(svg)


# ------------------------------------------------------------------------------ codes


@require_http_methods(["GET", "POST"])
@may("sales.attend")
def verify(request: StaffRequest) -> HttpResponse:
    """核销: a service's code is used at once; a coupon is told of, and used with the fill it pays."""
    form = CodeForm(request.POST or None)
    content: dict[str, Any] = {"form": form}
    if request.method == "POST" and form.is_valid():
        try:
            coupon = _verify(request, codes.read_code(form.cleaned_data["code"]))
            if coupon is None:
                return redirect("sales:attendant_verify")
            content |= {"coupon": coupon, "form": CodeForm()}
        except Refusal as refusal:
            form.add_error(None, str(refusal))
    return render(
        request, "sales/attendant_verify.html", content, status=422 if form.errors else 200
    )


def _verify(request: StaffRequest, code: str) -> Any:
    """The coupon of a code; None after a service's code was used. A wrong one is counted."""
    subject, at = f"user:{request.user.pk}", now()
    codes.check_tries(subject=subject, station=request.station, at=at)
    coupon = coupons_at([request.station]).filter(code=code).first()
    if coupon is not None:
        return coupon
    try:
        order = rewards.use_code(code=code, station=request.station, at=at, actor=request.user)
    except UnknownCode:
        codes.note_wrong(subject=subject, wrong=1, at=at)
        raise
    messages.success(request, f"已核销：{order.reward.name}（{order.number}）。")
    return None
