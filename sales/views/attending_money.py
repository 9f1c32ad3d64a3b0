"""员工手机: a fill claimed, its bill with the member's offers, and the money for it."""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import Any

import segno
from django.contrib import messages
from django.db.models import Q
from django.http import HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils.timezone import now
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from devices.models import Fill, Printer
from marketing.models import Coupon
from marketing.services import codes
from members.queries.finding import look_up, member_by_id
from members.queries.present_codes import PATTERN
from members.queries.value import account_of_member
from members.services import present_codes, value_accounts
from sales.forms.attending import BillForm, PayForm
from sales.forms.till import checked
from sales.models import Receipt, Sale, Tender
from sales.queries import attending as asked
from sales.queries.receipts import paper_of, sale_for_paper
from sales.queries.selling import tender_table
from sales.queries.tickets import Tendered
from sales.queries.totals import WrongPayment
from sales.services import attending, leasing
from sales.services.attending import Bill, Wanted
from sales.services.papers import NotPrintable
from sales.services.settling import FillTaken
from sales.views.answers import all_shown, session_of
from sales.views.offers import NoSuchCode, check_codes
from station.access import StaffRequest, may
from station.errors import Refusal
from station.models import TillSession


class NotNamed(Refusal):
    """The member of a bill was not found by this person, for this fill, a short while ago."""


def _fill(request: StaffRequest, pk: int) -> Fill:
    return get_object_or_404(
        Fill.objects.select_related("nozzle", "grade"), pk=pk, station=request.station
    )


@require_POST
@may("sales.attend")
def claim(request: StaffRequest, pk: int) -> HttpResponse:
    """认领: held for his session, so that nobody else takes it; the slower of two is told by whom."""
    found = _fill(request, pk)
    try:
        leasing.lease(fill_ids=[found.pk], session=session_of(request), at=now())
    except Refusal as refusal:
        messages.error(request, str(refusal).replace("锁定", "认领"))
        return redirect("sales:attendant")
    return redirect("sales:attendant_fill", found.pk)


@require_POST
@may("sales.attend")
def let_go(request: StaffRequest, pk: int) -> HttpResponse:
    """退回: somebody else takes it."""
    found = _fill(request, pk)
    try:
        leasing.put_back(fill_ids=[found.pk], session=session_of(request))
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("sales:attendant")


def _mine(request: StaffRequest, pk: int) -> tuple[Fill, TillSession, str]:
    """The fill with his session, and why he may not take it ("" where he may)."""
    session = session_of(request)
    held = asked.fill_to_pay(pk=pk, station=request.station, at=now())
    if held is None:
        return _fill(request, pk), session, "找不到这笔加油。请返回后重新认领。"
    owner = held.claimed_by or held.prepaid_by  # type: ignore[attr-defined]
    if owner:
        return held, session, f"{held.nozzle} {held.amount} 元已由 {owner} 收款。"
    if held.held_by != session.pk:  # type: ignore[attr-defined]
        till = held.held_till  # type: ignore[attr-defined]
        words = f"已在 {till} 号收银台的单上" if held.held_by else "还没有认领，或认领已过时"  # type: ignore[attr-defined]
        return held, session, f"{held.nozzle} {held.amount} 元{words}。"
    return held, session, ""


@require_http_methods(["GET", "POST"])
@never_cache
@may("sales.attend")
def fill(request: StaffRequest, pk: int) -> HttpResponse:
    """The bill of a claimed fill; posted to, it is reckoned anew with what was chosen."""
    _fill(request, pk)  # another station's is not there, session or not
    try:
        held, session, why = _mine(request, pk)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("sales:attendant_session")
    if why:
        return _gone(request, held, session, why)
    content = _bill(request, held, session)
    part = request.headers.get("HX-Request") == "true"
    template = "sales/_attendant_bill.html" if part else "sales/attendant_fill.html"
    return render(request, template, content, status=422 if content["refusal"] else 200)


def _gone(request: StaffRequest, held: Fill, session: TillSession, why: str) -> HttpResponse:
    """Paid by this phone already: to its receipt. Else back to the pumps, with the words."""
    done = attending.sale_of(fill=held, session=session)
    if done is not None:
        target = redirect("sales:attendant_sale", done.number)
    else:
        messages.error(request, why)
        target = redirect("sales:attendant")
    if request.headers.get("HX-Request") == "true":
        return HttpResponse(status=204, headers={"HX-Redirect": target.url})
    return target


def _bill(
    request: StaffRequest, held: Fill, session: TillSession, refusal: str = ""
) -> dict[str, Any]:
    """Everything that the bill shows. What was refused leaves it as it was before."""
    at, form = now(), BillForm(request.POST)
    typed = checked(form)
    wanted, hits = Wanted(held.pk), list[dict[str, Any]]()
    sealed, seal = typed["member"], partial(asked.named, fill_id=held.pk, session=session, at=at)
    try:
        if request.POST.get("drop"):
            wanted = Wanted(held.pk, codes=form.read_codes)
        else:
            wanted = _wanted(form, held, session, at)
        check_codes(request, form.read_codes)
        if typed["find"].strip():
            member, hits = _found(request, typed["find"])
            if member:
                wanted, sealed = Wanted(held.pk, member, wanted.codes), seal(member_id=member)
        elif typed["code"].strip():
            read = codes.read_code(typed["code"])
            check_codes(request, (read,))
            wanted = Wanted(
                held.pk, wanted.member_id, (*wanted.codes, read), wanted.without, wanted.with_points
            )
        told = attending.bill(wanted=wanted, session=session, actor=request.user, at=at)
    except Refusal as error:
        refusal = refusal or str(error)
        wanted = Wanted(held.pk, wanted.member_id)
        told = attending.bill(wanted=wanted, session=session, actor=request.user, at=at)
    return {
        "fill": held,
        "session": session,
        "bill": told,
        "wanted": wanted,
        "named": sealed if wanted.member_id else "",
        "coupons": _coupons(told, wanted),
        "codes": ",".join(wanted.codes),
        "without": ",".join(map(str, wanted.without)),
        "hits": [hit | {"named": seal(member_id=hit["id"])} for hit in hits],
        "tenders": list(tender_table().values()),
        "refusal": refusal,
        **_member(wanted.member_id, held),
    }


def _wanted(form: BillForm, held: Fill, session: TillSession, at: datetime) -> Wanted:
    """What stands on the bill. Refuses NotNamed a member whom nobody found here for this fill."""
    typed, member = form.cleaned_data, None
    if typed["member"]:
        member = asked.read_named(text=typed["member"], fill_id=held.pk, session=session, at=at)
        if member is None:
            raise NotNamed(
                "会员没有选上：不是在这一单上查到的，或查到已超过 15 分钟。请重新扫码或查找会员。"
            )
    return Wanted(held.pk, member, form.read_codes, form.left_out, typed["with_points"])


def _coupons(told: Bill, wanted: Wanted) -> list[dict[str, Any]]:
    """Each coupon with what it takes off or why it does not, and the list if its button is pressed."""
    used = set(told.ticket.coupons)
    rows: list[dict[str, Any]] = [
        {
            "name": one.name,
            "amount": one.amount,
            "why": one.why,
            "paid": one.paid_by,
            "used": one.coupon in used,
            "without": ",".join(map(str, (*wanted.without, one.coupon))),
        }
        for one in sorted(told.told, key=lambda one: (-one.amount, one.coupon))
    ]
    his = Q(code__in=wanted.codes)
    if wanted.member_id is not None:
        his |= Q(member=wanted.member_id) | Q(member__merged_into=wanted.member_id)
    left_out = Coupon.objects.filter(his, pk__in=wanted.without).select_related("template")
    for coupon in left_out:
        rest = (one for one in wanted.without if one != coupon.pk)
        rows.append(
            {
                "name": coupon.template.name,
                "amount": 0,
                "why": "这次不用",
                "left_out": True,
                "without": ",".join(map(str, rest)),
            }
        )
    return rows


def _found(request: StaffRequest, text: str) -> tuple[int | None, list[dict[str, Any]]]:
    """Who is meant: by the code of his phone, else by what he says; several are shown to choose."""
    at = now()
    if PATTERN.fullmatch(text.strip().upper()):
        there = present_codes.arrive(code=text, station=request.station, at=at, actor=request.user)
        return there.pk, []
    found = look_up(text=text)
    if len(found.hits) == 1 and found.hits[0].exact:
        return found.hits[0].member_id, []
    if not found.hits:
        raise NoSuchCode(
            found.words or "没有找到会员。请输完整的手机号、车牌、会员号，或尾号后四位。"
        )
    return None, all_shown(found.hits, at=at)


def _member(member_id: int | None, held: Fill) -> dict[str, Any]:
    """What to say to the member: his usual grade, tier, stored value, and what stands against him."""
    hit = member_by_id(member_id) if member_id else None
    if hit is None:
        return {"member": None}
    at = now()
    usual = asked.usual_of(member_id=hit.member_id, at=at)
    return {
        "member": all_shown([hit], at=at)[0],
        "usual": usual,
        "unusual": usual is not None and usual.grade != held.grade.code and usual.times >= 2,
        "account": account_of_member(hit.member_id),
    }


@require_POST
@may("sales.attend")
def settle(request: StaffRequest, pk: int) -> HttpResponse:
    """收款: once. A second tap comes to the receipt of the first."""
    _fill(request, pk)  # another station's is not there, session or not
    try:
        held, session, why = _mine(request, pk)
    except Refusal as refusal:
        messages.error(request, str(refusal))
        return redirect("sales:attendant_session")
    if why:
        return _gone(request, held, session, why)
    try:
        sale = _settled(request, held, session)
    except FillTaken as taken:
        messages.error(request, str(taken))
        return redirect("sales:attendant")
    except Refusal as refusal:
        content = _bill(request, held, session, str(refusal))
        return render(request, "sales/attendant_fill.html", content, status=422)
    return redirect("sales:attendant_sale", sale.number)


def _settled(request: StaffRequest, held: Fill, session: TillSession) -> Sale:
    form = BillForm(request.POST)
    checked(form)
    paying, at = checked(PayForm(request.POST)), now()
    wanted = _wanted(form, held, session, at)
    check_codes(request, form.read_codes)
    told = attending.bill(wanted=wanted, session=session, actor=request.user, at=at)
    tender, reference = paying["tender"], paying["reference"]
    secrets: dict[str, str] = {}
    due = told.cash if tender.kind == Tender.Kind.CASH else told.net
    amount = due
    if tender.kind == Tender.Kind.CASH:
        amount = paying["given"] or due
    elif tender.kind == Tender.Kind.VALUE:
        reference, secrets = _value(wanted.member_id, paying)
    if paying["due"] != told.net:
        raise WrongPayment(
            f"没有收款：屏幕上是 {paying['due']} 元，现在应收 {told.net} 元（价格或优惠已变）。请看清再收。"
        )
    return attending.settle(
        bill=told,
        tendered=Tendered(tender.code, amount, reference),
        due=due,
        proven=value_accounts.prove(secrets=secrets, at=at) if secrets else frozenset(),
        session=session,
        actor=request.user,
        at=at,
    )


def _value(member_id: int | None, paying: dict[str, Any]) -> tuple[str, dict[str, str]]:
    """Whose stored value pays: by the payment code, else the member's account and his PIN."""
    if paying["pay_code"].strip():
        return paying["pay_code"].strip().upper(), {}
    account = account_of_member(member_id) if member_id else None
    if account is None:
        raise WrongPayment("没有收款：请扫顾客的储值付款码，或先选会员再由他输支付密码。")
    return account.number, {account.number: paying["pin"]} if paying["pin"] else {}


# ------------------------------------------------------------------------------ afterwards


@require_GET
@may("sales.attend")
def sale(request: StaffRequest, number: str) -> HttpResponse:
    """The receipt on the screen, its code, and the printers it can come out of."""
    found = _own_sale(request, number)
    whole = sale_for_paper(document=found.number)
    content = {
        "sale": found,
        "paper": paper_of(sale=whole) if whole else None,
        "code": segno.make(found.number, error="m").svg_data_uri(scale=4, border=1),
        "receipt": Receipt.objects.filter(document=found.number, kind="ORIGINAL").first(),
        "printers": Printer.objects.filter(station=request.station, active=True).order_by("name"),
    }
    return render(request, "sales/attendant_sale.html", content)


@require_POST
@may("sales.attend")
def print_sale(request: StaffRequest, number: str) -> HttpResponse:
    found = _own_sale(request, number)
    told = request.POST.get("printer", "")
    known = told.isascii() and told.isdigit() and len(told) < 18
    printer = Printer.objects.filter(pk=int(told) if known else 0, station=request.station).first()
    try:
        if printer is None:
            raise NotPrintable("没有打印：请选一台打印机。")
        attending.print_at(sale=found, printer=printer, actor=request.user, at=now())
        messages.success(request, f"小票正在 {printer.name} 打印。")
    except Refusal as refusal:
        messages.error(request, str(refusal))
    return redirect("sales:attendant_sale", found.number)


def _own_sale(request: StaffRequest, number: str) -> Sale:
    rows = Sale.objects.select_related("till", "station")
    return get_object_or_404(rows, number=number, station=request.station, cashier=request.user)
