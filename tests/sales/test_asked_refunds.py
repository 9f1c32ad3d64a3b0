"""申请退款、冲红: a cashier states it on the sale's page, a person with the right signs at her screen."""

from __future__ import annotations

from decimal import Decimal

import pytest
from django.test import Client
from django.urls import reverse

from inventory.models import StockBalance
from sales.models import Sale
from sales.queries.unpaid import unpaid_fills
from station.models import AuditEntry, TillSession, User
from station.queries.audit import action_label
from tests import make
from tests.flows.test_paid_once import together

pytestmark = [pytest.mark.django_db, pytest.mark.req("SAL-08")]


class Desk:
    """A cashier at her till with a sale of three bottles; the manager who may sign."""

    def __init__(self) -> None:
        self.till: TillSession = make.session()
        self.boss: User = make.manager(self.till.station)
        self.water = make.item("矿泉水", price="2.00", on_hand="10")
        self.sale: Sale = make.sale(self.till, items=[(self.water, 3)])
        self.client: Client = make.signed_in(self.till.cashier)

    def typed(self, **fields: object) -> dict[str, object]:
        return {
            "key": "k1",
            "session": self.till.pk,
            "reason": "顾客退货",
            "quantity_1": "2",
            "approver": self.boss.username,
            "approver_secret": make.PIN,
            **fields,
        }

    def ask(self, way: str = "refund_ask", client: Client | None = None, **fields: object):
        address = reverse(f"sales:{way}", args=[self.sale.number])
        return (client or self.client).post(address, self.typed(**fields))


def words_of(answer) -> str:
    return answer.content.decode()


def test_a_cashier_asks_and_the_manager_signs_at_her_screen() -> None:
    desk = Desk()
    page = words_of(desk.client.get(reverse("sales:sale", args=[desk.sale.number])))
    assert "申请退款" in page and "申请冲红" in page
    form = desk.client.get(reverse("sales:refund_ask", args=[desk.sale.number])).context["form"]
    signers = {name for name, _ in form.fields["approver"].choices}
    assert signers == {desk.boss.username, desk.till.shift.leader.username}
    answer = desk.ask()
    back = Sale.objects.get(kind="REFUND")
    assert answer.status_code == 302 and answer["Location"].endswith(f"/{back.number}/")
    assert (back.due, back.cashier, back.approved_by, back.session) == (
        Decimal("-4.00"),
        desk.till.cashier,
        desk.boss,
        desk.till,
    )
    assert StockBalance.objects.get(item=desk.water).quantity == 9
    entry = AuditEntry.objects.get(action="sales.refund")
    assert (entry.actor, entry.reason) == (desk.till.cashier, "顾客退货")
    assert (entry.after["approver"], entry.after["document"]) == (desk.boss.name, back.number)
    shown = words_of(desk.client.get(reverse("sales:sale", args=[back.number])))
    assert desk.boss.name in shown


def test_asked_twice_it_is_done_once() -> None:
    desk = Desk()
    assert [desk.ask().status_code for _ in range(2)] == [302, 302]
    assert Sale.objects.filter(kind="REFUND").count() == 1
    assert desk.ask(key="").status_code == 422
    refused = desk.ask(key="k2")
    assert refused.status_code == 422 and "还能退 1" in words_of(refused)


def test_nobody_signs_for_herself_or_without_the_right_or_with_a_wrong_pin() -> None:
    desk = Desk()
    colleague = make.cashier(desk.till.station)
    elsewhere = make.stranger()
    for said in (
        {"approver": desk.till.cashier.username},
        {"approver": colleague.username},
        {"approver": elsewhere.username},
        {"approver": ""},
        {"approver_secret": "000000"},
        {"approver_secret": ""},
    ):
        for way in ("refund_ask", "reverse_ask"):
            refused = desk.ask(way, **said)
            assert refused.status_code == 422, (way, said)
    assert 'value="2"' in words_of(desk.ask(approver_secret="000000"))  # nothing typed is lost
    desk.boss.refresh_from_db()
    assert desk.boss.pin_failures >= 2  # counted although nothing was written
    assert not Sale.objects.exclude(kind="SALE").exists()


def test_the_money_leaves_the_askers_own_open_drawer() -> None:
    desk = Desk()
    other = make.session(desk.till.station, till=make.till(desk.till.station, 2))
    assert desk.ask(session=other.pk).status_code == 422
    TillSession.objects.filter(pk=desk.till.pk).update(status="ENDED", ended_at=make.NOW)
    refused = desk.ask()
    assert refused.status_code == 422 and "你还没有开着的收银班" in words_of(refused)
    assert not Sale.objects.exclude(kind="SALE").exists()


def test_a_whole_sale_is_asked_back_and_its_fill_is_unpaid_again() -> None:
    desk = Desk()
    fill = make.fill_at(desk.till.station)
    desk.sale = make.sale(desk.till, fills=[fill])
    assert [desk.ask("reverse_ask").status_code for _ in range(2)] == [302, 302]
    red = Sale.objects.get(kind="REVERSAL")
    assert (red.approved_by, red.original) == (desk.boss, desk.sale)
    assert list(unpaid_fills(station=desk.till.station)) == [fill]
    entry = AuditEntry.objects.get(action="sales.reversal")
    assert (action_label(entry.action), entry.after["approver"]) == ("冲红", desk.boss.name)


def test_who_may_do_it_asks_nobody_and_who_is_at_no_till_may_not_ask() -> None:
    desk = Desk()
    manager = make.signed_in(desk.boss)
    for ask, do in (("refund_ask", "refund"), ("reverse_ask", "reverse")):
        sent = manager.get(reverse(f"sales:{ask}", args=[desk.sale.number]))
        assert sent["Location"] == reverse(f"sales:{do}", args=[desk.sale.number])
    attendant = make.signed_in(make.attendant(desk.till.station))
    assert desk.ask(client=attendant).status_code == 403
    page = words_of(attendant.get(reverse("sales:sale", args=[desk.sale.number])))
    assert "申请退款" not in page and "申请冲红" not in page
    there = make.signed_in(make.session(make.station()).cashier)
    assert desk.ask(client=there).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_four_clicks_at_once_are_one_refund_and_four_askings_never_more_than_was_sold() -> None:
    desk = Desk()
    clients = [make.signed_in(desk.till.cashier) for _ in range(4)]
    asked = [lambda one=one: desk.ask(client=one).status_code for one in clients]
    assert together(*asked) == [302] * 4
    assert Sale.objects.filter(kind="REFUND").count() == 1
    asked = [
        lambda one=one, key=key: desk.ask(client=one, key=f"race-{key}", quantity_1="1").status_code
        for key, one in enumerate(clients)
    ]
    assert sorted(together(*asked)) == [302, 422, 422, 422]
    assert sum(one.due for one in Sale.objects.filter(kind="REFUND")) == Decimal("-6.00")
