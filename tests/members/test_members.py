"""Members and companies: joined, found, shown masked, opened with a reason, and forgotten."""

from __future__ import annotations

import os
import subprocess
import threading
from decimal import Decimal

import pytest
from django.db import IntegrityError, connection, transaction

from inventory.services import deliveries
from inventory.services.deliveries import Note
from members.models import Member, Purchase, Vehicle
from members.queries.cards import card_of
from members.queries.consents import allows
from members.queries.finding import find
from members.queries.search import hits
from members.services import companies, consents, joining, profiles, unmasking, vehicles
from members.services.purchases import hand_down
from members.services.refusals import MemberClosed
from station.models import AuditEntry, Station
from station.runtime.backup import _libpq_environment
from station.runtime.embedded import postgres_tools
from tests import make

pytestmark = [pytest.mark.django_db, pytest.mark.req("CRM-01")]

PHONE = "13887654321"
PLATE = "云A7K3M9"
AGREED = {"policy": "on", "consent": "on"}


def test_a_member_joins_at_the_till_with_phone_name_and_plate():
    station = make.station("S01")
    client = make.signed_in(make.cashier(station))
    form = {"phone": "138 8765 4321", "name": "张建国", "plate": "云a·7k3m9"} | AGREED
    answer = client.post("/members/new/", form)
    member = Member.objects.get()
    assert answer["Location"] == f"/members/{member.number}/"
    assert member.number == "MS01000001"
    assert allows(member, "POLICY")
    assert allows(member, "SMS")
    card = card_of(member, full=True)
    assert (card.name, card.phone, card.plates[0].plate) == ("张建国", PHONE, "云A7K3M9")
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"members.member.joined", "members.consent.given", "members.vehicle.added"} <= actions


def test_pressing_twice_makes_one_member_and_leads_to_him():
    station = make.station()
    client = make.signed_in(make.cashier(station))
    form = {"phone": PHONE, "name": "张建国", "policy": "on"}
    client.post("/members/new/", form)
    answer = client.post("/members/new/", form, follow=True)
    assert answer.redirect_chain == [(f"/members/{Member.objects.get().number}/", 302)]
    assert "没有重复登记" in answer.content.decode()


@pytest.mark.req("SEC-06")
def test_nobody_is_registered_who_has_not_agreed_to_the_policy():
    client = make.signed_in(make.cashier(make.station()))
    answer = client.post("/members/new/", {"phone": PHONE, "name": "张建国"})
    assert answer.status_code == 422
    assert "隐私政策" in answer.content.decode()
    assert not Member.objects.exists()


@pytest.mark.django_db(transaction=True)
def test_two_tills_register_one_phone_once():
    station = make.station()
    li = make.cashier(station)
    gate = threading.Barrier(2)
    refused: list[Exception] = []

    def work() -> None:
        gate.wait()
        try:
            joining.join(station=station, name="张", phone=PHONE, at=make.NOW, actor=li)
        except joining.PhoneTaken as error:
            refused.append(error)
        finally:
            connection.close()

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert Member.objects.count() == 1
    assert len(refused) == 1


def test_the_database_keeps_a_phone_to_one_active_member():
    member = make.member(phone=PHONE)
    other = make.member(member.home_station)
    with pytest.raises(IntegrityError, match="one_active_member_per_phone"), transaction.atomic():
        Member.objects.filter(pk=other.pk).update(phone_index=member.phone_index)


@pytest.mark.parametrize(
    "phone", ["1388765432", "23887654321", "138876543210", "abc", "12887654321"]
)
def test_a_wrong_phone_is_refused(phone):
    station = make.station()
    with pytest.raises(joining.BadPhone):
        joining.join(
            station=station, name="张", phone=phone, at=make.NOW, actor=make.cashier(station)
        )


@pytest.mark.parametrize("plate", ["A12345", "云12345", "云AI2345", "云A1234567", "云A123"])
def test_a_wrong_plate_is_refused_and_no_member_made(plate):
    station = make.station()
    with pytest.raises(vehicles.BadPlate):
        joining.join(
            station=station,
            name="张",
            phone=PHONE,
            plate=plate,
            at=make.NOW,
            actor=make.cashier(station),
        )
    assert not Member.objects.exists()


@pytest.mark.parametrize("plate", ["云A12345", "云AD12345", "云A1234挂", "粤Z1234港", "云A1234学"])
def test_the_plates_of_the_country_are_taken(plate):
    assert vehicles.checked_plate(plate) == plate


def test_a_plate_has_one_owner_a_member_or_a_company():
    station = make.station()
    li = make.cashier(station)
    member, company = make.member(station, plate=PLATE), make.company(station)
    again = vehicles.add_vehicle(owner=member, plate="云A 7K3M9", at=make.NOW, actor=li)
    with pytest.raises(vehicles.PlateTaken, match=r"云A\*\*\*M9"):
        vehicles.add_vehicle(owner=company, plate=PLATE, at=make.NOW, actor=li)
    vehicles.remove_vehicle(vehicle=again, plate="云A***M9", at=make.NOW, actor=li)
    vehicles.add_vehicle(owner=company, plate=PLATE, at=make.NOW, actor=li)
    assert Vehicle.objects.filter(active=True).get().company == company


# ------------------------------------------------------------------------------- finding


@pytest.mark.req("SEC-03")
@pytest.mark.parametrize("text", [PHONE, "138-8765-4321", PLATE, "云a·7k3m9", "+8613887654321"])
def test_a_member_is_found_by_the_whole_phone_or_plate(text):
    make.member(phone="13900001111")
    member = make.member(phone=PHONE, plate=PLATE)
    hit = find(text=text)
    assert [(one.member_id, one.exact) for one in hit] == [(member.pk, True)]
    assert (hit[0].name, hit[0].phone, hit[0].plates) == ("张*国", "138****4321", ("云A***M9",))
    assert find(text=member.number)[0].member_id == member.pk


@pytest.mark.req("SEC-03")
def test_the_last_four_find_masked_candidates():
    one = make.member(phone="13811114321")
    other = make.member(phone="13922224321", plate=PLATE)
    assert {hit.member_id for hit in find(text="4321")} == {one.pk, other.pk}
    assert not any(hit.exact for hit in find(text="4321"))
    assert [hit.member_id for hit in find(text="K3M9")] == [other.pk]
    assert find(text="321") == []
    assert find(text="9999") == []


def test_finding_costs_the_same_whoever_is_found(django_assert_max_num_queries):
    for number in range(3):
        make.member(phone=f"1381111{number}321", plate=f"云A1{number}345")
    with django_assert_max_num_queries(2):
        find(text="2345")


@pytest.mark.req("SEC-15")
def test_the_search_field_shows_members_of_ones_own_station_to_who_may_see_them():
    station = make.station()
    member = make.member(station, phone=PHONE)
    mine = Station.objects.filter(pk=station.pk)
    li, zhao = make.cashier(station), make.accountant(station)
    assert [hit.href for hit in hits(query=PHONE, user=li, stations=mine)] == [
        f"/members/{member.number}/"
    ]
    assert hits(query=PHONE, user=zhao, stations=mine) == []
    company = make.company(station)
    assert [hit.title for hit in hits(query="顺达", user=zhao, stations=mine)] == [company.name]
    feng = make.stranger()
    other = Station.objects.exclude(pk=station.pk)
    assert hits(query=PHONE, user=feng, stations=other) == []


# ------------------------------------------------------------------------ seen and unmasked


@pytest.mark.req("SEC-03")
def test_pages_and_exports_show_members_masked():
    station = make.station()
    member = make.member(station, phone=PHONE, plate=PLATE)
    client = make.signed_in(make.manager(station))
    pages = [
        client.get("/members/").content.decode(),
        client.get("/members/", {"text": "4321"}).content.decode(),
        client.get(f"/members/{member.number}/").content.decode(),
        b"".join(client.get("/members/?export=csv").streaming_content).decode(),
    ]
    for page in pages:
        assert "138****4321" in page
        assert PHONE not in page
        assert "张建国" not in page
        assert PLATE not in page


@pytest.mark.req("SEC-03", "SEC-08")
def test_the_full_card_needs_right_and_reason_and_leaves_an_audit_row():
    station = make.station()
    member = make.member(station, phone=PHONE, plate=PLATE)
    href = f"/members/{member.number}/unmask/"
    assert make.signed_in(make.cashier(station)).post(href, {"reason": "看看"}).status_code == 403
    wu = make.service(station)
    client = make.signed_in(wu)
    answer = client.post(href, {"reason": ""})
    assert answer.status_code == 422
    assert PHONE not in answer.content.decode()
    answer = client.post(href, {"reason": "顾客要求核对手机号"})
    assert PHONE in answer.content.decode()
    assert PLATE in answer.content.decode()
    assert "no-store" in answer["Cache-Control"]
    entry = AuditEntry.objects.get(action="members.member.unmasked")
    assert (entry.actor, entry.reason, entry.document) == (wu, "顾客要求核对手机号", member.number)


@pytest.mark.req("SEC-08")
def test_a_correction_is_audited_masked_and_leaves_the_rest():
    station = make.station()
    member = make.member(station, phone=PHONE)
    client = make.signed_in(make.service(station))
    form = {"name": "", "phone": "13912345678", "id_number": "11010519491231002X"}
    assert client.post(f"/members/{member.number}/change/", form).status_code == 302
    member.refresh_from_db()
    card = card_of(member, full=True)
    assert (card.name, card.phone, card.id_number) == (
        "张建国",
        "13912345678",
        "11010519491231002X",
    )
    entry = AuditEntry.objects.get(action="members.member.changed")
    assert entry.before == {"手机号": "138****4321", "身份证号": ""}
    assert entry.after == {"手机号": "139****5678", "身份证号": "110***********002X"}
    assert find(text=PHONE) == []
    wrong = {**form, "phone": "", "id_number": "110105194912310021"}
    assert client.post(f"/members/{member.number}/change/", wrong).status_code == 422


def test_a_phone_of_somebody_else_cannot_be_taken_by_a_correction():
    member = make.member(phone=PHONE)
    other = make.member(member.home_station)
    with pytest.raises(joining.PhoneTaken, match=member.number):
        profiles.change(
            member=other,
            name="",
            phone=PHONE,
            id_number="",
            at=make.NOW,
            actor=make.cashier(member.home_station),
        )


@pytest.mark.req("SEC-03")
def test_a_forgotten_member_is_read_by_nobody_and_the_books_stay():
    station = make.station()
    member = make.member(station, phone=PHONE, plate=PLATE)
    hand_down(
        [
            Purchase(
                station=station,
                member=member,
                day=make.day(station),
                document="S1",
                line=1,
                occurred_at=make.NOW,
                kind="FUEL",
                product="92#",
                quantity="30.000",
                net="235.50",
            )
        ]
    )
    client = make.signed_in(make.manager(station))
    href = f"/members/{member.number}/forget/"
    assert client.post(href, {"reason": ""}).status_code == 422
    assert client.post(href, {"reason": "本人要求"}).status_code == 302
    member.refresh_from_db()
    assert (member.status, member.phone_sealed, member.phone_index) == ("CLOSED", "", "")
    assert member.key.wrapped == ""
    assert find(text=PHONE) == find(text=PLATE) == []
    page = client.get(f"/members/{member.number}/").content.decode()
    assert "已销毁" in page
    assert "235.50" in page
    with pytest.raises(MemberClosed):
        consents.give(member=member, purpose="SMS", at=make.NOW, actor=make.owner())
    make.member(station, phone=PHONE, plate=PLATE)  # may come again as a new person


@pytest.mark.req("SEC-15")
def test_a_member_of_another_station_is_found_at_the_till_but_his_page_is_not():
    station = make.station()
    member = make.member(phone=PHONE)
    client = make.signed_in(make.cashier(station))
    assert find(text=PHONE)
    assert client.get(f"/members/{member.number}/").status_code == 404
    assert member.number not in client.get("/members/").content.decode()


# ------------------------------------------------------------------------------ companies


def test_a_company_is_registered_with_its_bank_account_and_plates():
    station = make.station("S01")
    client = make.signed_in(make.manager(station))
    form = {
        "name": "昆明顺达运输有限公司",
        "tax_no": "91530100MA6K1X2Y3Z",
        "contact": "周经理",
        "phone": "0871-63312345",
        "bank_account": "6222 0212 3456 7890 123",
    }
    answer = client.post("/members/companies/new/", form)
    assert answer["Location"] == "/members/companies/CS010001/"
    client.post("/members/companies/CS010001/vehicles/", {"plate": PLATE, "model": "重卡"})
    page = client.get("/members/companies/CS010001/").content.decode()
    assert "622************0123" in page
    assert "6222021234567890123" not in page
    assert "云A***M9" in page
    full = client.post("/members/companies/CS010001/unmask/", {"reason": "对账"}).content.decode()
    assert "6222021234567890123" in full
    assert client.get("/members/companies/").status_code == 200


@pytest.mark.parametrize(
    ("field", "value", "refusal"),
    [
        ("phone", "12", companies.BadTelephone),
        ("bank_account", "12ab", companies.BadAccount),
        ("tax_no", "税", companies.BadTaxNo),
    ],
)
def test_what_a_company_cannot_have_is_refused(field, value, refusal):
    with pytest.raises(refusal):
        make.company(**{field: value})


@pytest.mark.req("SEC-08")
def test_a_companys_correction_is_audited_masked():
    company = make.company()
    companies.change_company(
        company=company,
        name="",
        tax_no=company.tax_no,
        contact="",
        phone="",
        bank_account="6222021234567899999",
        at=make.NOW,
        actor=make.owner(),
    )
    entry = AuditEntry.objects.get(action="members.company.changed")
    assert entry.before == {"银行账号": "622************0123"}
    assert entry.after == {"银行账号": "622************9999"}
    card = unmasking.unmask(subject=company, reason="核对", at=make.NOW, actor=make.owner())
    assert (card.name, card.bank_account) == ("周经理", "6222021234567899999")


# ------------------------------------------------------------------------------- the dump


@pytest.mark.req("SEC-03")
@pytest.mark.django_db(transaction=True)
def test_a_dump_of_the_database_holds_no_phone_plate_id_or_account():
    station = make.station()
    wu = make.service(station)
    member = make.member(station, phone=PHONE, plate=PLATE)
    profiles.change(
        member=member, name="", phone="", id_number="11010519491231002X", at=make.NOW, actor=wu
    )
    company = make.company(station, phone="13912348765", bank_account="6222021234567890123")
    _bring_fuel(station, truck="云A66K81", driver="王建军", contact="李志强", phone="13988776655")
    client = make.signed_in(wu)
    client.get("/members/", {"text": PHONE})
    client.get("/search/", {"q": PHONE})
    unmasking.unmask(subject=member, reason="核对", at=make.NOW, actor=wu)
    unmasking.unmask(subject=company, reason="核对", at=make.NOW, actor=wu)
    dump = dumped()
    assert member.number in dump  # it is the whole database
    for secret in (PHONE, "张建国", PLATE, "7K3M9", "11010519491231002X"):
        assert secret not in dump, secret
    for secret in ("13912348765", "周经理", "6222021234567890123"):
        assert secret not in dump, secret
    for secret in ("云A66K81", "66K81", "王建军", "李志强", "13988776655"):
        assert secret not in dump, secret
    assert find(text=PHONE)[0].member_id == member.pk


def _bring_fuel(station: Station, *, truck: str, driver: str, contact: str, phone: str) -> None:
    """A delivery as it is planned, from a supplier with a contact."""
    tank = make.tank(station)
    make.day(station)
    litres = Decimal(5000)
    note = Note(
        supplier=make.depot("安宁油库", contact=contact, phone=phone),
        grade=tank.grade,
        note_no="CK-DUMP-1",
        truck_plate=truck,
        driver=driver,
        issued_l=litres,
    )
    deliveries.plan(
        station=station, note=note, parts={tank: litres}, at=make.NOW, actor=make.manager(station)
    )


def dumped() -> str:
    """The whole database as pg_dump writes it."""
    command = [str(postgres_tools() / "pg_dump"), "--data-only"]
    environment = {**os.environ, **_libpq_environment()}
    done = subprocess.run(command, env=environment, capture_output=True, check=True)
    return done.stdout.decode()
