"""维修: the way from a symptom to somebody else's word, opened meters, downtime and cost."""

from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils.timezone import localtime

from devices.models import Equipment, Repair
from devices.queries import repairs as asked
from devices.queries.standing import standings
from devices.services import alarms, repairs, seals
from devices.services.repairs import Fault, RepairRefused, Work
from devices.services.seals import NewSeal
from station.models import AuditEntry
from tests import make
from tests.devices import register

pytestmark = pytest.mark.django_db


@pytest.fixture
def nozzle():
    return make.nozzle()


@pytest.fixture
def machine(nozzle):
    return register.dispenser_of(nozzle)


def accept(repair, actor=None, at=None):
    who = actor or make.cashier(repair.station)
    repairs.accept(repair=repair, word="试机正常", at=at or make.at(14), actor=who)


def state(machine):
    return Equipment.objects.get(pk=machine.pk).state


def test_a_repair_goes_its_way_and_puts_the_machine_back(machine):
    repair = register.reported(machine, stop=True)
    assert state(machine) == "STOPPED"
    register.done(repair, make.manager(machine.station))
    accept(repair)
    repair.refresh_from_db()
    assert (repair.status, repair.cost, state(machine)) == ("ACCEPTED", Decimal("320.00"), "IN_USE")
    acts = AuditEntry.objects.filter(document=repair.number).order_by("pk")
    assert [act.action.rsplit(".")[-1] for act in acts] == ["reported", "taken", "done", "accepted"]


def test_each_step_is_refused_out_of_its_order(machine):
    manager = make.manager(machine.station)
    repair = register.reported(machine)
    work = Work("换阀", "", Decimal(0), False)
    done = {"repair": repair, "work": work, "at": make.at(12), "actor": manager}
    steps = [
        (lambda: repairs.finish(done_at=make.at(12), **done), "还没有接单"),
        (lambda: accept(repair), "不在待验收"),
        (lambda: repairs.take(repair=repair, repairer=" ", at=make.NOW, actor=manager), "由谁维修"),
        (lambda: register.reported(machine), repair.number),
        (lambda: register.reported(machine, symptom=" "), "故障现象"),
        (
            lambda: repairs.withdraw(repair=repair, reason="", at=make.NOW, actor=manager),
            "写明原因",
        ),
    ]
    for step, words in steps:
        with pytest.raises(RepairRefused, match=words):
            step()
    repairs.take(repair=repair, repairer="厂家", at=make.at(11), actor=manager)
    with pytest.raises(RepairRefused, match="已经有人接"):
        repairs.take(repair=repair, repairer="别家", at=make.at(11), actor=manager)
    for when in (make.at(9), make.at(13)):
        with pytest.raises(RepairRefused, match="完工时间"):
            repairs.finish(done_at=when, **done)
    with pytest.raises(RepairRefused, match="做了什么"):
        repairs.finish(done_at=make.at(12), **{**done, "work": Work(" ", "", Decimal(0), False)})
    repairs.finish(done_at=make.at(12), **done)
    with pytest.raises(RepairRefused, match="已登记完工"):
        repairs.finish(done_at=make.at(12), **done)
    with pytest.raises(RepairRefused, match="另一人验收"):
        accept(repair, manager)
    told = {"repair": repair, "at": make.at(13), "actor": make.cashier(machine.station)}
    with pytest.raises(RepairRefused, match="哪里不合格"):
        repairs.send_back(reason="", **told)
    with pytest.raises(RepairRefused, match="不能撤销"):
        repairs.withdraw(reason="x", **told)
    repairs.send_back(reason="还漏", **told)
    with pytest.raises(RepairRefused, match="不在待验收"):
        repairs.send_back(reason="还漏", **told)
    repairs.withdraw(reason="不修了", **told)
    Equipment.objects.update(state="SCRAPPED")
    with pytest.raises(RepairRefused, match="已报废"):
        register.reported(machine)


def test_an_opened_meter_wants_a_verification_and_a_seal_before_it_works_again(nozzle, machine):
    register.verified(nozzle, at=make.at(9))
    repair = register.done(
        register.reported(machine), make.manager(nozzle.station), opened=True, nozzle=nozzle
    )
    assert state(machine) == "STOPPED"
    ((_, now),) = standings(station=nozzle.station, at=make.at(13))
    assert now.verdict == "OPENED"
    with pytest.raises(RepairRefused, match="还缺 1 号枪 维修后的检定（合格）、维修后的新铅封"):
        accept(repair)
    register.verified(nozzle, passed=False, at=make.at(12, 30), number="")
    with pytest.raises(RepairRefused, match="检定（合格）"):
        accept(repair)
    register.verified(nozzle, at=make.at(12, 45))
    with pytest.raises(RepairRefused, match="还缺 维修后的新铅封"):
        accept(repair)
    seals.put(
        equipment=machine, seal=NewSeal("9001", "计量器上盖", "计量院"), put_at=make.at(12, 50),
        at=make.at(13), actor=make.manager(nozzle.station),
    )  # fmt: skip
    accept(repair)
    assert state(machine) == "IN_USE"
    ((_, now),) = standings(station=nozzle.station, at=make.at(15))
    assert now.verdict == "VALID"


def test_without_a_nozzle_named_all_of_the_dispenser_were_opened(nozzle, machine):
    make.nozzle(nozzle.station, dispenser=nozzle.dispenser)
    repair = register.done(register.reported(machine), make.manager(nozzle.station), opened=True)
    assert len(asked.lacks_after_opening(repair)) == 3
    held = standings(station=nozzle.station, at=make.at(13))
    assert [now.verdict for _, now in held] == ["OPENED", "OPENED"]


def test_what_was_opened_stays_opened_when_it_is_sent_back(machine):
    manager = make.manager(machine.station)
    repair = register.done(register.reported(machine), manager, opened=True)
    repairs.send_back(
        repair=repair, reason="x", at=make.at(13), actor=make.cashier(machine.station)
    )
    repairs.finish(
        repair=repair, work=Work("重调", "", Decimal(0), False), done_at=make.at(13),
        at=make.at(13), actor=manager,
    )  # fmt: skip
    repair.refresh_from_db()
    assert repair.meter_opened


def test_downtime_counts_from_the_alarm_and_costs_add_up(nozzle, machine):
    alarm = alarms.raise_alarm(
        station=nozzle.station, kind="SILENCE", subject="1 号机", text="没有应答", at=make.at(8),
        nozzle=nozzle,
    )  # fmt: skip
    repair = register.reported(machine, alarm=alarm)
    assert asked.downtime(repair, at=make.at(11)) == timedelta(hours=3)
    register.done(repair, make.manager(nozzle.station))
    assert asked.downtime(repair, at=make.at(20)) == timedelta(hours=4)
    accept(repair)
    other = register.reported(register.machine(nozzle.station, "SIGN"))
    repairs.withdraw(repair=other, reason="误报", at=make.NOW, actor=make.manager(nozzle.station))
    (cost,) = asked.costs(station=nozzle.station)
    assert (cost.year, cost.repairs, cost.cost) == (2026, 1, Decimal("320.00"))
    assert cost.down == timedelta(hours=4)
    assert asked.by_year(station=nozzle.station) == {2026: (1, Decimal("320.00"))}
    assert not asked.costs(station=nozzle.station, year=2025)


def test_a_repair_keeps_what_was_reported(machine):
    register.reported(machine)
    with pytest.raises(DatabaseError), transaction.atomic():
        Repair.objects.update(symptom="别的")
    with pytest.raises(DatabaseError), transaction.atomic():
        Repair.objects.all().delete()


@pytest.mark.django_db(transaction=True)
def test_four_reports_at_once_are_one_repair():
    machine = register.machine(make.station(), "CAMERA")
    who, gate, found = make.attendant(machine.station), Barrier(4), []

    def report(number):
        gate.wait()
        try:
            made = repairs.report(
                equipment=machine, fault=Fault("黑屏"), stop=True, key=f"k{number % 2}",
                at=make.NOW, actor=who,
            )  # fmt: skip
            found.append(made.number)
        except RepairRefused:
            found.append("refused")
        finally:
            connection.close()

    threads = [Thread(target=report, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    only = Repair.objects.get()
    assert sorted(found) == sorted([only.number, only.number, "refused", "refused"])


def test_a_repair_on_its_pages(nozzle, machine):
    station = nozzle.station
    manager, clerk = make.manager(station), make.cashier(station)
    office, till = make.signed_in(manager), make.signed_in(clerk)
    alarm = alarms.raise_alarm(
        station=station, kind="SILENCE", subject="1 号机", text="没有应答", at=make.at(8),
        nozzle=nozzle,
    )  # fmt: skip
    page = office.get(reverse("devices:alarm", args=[alarm.pk])).content.decode()
    new = f"{reverse('devices:repair_new')}?alarm={alarm.pk}"
    assert new in page
    assert "没有应答" in till.get(new).content.decode()
    typed = {"key": "r", "equipment": machine.number, "symptom": "不出油", "alarm": alarm.pk}
    assert till.post(new, {**typed, "symptom": ""}).status_code == 422
    where = till.post(new, typed).url
    assert till.post(new, typed).url == where
    assert till.get(new.replace(str(alarm.pk), "9" * 30)).status_code == 200
    assert till.post(new, {**typed, "key": "s", "alarm": 10**30}).status_code == 422
    repair = Repair.objects.get()
    assert repair.number in office.get(reverse("devices:status")).content.decode()
    assert repair.number in office.get(reverse("devices:repairs")).content.decode()
    assert till.post(f"{where}take/", {"repairer": "厂家"}).status_code == 403
    assert office.post(f"{where}take/", {"repairer": ""}).status_code == 422
    assert office.post(f"{where}take/", {"repairer": "厂家"}).url == where
    Repair.objects.update(status="TAKEN")
    finish = {"done_at": "2026-04-22T09:00", "work": "换阀", "cost": "12.5"}
    assert office.post(f"{where}done/", finish).status_code == 422
    finish["done_at"] = f"{localtime():%Y-%m-%dT%H:%M}"
    assert office.post(f"{where}done/", finish).url == where
    assert office.post(f"{where}accept/", {"word": "好"}).status_code == 422
    assert till.post(f"{where}return/", {"word": "还漏"}).url == where
    assert office.post(f"{where}done/", finish).url == where
    assert till.post(f"{where}accept/", {"word": "好"}).url == where
    assert office.post(f"{where}withdraw/", {"reason": "x"}).status_code == 422
    for address in (
        reverse("devices:repair_costs"),
        f"{reverse('devices:repair_costs')}?year=2026",
    ):
        assert "维修费用" in office.get(address).content.decode()
    exported = office.get(reverse("devices:repair_costs"), {"export": "csv"})
    assert b"12.50" in b"".join(exported.streaming_content)
    assert till.get(reverse("devices:repair_costs")).status_code == 403
    assert make.signed_in(make.stranger()).get(where).status_code == 404


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_of_repairs_stays_at_eight_statements(rows, django_assert_max_num_queries):
    station = make.station()
    for _ in range(rows):
        register.reported(register.machine(station, "CAMERA"))
    browser = make.signed_in(make.attendant(station))
    with django_assert_max_num_queries(8):
        browser.get(reverse("devices:repairs"))
