"""The device register: machines, certificates with their reminders, seals, one history."""

from datetime import date, timedelta
from decimal import Decimal

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, IntegrityError, transaction
from django.urls import reverse

from devices.models import Certificate, Equipment, Seal, SealBreak
from devices.queries import go_live
from devices.queries.equipment import timeline
from devices.services import certificates, equipment, seals
from devices.services.certificates import CertificateRefused
from devices.services.equipment import EquipmentRefused
from devices.services.seals import Breaking, NewSeal, SealRefused
from devices.tasks import check_certificates
from station.models import Alert, Attachment, AuditEntry
from tests import make
from tests.devices import register

pytestmark = pytest.mark.django_db
NINE = make.at(9)


def certificate(machine, number="FB-1", until=date(2027, 1, 1), kind="EXPLOSION", **fields):
    told = {"issuer": "防爆检验站", "issued_on": date(2025, 1, 1), "at": make.NOW, **fields}
    return certificates.add(
        equipment=machine,
        kind=kind,
        number=number,
        valid_until=until,
        actor=make.manager(machine.station),
        **told,
    )


def sealed(machine, number="8812", at=NINE, **fields):
    return seals.put(
        equipment=machine,
        seal=NewSeal(number, "计量器上盖", "计量院"),
        put_at=at,
        at=make.NOW,
        actor=make.manager(machine.station),
        **fields,
    )


def broken(seal, cause="FOUND", reason="封丝断了", **fields):
    station = seal.station
    told = {
        "replacement": None,
        "occurred_at": make.NOW,
        "at": make.NOW,
        "actor": make.manager(station),
        "witness": make.attendant(station),
        **{name: value for name, value in fields.items() if name not in {"repair", "meter_test"}},
    }
    why = Breaking(cause, reason, fields.get("repair"), fields.get("meter_test"))
    return seals.break_seal(seal=seal, breaking=why, **told)


# ------------------------------------------------------------------------------ machines


@pytest.mark.req("DEV-03")
def test_a_form_sent_twice_is_one_machine():
    station = make.station()
    first = register.machine(station, "GENERATOR", key="a", place="配电室")
    assert register.machine(station, "GENERATOR", key="a") == first
    assert register.machine(make.station(), "GENERATOR", key="a") != first
    assert Equipment.objects.filter(station=station).count() == 1
    assert AuditEntry.objects.filter(document=first.number).count() == 1


def test_what_cannot_stand_in_the_register_is_refused():
    nozzle = make.nozzle()
    station = nozzle.station
    register.machine(station, "METER", nozzle=nozzle, make="正星", serial_no="A1")
    for fields, words in (
        ({"kind": "METER", "nozzle": nozzle}, "已有一台在用的计量器"),
        ({"kind": "METER"}, "哪把油枪"),
        ({"kind": "DISPENSER"}, "几号机"),
        ({"kind": "METER", "make": "正星", "serial_no": "A1", "nozzle": nozzle}, "出厂编号已在"),
        ({"bought_on": date(2026, 1, 2), "warranty_until": date(2026, 1, 1)}, "保修期不能早于"),
        ({"tank": nozzle.tank, "nozzle": nozzle}, "只能选一个"),
    ):
        with pytest.raises(EquipmentRefused, match=words):
            register.machine(station, **fields)
    assert Equipment.objects.count() == 1


def test_a_state_moves_with_a_reason_and_never_out_of_scrap():
    machine = register.machine(make.station(), "CAMERA")
    actor = make.manager(machine.station)

    def move(to, reason="坏了"):
        equipment.move(equipment=machine, to=to, reason=reason, at=make.NOW, actor=actor)
        machine.refresh_from_db()

    with pytest.raises(EquipmentRefused, match="写明原因"):
        move("STOPPED", " ")
    move("STOPPED")
    move("STOPPED")
    assert AuditEntry.objects.filter(action="devices.equipment.moved").count() == 1
    repair = register.reported(machine)
    for to in ("IN_USE", "SCRAPPED"):
        with pytest.raises(EquipmentRefused, match=repair.number):
            move(to)
    repair.__class__.objects.filter(pk=repair.pk).update(status="WITHDRAWN")
    move("SCRAPPED")
    with pytest.raises(EquipmentRefused, match="已报废"):
        move("IN_USE")
    with pytest.raises(EquipmentRefused, match="已报废"):
        equipment.save(
            row=machine, values={**register.BLANK, "kind": "CAMERA"}, key="", at=make.NOW,
            station=machine.station, actor=actor,
        )  # fmt: skip


def test_a_stopped_meter_comes_back_only_where_its_place_is_free():
    nozzle = make.nozzle()
    old = register.machine(nozzle.station, "METER", nozzle=nozzle)
    told = {"at": make.NOW, "actor": make.manager(nozzle.station), "reason": "换表"}
    equipment.move(equipment=old, to="STOPPED", **told)
    register.machine(nozzle.station, "METER", nozzle=nozzle)
    with pytest.raises(EquipmentRefused, match="状态没有改：这把枪已有一台"):
        equipment.move(equipment=old, to="IN_USE", **told)


def test_the_database_keeps_machines_papers_and_seals():
    machine = register.machine(make.station())
    paper, seal = certificate(machine), sealed(machine)
    for rows, change in (
        (Equipment.objects, None),
        (Certificate.objects, {"number": "x"}),
        (Seal.objects, {"number": "x"}),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.all().delete()
        if change:
            with pytest.raises(DatabaseError), transaction.atomic():
                rows.update(**change)
    who = make.manager(machine.station)
    with pytest.raises(IntegrityError, match="two_people"), transaction.atomic():
        SealBreak.objects.create(
            seal=seal, cause="FOUND", reason="x", occurred_at=make.NOW, actor=who, witness=who
        )
    assert paper.voided_at is None


# -------------------------------------------------------------------------- certificates


def test_a_certificate_is_written_once_and_refused_where_it_cannot_be():
    machine = register.machine(make.station())
    first = certificate(machine)
    assert certificate(machine) == first
    for fields, words in (
        ({"until": date(2026, 12, 1)}, "已登记过"),
        ({"number": "2", "until": date(2024, 1, 1)}, "不能早于发证"),
        ({"number": "2", "issued_on": date(2026, 12, 1)}, "在今天之后"),
    ):
        with pytest.raises(CertificateRefused, match=words):
            certificate(machine, **fields)
    told = {"certificate": first, "at": make.NOW, "actor": make.manager(machine.station)}
    with pytest.raises(CertificateRefused, match="写明原因"):
        certificates.void(reason="", **told)
    certificates.void(reason="写错", **told)
    with pytest.raises(CertificateRefused, match="已经作废"):
        certificates.void(reason="写错", **told)
    assert certificate(machine, until=date(2026, 12, 1)) != first
    Equipment.objects.update(state="SCRAPPED")
    machine.refresh_from_db()
    with pytest.raises(CertificateRefused, match="已报废"):
        certificate(machine, number="9")


def test_each_stage_before_the_end_is_told_once():
    machine = register.machine(make.station())
    paper = certificate(machine, until=make.TODAY + timedelta(200))
    told = []
    for left in (91, 90, 90, 45, 30, 8, 7, 0, -1, -30):
        at = make.NOW + timedelta(200 - left)
        certificates.remind_all(at=at)
        live = Alert.objects.filter(status="OPEN")
        told.append([(row.level, row.count) for row in live])
        assert live.count() == (0 if left > 90 else 1)
    assert [one[0][0] for one in told if one] == [
        "INFO", "INFO", "INFO", "WARNING", "WARNING", "WARNING", "WARNING", "CRITICAL", "CRITICAL",
    ]  # fmt: skip
    assert Alert.objects.count() == 4
    assert all(row.count == 1 for row in Alert.objects.all())
    Alert.objects.filter(status="OPEN").update(status="HANDLED")
    certificates.remind_all(at=make.NOW + timedelta(230))
    assert not Alert.objects.filter(status="OPEN").exists()
    assert paper.number in Alert.objects.first().text


def test_a_renewed_certificate_clears_its_reminder_at_once():
    machine = register.machine(make.station())
    certificate(machine, until=make.TODAY - timedelta(1))
    assert Alert.objects.get().status == "OPEN"
    certificate(machine, number="FB-2", until=make.TODAY + timedelta(700))
    assert Alert.objects.get().status == "CLEARED"
    check_certificates()


def test_go_live_warns_of_what_is_missing_and_over():
    nozzle = make.nozzle()
    certificate(register.machine(nozzle.station), until=make.TODAY - timedelta(1))
    found = {row.subject: row for row in go_live.findings(station=nozzle.station, at=make.NOW)}
    assert "1 号枪没有登记检定" in found["加油机检定"].missing
    assert not found["设备证书"].ok and found["设备证书"].optional


# --------------------------------------------------------------------------------- seals


def test_a_seal_found_broken_raises_an_alert_and_one_of_a_repair_does_not():
    machine = register.machine(make.station())
    broken(sealed(machine), replacement=NewSeal("8813", "计量器上盖", "计量院"))
    alert = Alert.objects.get()
    assert alert.level == "CRITICAL" and "8812" in alert.text
    repair = register.reported(machine)
    new = Seal.objects.get(number="8813")
    assert new.replaces.seal.number == "8812"
    broken(new, "REPAIR", repair=repair)
    assert Alert.objects.count() == 1


def test_what_cannot_be_of_a_seal_is_refused():
    nozzle = make.nozzle()
    machine, other = register.dispenser_of(nozzle), register.machine(nozzle.station)
    seal, who = sealed(machine, nozzle=nozzle), make.manager(nozzle.station)
    for fields, words in (
        ({"number": "8812"}, "不能重复"),
        ({"number": "1", "at": make.NOW + timedelta(hours=1)}, "现在之后"),
        ({"number": "1", "nozzle": make.nozzle()}, "不在这台设备上"),
    ):
        with pytest.raises(SealRefused, match=words):
            sealed(machine, **fields)
    for fields, words in (
        ({"reason": " "}, "写明原因"),
        ({"actor": who, "witness": who}, "另一人在场"),
        ({"occurred_at": make.at(8)}, "拆封时间"),
        ({"cause": "REPAIR", "repair": register.reported(other)}, "这台设备正在进行的维修单"),
        ({"cause": "REPAIR"}, "维修单"),
        ({"cause": "VERIFICATION"}, "最近 7 天的检定"),
        ({"replacement": NewSeal("8812", "x", "y")}, "不能重复"),
    ):
        with pytest.raises(SealRefused, match=words):
            broken(seal, **fields)
    (test,) = register.verified(nozzle)
    broken(seal, "VERIFICATION", meter_test=test)
    with pytest.raises(SealRefused, match="已登记过拆封"):
        broken(seal)
    assert SealBreak.objects.count() == 1


# --------------------------------------------------------------------------------- pages


def test_the_register_on_its_pages():
    nozzle = make.nozzle()
    station = nozzle.station
    office, other = make.signed_in(make.manager(station)), make.attendant(station)
    typed = {"key": "k1", "kind": "DISPENSER", "stands": f"dispenser:{nozzle.dispenser_id}",
             "make": "正星", "price": "28000"}  # fmt: skip
    new = reverse("devices:machine_new")
    assert office.get(new).status_code == 200
    assert office.post(new, {**typed, "stands": "tank:999"}).status_code == 422
    where = office.post(new, typed).url
    assert office.post(new, typed).url == where
    machine = Equipment.objects.get()
    assert (machine.dispenser, machine.price) == (nozzle.dispenser, Decimal(28000))
    assert office.post(f"{where}edit/", {**typed, "note": "已贴标"}).url == where
    scan = SimpleUploadedFile("证.pdf", b"%PDF-1.4 x")
    paper = {"kind": "TAX", "number": "SK1", "issuer": "税务局", "issued_on": "2026-01-01",
             "valid_until": "2026-06-01"}  # fmt: skip
    assert office.post(f"{where}certificate/", {**paper, "kind": "VERIFICATION"}).status_code == 422
    assert office.post(f"{where}certificate/", {**paper, "file": scan}).url == where
    assert Attachment.objects.get().document == Certificate.objects.get().document
    seal = {"number": "S1", "place": "上盖", "put_by": "计量院", "put_at": "2026-04-22T09:00"}
    assert office.post(f"{where}seal/", seal).url == where
    again = office.post(f"{where}seal/", seal)
    assert again.status_code == 422 and "不能重复" in again.content.decode()
    breaking = reverse("devices:seal_break", args=[Seal.objects.get().pk])
    signed = {"cause": "FOUND", "reason": "断", "occurred_at": "2026-04-22T09:30",
              "approver": other.username, "approver_secret": "000000", "number": "S2",
              "put_by": "站长"}  # fmt: skip
    assert "S1" in office.get(breaking).content.decode()
    page = office.get(where).content.decode()
    for words in ("正星", "SK1", "施加铅封 S1", "登记设备", "已贴标"):
        assert words in page, words
    for name in ("machines", "certificates", "seals"):
        answer = office.get(reverse(f"devices:{name}"))
        assert answer.status_code == 200
        exported = office.get(reverse(f"devices:{name}"), {"export": "csv"})
        assert b"".join(exported.streaming_content)
    assert office.post(breaking, signed).status_code == 422
    assert office.post(breaking, {**signed, "approver_secret": make.PIN}).url == where
    assert "换为 S2" in office.get(where).content.decode()
    state = reverse("devices:machine_state", args=[machine.number, "STOPPED"])
    assert office.post(state, {"reason": ""}).status_code == 422
    assert office.post(state, {"reason": "大修"}).url == where
    assert office.post(state.replace("STOPPED", "GONE"), {"reason": "x"}).status_code == 422
    assert make.signed_in(make.stranger()).get(where).status_code == 404
    assert make.signed_in(other).get(where).status_code == 200
    assert make.signed_in(other).post(state, {"reason": "x"}).status_code == 403


def test_one_history_holds_everything_about_a_machine():
    nozzle = make.nozzle()
    machine = register.dispenser_of(nozzle)
    sealed(machine)
    register.verified(nozzle, at=make.at(9))
    register.own(nozzle)
    register.done(register.reported(machine), make.manager(nozzle.station))
    titles = [event.title for event in timeline(equipment=machine)]
    for words in (
        "登记设备",
        "施加铅封 8812",
        "1 号枪 强制检定 合格",
        "1 号枪 自校 合格",
        "报修",
        "维修完工",
    ):
        assert words in titles
    assert len([one for one in titles if one.startswith("检定证书")]) == 1
    moments = [event.at for event in timeline(equipment=machine)]
    assert moments == sorted(moments, reverse=True)


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", ["machines", "certificates", "seals"])
def test_lists_stay_at_eight_statements(rows, name, django_assert_max_num_queries):
    station = make.station()
    for serial in range(rows):
        machine = register.machine(station, "CAMERA")
        certificate(machine, number=f"N{serial}")
        sealed(machine, number=f"S{serial}")
    browser = make.signed_in(make.attendant(station))
    with django_assert_max_num_queries(8):
        browser.get(reverse(f"devices:{name}"))
