"""Authorisations and stops: what is let loose, what is refused, what twice means."""

from datetime import timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import connection, connections

from devices.models import Authorisation, Command
from devices.queries.commands import last_stop
from devices.services import authorising, commands
from station.models import AuditEntry, Nozzle
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def nozzle() -> Nozzle:
    made = make.nozzle()
    make.price(made.station, made.tank.grade, "7.85")
    make.nozzle_state(made, "CALLING", unit_price=Decimal("7.85"))
    return made


def authorise(nozzle, **fields):
    actor = fields.pop("actor", None) or make.attendant(nozzle.station)
    return authorising.authorise(nozzle=nozzle, actor=actor, at=make.NOW, **fields)


@pytest.mark.req("SAL-03")
def test_a_preset_becomes_an_authorisation_and_one_command(nozzle):
    made = authorise(nozzle, amount=Decimal("200.00"), document="Y1")
    assert (made.limit_amount, made.limit_litres, made.unit_price) == (
        Decimal("200.00"),
        None,
        Decimal("7.85"),
    )
    assert made.valid_until == make.NOW + timedelta(seconds=120)
    command = Command.objects.get()
    assert (command.kind, command.status, command.authorisation) == ("AUTHORISE", "WAITING", made)
    assert command.arguments == {"amount": "200.00", "price": "7.85"}
    assert command.valid_until == make.NOW + timedelta(seconds=10)
    assert AuditEntry.objects.get().after == {
        "nozzle": nozzle.number,
        "amount": "200.00",
        "price": "7.85",
    }


def test_a_second_authorisation_of_a_nozzle_is_refused(nozzle):
    authorise(nozzle)
    with pytest.raises(authorising.NotAuthorised, match="已有一个授权"):
        authorise(nozzle)
    assert Command.objects.count() == 1


@pytest.mark.parametrize(
    ("amount", "litres", "words"),
    [
        ("200", "10", "只能填一个"),
        ("0", None, "不在"),
        ("-5", None, "不在"),
        ("10000", None, "不在"),
        (None, "2000.01", "不在"),
        ("10.005", None, "两位小数"),
        (None, "0.125", "两位小数"),
    ],
)
def test_a_preset_no_pump_can_hold_is_refused(nozzle, amount, litres, words):
    with pytest.raises(authorising.PresetRefused, match=words):
        authorise(
            nozzle,
            amount=Decimal(amount) if amount else None,
            litres=Decimal(litres) if litres else None,
        )
    assert not Authorisation.objects.exists()


@pytest.mark.parametrize("state", ["OFFLINE", "FUELLING", "SUSPENDED", "STOPPED", "CLOSED"])
def test_a_nozzle_that_cannot_be_let_loose_is_refused(nozzle, state):
    make.nozzle_state(nozzle, state)
    with pytest.raises(authorising.NotAuthorised):
        authorise(nozzle)


def test_a_closed_nozzle_and_one_without_a_price_are_refused(nozzle):
    bare = make.nozzle(nozzle.station, make.grade("98#"))
    make.nozzle_state(bare)
    with pytest.raises(authorising.NotAuthorised, match="还没有执行中的价格"):
        authorise(bare)
    nozzle.active = False
    with pytest.raises(authorising.NotAuthorised, match="已停用"):
        authorise(nozzle)


@pytest.mark.req("SAL-05")
@pytest.mark.parametrize("posted", ["7.60", "8.10"])
def test_a_pump_that_does_not_hold_the_posted_price_is_not_authorised(nozzle, posted):
    make.price(nozzle.station, nozzle.tank.grade, posted, since=make.at(9))
    with pytest.raises(
        authorising.NotAuthorised, match=f"加油机上仍是 7.85 元/升，挂牌价已是 {posted}"
    ):
        authorise(nozzle)
    make.nozzle_state(nozzle, "CALLING", unit_price=Decimal(posted))
    assert authorise(nozzle).unit_price == Decimal(posted)


def test_an_authorisation_not_yet_sent_is_cancelled_at_once(nozzle):
    made = authorise(nozzle)
    authorising.cancel(authorisation=made, actor=None, at=make.NOW)
    made.refresh_from_db()
    assert made.status == "CANCELLED"
    assert list(Command.objects.values_list("kind", "status")) == [("AUTHORISE", "VOID")]
    with pytest.raises(authorising.NotStopped, match="已取消"):
        authorising.cancel(authorisation=made, actor=None, at=make.NOW)


def test_an_authorisation_the_pump_holds_is_taken_back_over_the_wire(nozzle):
    made = authorise(nozzle)
    Command.objects.update(status="DONE")
    Authorisation.objects.update(status="SENT")
    authorising.cancel(authorisation=made, actor=None, at=make.NOW)
    assert Command.objects.get(kind="CANCEL").authorisation == made
    Authorisation.objects.update(status="FUELLING")
    with pytest.raises(authorising.NotStopped, match="请用停枪"):
        authorising.cancel(authorisation=made, actor=None, at=make.NOW)


def test_stop_suspend_and_resume_follow_the_state(nozzle):
    make.nozzle_state(nozzle, "FUELLING")
    actor = make.attendant(nozzle.station)
    orders = {"nozzle": nozzle, "actor": actor, "at": make.NOW}
    authorising.suspend(**orders)
    with pytest.raises(authorising.NotStopped, match="没有被暂停"):
        authorising.resume(**orders)
    make.nozzle_state(nozzle, "SUSPENDED")
    authorising.resume(**orders)
    authorising.stop(**orders)
    assert list(Command.objects.order_by("id").values_list("kind", flat=True)) == [
        "SUSPEND",
        "RESUME",
        "STOP",
    ]
    make.nozzle_state(nozzle, "OFFLINE")
    with pytest.raises(authorising.NotStopped, match="加油机上的急停按钮"):
        authorising.stop(**orders)
    with pytest.raises(authorising.NotStopped, match="不在加油"):
        authorising.suspend(**orders)


@pytest.mark.req("DEV-05")
def test_the_emergency_stop_voids_what_is_queued_and_holds_until_released(nozzle):
    station, actor = nozzle.station, make.cashier(nozzle.station)
    made = authorise(nozzle)
    authorising.stop_all(station=station, actor=actor, at=make.NOW, reason="漏油")
    made.refresh_from_db()
    assert made.status == "CANCELLED"
    assert Command.objects.get(kind="AUTHORISE").status == "VOID"
    assert last_stop(station).actor == actor
    entry = AuditEntry.objects.get(action="devices.stop_all")
    assert (entry.actor, entry.reason) == (actor, "漏油")
    with pytest.raises(authorising.NotAuthorised, match=f"{actor.name}按了急停"):
        authorise(nozzle)
    authorising.release_all(station=station, actor=actor, at=make.NOW)
    assert last_stop(station) is None
    assert authorise(nozzle).status == "WAITING"
    with pytest.raises(authorising.NotStopped, match="当前没有急停"):
        authorising.release_all(station=station, actor=actor, at=make.NOW)


def test_what_nobody_took_in_time_is_void_and_what_nobody_used_expires(nozzle):
    made = authorise(nozzle)
    assert commands.void_late(at=make.NOW + timedelta(seconds=10)) == 0
    assert commands.void_late(at=make.NOW + timedelta(seconds=11)) == 1
    assert Command.objects.get().status == "VOID"
    made.refresh_from_db()
    assert made.status == "EXPIRED"
    Authorisation.objects.update(status="SENT")
    assert authorising.expire(at=make.NOW + timedelta(seconds=120)) == 0
    assert authorising.expire(at=make.NOW + timedelta(seconds=121)) == 1
    made.refresh_from_db()
    assert made.status == "SENT"  # the pump holds it, until the pump says that it does not
    assert Command.objects.filter(kind="CANCEL", authorisation=made).count() == 1
    assert authorising.expire(at=make.NOW + timedelta(seconds=122)) == 0
    Command.objects.filter(kind="CANCEL").update(status="VOID")
    assert authorising.expire(at=make.NOW + timedelta(seconds=180)) == 0
    assert authorising.expire(at=make.NOW + timedelta(seconds=181)) == 1  # asked again
    assert Command.objects.filter(kind="CANCEL", authorisation=made).count() == 2


def test_the_emergency_stop_and_the_clock_end_nothing_that_a_pump_may_know_of(nozzle):
    made = authorise(nozzle)
    Command.objects.update(status="TAKEN")
    authorising.stop_all(station=nozzle.station, actor=None, at=make.NOW)
    made.refresh_from_db()
    assert made.status == "WAITING"
    assert authorising.expire(at=make.NOW + timedelta(seconds=121)) == 1
    made.refresh_from_db()
    assert (made.status, Command.objects.filter(kind="CANCEL").count()) == ("WAITING", 1)


def test_an_authorisation_whose_order_nobody_took_expires_by_the_clock(nozzle):
    made = authorise(nozzle, seconds=5)
    assert authorising.expire(at=make.NOW + timedelta(seconds=6)) == 1
    made.refresh_from_db()
    assert (made.status, Command.objects.get().status) == ("EXPIRED", "VOID")


def test_taking_back_twice_asks_the_pump_once(nozzle):
    made = authorise(nozzle)
    Command.objects.update(status="DONE")
    Authorisation.objects.update(status="SENT")
    for _ in range(2):
        assert authorising.cancel(authorisation=made, actor=None, at=make.NOW).status == "SENT"
    assert Command.objects.filter(kind="CANCEL").count() == 1
    assert AuditEntry.objects.filter(action="devices.cancel").count() == 1


def test_a_command_is_finished_once(nozzle):
    command = commands.queue(
        kind="STOP", station=nozzle.station, nozzle=nozzle, actor=None, at=make.NOW
    )
    done, failed = Command.Status.DONE, Command.Status.FAILED
    assert commands.finish(command=command, status=done, answer="", at=make.NOW)
    assert not commands.finish(command=command, status=failed, answer="x", at=make.NOW)
    command.refresh_from_db()
    assert command.status == "DONE"


@pytest.mark.django_db(transaction=True)
def test_two_tills_that_authorise_at_once_make_one_authorisation(nozzle):
    actor = make.cashier(nozzle.station)
    start, refused = Barrier(4), []

    def click() -> None:
        try:
            start.wait()
            authorising.authorise(nozzle=nozzle, actor=actor, at=make.NOW)
        except authorising.NotAuthorised as refusal:
            refused.append(str(refusal))
        finally:
            connections.close_all()

    threads = [Thread(target=click) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(refused) == 3
    assert Authorisation.objects.count() == Command.objects.count() == 1


@pytest.mark.django_db(transaction=True)
def test_a_command_wakes_whoever_listens_when_it_commits(nozzle):
    with connection.cursor() as cursor:
        cursor.execute("LISTEN devices_command")
    command = commands.queue(
        kind="STOP", station=nozzle.station, nozzle=nozzle, actor=None, at=make.NOW
    )
    connection.connection.poll()
    heard = [(note.channel, note.payload) for note in connection.connection.notifies]
    assert heard == [("devices_command", str(command.pk))]
