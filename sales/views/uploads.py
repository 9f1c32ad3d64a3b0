"""断网补传: the door for what a till sold alone; its key, its worker script."""

from __future__ import annotations

import json
from typing import Any

from django.contrib.staticfiles import finders
from django.http import HttpRequest, HttpResponse, JsonResponse, RawPostDataException
from django.shortcuts import get_object_or_404
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_GET, require_POST

from sales.services import till_keys, uploads
from sales.services.till_keys import BadSignature
from sales.views.answers import answers_json, approver_of, body_of, session_of
from station.access import StaffRequest, may, may_do, open_to_all
from station.errors import Refusal
from station.models import Till

MOST = 100


@open_to_all
@csrf_exempt
@require_POST
def upload(request: HttpRequest, till: int) -> HttpResponse:
    """Take in a batch; the till's signature is the only sign-in, since its session may be over."""
    known = get_object_or_404(Till.objects.select_related("station"), pk=till, active=True)
    try:
        data = _data(request)
        till_keys.check_signature(
            till=known, signature=request.headers.get("X-Till-Signature", ""), data=data
        )
        sales = _batch(data)
    except Refusal as refusal:
        return JsonResponse({"error": str(refusal)}, status=403)
    at = now()
    taken = [uploads.receive(till=known, body=body, at=at) for body in sales]
    return JsonResponse(
        {
            "taken": [
                {"key": one.client_key, "number": one.sale.number if one.sale else ""}
                for one in taken
            ]
        }
    )


def _data(request: HttpRequest) -> bytes:
    """What was signed: the body as it came. A form with files is no batch, and has none left."""
    try:
        return request.body
    except RawPostDataException as error:
        raise BadSignature("补传没有收下：内容无法识别。") from error


def _batch(data: bytes) -> list[dict[str, Any]]:
    try:
        sales = list(json.loads(data, parse_float=str, parse_constant=str)["sales"])
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise BadSignature("补传没有收下：内容无法识别。") from error
    return [one for one in sales if isinstance(one, dict)][:MOST]


@require_POST
@may("sales.till")
@answers_json
def enrol(request: StaffRequest) -> dict[str, Any]:
    """Register this till's key: by a manager, or with a manager typing his account and PIN."""
    session, body = session_of(request), body_of(request)
    right = "station.site.change"
    approver = approver_of(request, body, right=right)
    if approver is None and not may_do(request.role, right):
        raise BadSignature("没有登记：请站长在本机输入账号和口令。")
    till_keys.enrol(
        till=session.till,
        public_key=str(body.get("public_key") or ""),
        actor=approver or request.user,
        at=now(),
    )
    return {"till": session.till_id}


@require_GET
@never_cache
@open_to_all
def worker(request: HttpRequest) -> HttpResponse:
    """The service worker, served beside the page it works for: its scope is its own folder."""
    path = finders.find("sales/worker.js")
    with open(str(path), encoding="utf-8") as file:
        return HttpResponse(file.read(), content_type="text/javascript; charset=utf-8")
