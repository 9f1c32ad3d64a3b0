"""The door at which partners exchange points: signed requests in, plain JSON out, never a page."""

from __future__ import annotations

from typing import Any

from django.http import HttpRequest, HttpResponse, JsonResponse, RawPostDataException
from django.utils.timezone import now
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST

from members.models import ExchangePartner
from members.services import exchange_calls, exchanges
from members.services.exchange_calls import BadCall, Call, NotSigned
from members.services.exchanges import ExchangeRefused, OtherOrder, orders_stand
from station.access import open_to_all
from station.errors import Refusal


@open_to_all
@csrf_exempt
@require_POST
def door(request: HttpRequest, code: str) -> HttpResponse:
    """One request of a partner; the signature is its only sign-in."""
    try:
        body = _body(request)
        partner = exchange_calls.let_in(
            code=code,
            headers=request.headers,
            path=request.path,
            body=body,
            at=now(),
        )
        return JsonResponse(_answer(partner, exchange_calls.read(body)))
    except NotSigned as refusal:
        return _said("NOT_SIGNED", refusal, 401)
    except BadCall as refusal:
        return _said("BAD_REQUEST", refusal, 400)
    except OtherOrder as refusal:
        return _said("OTHER_ORDER", refusal, 409)
    except Refusal as refusal:
        return _said("REFUSED", refusal, 422)


def _body(request: HttpRequest) -> bytes:
    try:
        if int(request.headers.get("Content-Length") or 0) > exchange_calls.LONGEST:
            raise BadCall("内容太长。")
        return request.body
    except (RawPostDataException, ValueError) as error:
        raise BadCall("内容无法识别。") from error


def _answer(partner: ExchangePartner, call: Call) -> dict[str, Any]:
    if call.act != "QUERY" and not partner.active:
        raise ExchangeRefused("没有办理：合作已停用，只能查询。")
    if call.act in {"QUERY", "REVERSE"}:
        order = exchanges.known_order(partner=partner, number=call.number)
        if order is None:
            raise ExchangeRefused(f"没有单号为 {call.number} 的兑换。")
        if call.act == "REVERSE":
            order = exchanges.reverse_at_door(order=order, reason=call.reason, at=now())
        return orders_stand(order)
    return orders_stand(exchanges.exchange(asked=call.asked(partner), at=now()))


def _said(code: str, refusal: Refusal, status: int) -> JsonResponse:
    return JsonResponse({"error": code, "words": str(refusal)}, status=status)
