"""检定与自校: errors by the worked figures, standing of a nozzle, drift, alerts, pages."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from threading import Barrier, Thread

import pytest
from django.db import DatabaseError, connection, transaction
from django.urls import reverse
from django.utils.timezone import now as clock

from devices.models import Certificate, DispenserWiring, Line, MeterTest, MeterTestRun
from devices.queries import site
from devices.queries.meter_tests import (
    errors_of,
    fills_to_test,
    history,
    months_after,
    self_tests,
    trend,
)
from devices.queries.standing import standings
from devices.queries.wall import nozzle_now
from devices.services import authorising, meter_tests, meters
from devices.services.authorising import NotAuthorised
from devices.services.proving import Prover, Run, TestRefused, corrected, error_percent
from sales.services.disposals import use_fill
from station.models import Alert, AuditEntry, Nozzle
from station.services import settings
from tests import make
from tests.devices import register

pytestmark = pytest.mark.django_db
LIMIT = Decimal("0.3")


def set_to(station, name, value):
    settings.change(
        name=f"devices.{name}", station=station, value=value, at=make.NOW,
        actor=make.manager(station),
    )  # fmt: skip


def verdict(nozzle, at=make.NOW):
    ((_, now),) = standings(station=nozzle.station, at=at)
    return now.verdict


# ------------------------------------------------------------------------------- figures


@pytest.mark.parametrize(
    ("meter", "standard", "error"),
    [("20.060", "20.000", "0.30000"), ("19.940", "20.000", "-0.30000"),
     ("100.300", "100.000", "0.30000"), ("20.02", "20.03", "-0.04993")],
)  # fmt: skip
def test_the_error_is_meter_less_standard_by_standard(meter, standard, error):
    assert error_percent(Decimal(meter), Decimal(standard)) == Decimal(error)


@pytest.mark.parametrize(
    ("meter", "standard", "result"),
    [("20.060", "20.000", "PASS"), ("19.940", "20.000", "PASS"), ("20.061", "20.000", "FAIL"),
     ("19.939", "20.000", "FAIL"), ("20.101", "20.040", "FAIL"), ("20.100", "20.040", "PASS")],
)  # fmt: skip
def test_sixty_millilitres_of_twenty_litres_are_the_limit(meter, standard, result):
    """20.101 of 20.040 is 0.3044 %; 20.100 is 0.2994 %: judged by the litres."""
    assert register.own(make.nozzle(), meter, standard).result == result


def test_the_standard_is_corrected_only_where_the_station_says_so():
    told = {"expansion": Decimal("0.0012"), "oil_c": Decimal(25), "prover_c": Decimal(22)}
    assert corrected(Decimal(20), **told) == Decimal("20.074")
    nozzle = Nozzle.objects.get(pk=make.nozzle().pk)
    prover = Prover(Decimal(20), Decimal(25), Decimal(22))
    plain = register.own(nozzle, prover=prover)
    assert (plain.runs.get().corrected_l, plain.corrected) == (Decimal(20), False)
    set_to(nozzle.station, "test_temperature", "1")
    with pytest.raises(TestRefused, match="请填油温"):
        register.own(nozzle)
    after = register.own(nozzle, prover=prover)
    assert (after.runs.get().corrected_l, after.corrected) == (Decimal("20.074"), True)


def test_the_worst_of_several_flows_decides():
    runs = [Run(Decimal(20), Decimal("20.01"), Decimal(45)), Run(Decimal(20), Decimal("19.93"))]
    test = register.own(make.nozzle(), runs=runs)
    assert (test.worst_percent, test.result) == (Decimal("-0.35000"), "FAIL")
    assert list(test.runs.values_list("ordinal", "flow_lpm")) == [(1, Decimal(45)), (2, None)]


# --------------------------------------------------------------------------- what cannot


def test_a_test_that_cannot_have_been_is_refused():
    nozzle, other = make.nozzle(), make.nozzle()
    who = make.manager(nozzle.station)
    strange, fill = make.fill(other), make.fill(nozzle, "20.02")
    for fields, words in (
        ({"prover": Prover(Decimal("19.999"))}, "不能小于 20 升"),
        ({"runs": []}, "至少填一次"),
        ({"tester": who, "witness": who}, "两个人"),
        ({"runs": [Run(Decimal(20))]}, "请选加油记录"),
        ({"runs": [Run(Decimal(30), Decimal(30))]}, "差得太多"),
        ({"runs": [Run(Decimal(20), Decimal("2.002"))]}, "不像实测值"),
        ({"runs": [Run(Decimal(20), fill=strange)]}, "选的加油不是"),
        ({"runs": [Run(Decimal(20), Decimal("20.1"), fill=fill)]}, "示值留空"),
        ({"runs": [Run(Decimal(20), fill=fill), Run(Decimal(20), fill=fill)]}, "填了两次"),
    ):
        with pytest.raises(TestRefused, match=words):
            register.own(nozzle, **fields)
    with pytest.raises(TestRefused, match="现在之后"):
        meter_tests.record_own(
            nozzle=nozzle, prover=Prover(Decimal(20)), runs=[], at=make.NOW, actor=who, key="k",
            tested_at=make.at(11), tester=who, witness=make.attendant(nozzle.station),
        )  # fmt: skip
    assert not MeterTest.objects.exists()


def test_a_fill_serves_one_test_and_is_free_again_when_that_is_void():
    nozzle = make.nozzle()
    fill = make.fill(nozzle, "20.02", at=make.at(9))
    runs = [Run(Decimal(20), fill=fill)]
    told = {"station": nozzle.station, "at": make.NOW, "nozzle": nozzle}
    assert fills_to_test(**told) == [fill]
    test = register.own(nozzle, runs=runs)
    assert (test.runs.get().meter_l, test.worst_percent) == (fill.litres, Decimal("0.10000"))
    assert not fills_to_test(**told)
    with pytest.raises(TestRefused, match=test.number):
        register.own(nozzle, runs=runs)
    void = {"test": test, "at": make.NOW, "actor": make.manager(nozzle.station)}
    with pytest.raises(TestRefused, match="写明原因"):
        meter_tests.void(reason="", **void)
    meter_tests.void(reason="填错", **void)
    with pytest.raises(TestRefused, match="已经作废"):
        meter_tests.void(reason="填错", **void)
    assert register.own(nozzle, runs=runs).number != test.number


def test_a_form_sent_twice_is_one_test():
    nozzle = make.nozzle()
    register.dispenser_of(nozzle)
    assert register.own(nozzle, key="a") == register.own(nozzle, key="a")
    assert register.verified(nozzle, key="b") == register.verified(nozzle, key="b")
    assert register.own(make.nozzle(nozzle.station), key="a").nozzle != nozzle
    assert MeterTest.objects.count() == 3
    assert AuditEntry.objects.filter(action="devices.test.recorded").count() == 3


def test_the_database_keeps_the_figures_of_a_test():
    test = register.own(make.nozzle())
    for rows, change in (
        (MeterTest.objects, {"worst_percent": Decimal(0)}),
        (MeterTestRun.objects, {"meter_l": Decimal(20)}),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.update(**change)
        with pytest.raises(DatabaseError), transaction.atomic():
            rows.all().delete()
    assert test.result == "PASS"


@pytest.mark.django_db(transaction=True)
def test_two_who_take_one_fill_for_two_tests_at_once_make_one():
    nozzle = make.nozzle()
    fill = make.fill(nozzle, "20.02", at=make.at(9))
    people = make.manager(nozzle.station), make.attendant(nozzle.station)
    gate, found = Barrier(4), []

    def record(number):
        gate.wait()
        try:
            meter_tests.record_own(
                nozzle=nozzle, prover=Prover(Decimal(20)), runs=[Run(Decimal(20), fill=fill)],
                tested_at=make.NOW, tester=people[0], witness=people[1], key=f"k{number % 2}",
                at=make.NOW, actor=people[0],
            )  # fmt: skip
            found.append("one")
        except TestRefused:
            found.append("refused")
        finally:
            connection.close()

    threads = [Thread(target=record, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert MeterTest.objects.count() == 1
    assert sorted(found) == ["one", "one", "refused", "refused"]


# ------------------------------------------------------------------------------ standing


def test_a_verification_makes_its_certificate_and_holds_until_its_day():
    nozzle = make.nozzle()
    beside = make.nozzle(nozzle.station, dispenser=nozzle.dispenser)
    with pytest.raises(TestRefused, match="都不在设备台账"):
        register.verified(nozzle)
    machine = register.dispenser_of(nozzle)
    tests = register.verified(nozzle, beside, number="JL77")
    paper = Certificate.objects.get()
    assert {test.certificate for test in tests} == {paper}
    assert (paper.equipment, paper.number, paper.kind) == (machine, "JL77", "VERIFICATION")
    held = standings(station=nozzle.station, at=make.NOW + timedelta(180))
    assert {now.verdict for _, now in held} == {"VALID"}
    held = standings(station=nozzle.station, at=make.NOW + timedelta(181))
    assert {now.verdict for _, now in held} == {"OVER"}


def test_what_an_institute_cannot_have_found_is_refused():
    nozzle = make.nozzle()
    other = make.nozzle(nozzle.station)
    register.dispenser_of(nozzle)
    for nozzles, fields, words in (
        ((nozzle,), {"until": date(2026, 10, 23)}, "最长 6 个月"),
        ((nozzle,), {"error_percent": Decimal("0.31")}, "不能是合格"),
        ((nozzle, other), {"error_percent": Decimal("0.1")}, "一把枪一把枪"),
        ((nozzle,), {"number": " "}, "证书编号"),
    ):
        with pytest.raises(TestRefused, match=words):
            register.verified(*nozzles, **fields)
    assert register.verified(nozzle, until=date(2026, 10, 22))


def test_a_failed_one_a_changed_meter_and_a_void_end_what_held():
    nozzle = make.nozzle()
    register.dispenser_of(nozzle)
    make.nozzle_state(nozzle)
    assert verdict(nozzle) == "NONE"
    (test,) = register.verified(nozzle, at=make.at(8) - timedelta(1))
    assert verdict(nozzle) == "VALID"
    meters.change_meter(
        nozzle=nozzle, last_litres=Decimal(10), first_litres=Decimal(0), reason="坏",
        actor=make.manager(nozzle.station), at=make.at(9),
    )  # fmt: skip
    assert verdict(nozzle) == "CHANGED"
    (failed,) = register.verified(nozzle, passed=False, number="")
    assert verdict(nozzle) == "FAILED"
    assert Alert.objects.get(kind="devices.meter").status == "OPEN"
    told = {"at": make.NOW, "actor": make.manager(nozzle.station), "reason": "写错"}
    meter_tests.void(test=failed, **told)
    assert Alert.objects.get(kind="devices.meter").status == "CLEARED"
    meter_tests.void(test=test, **told)
    assert verdict(nozzle) == "NONE"
    assert Certificate.objects.get().voided_at == make.NOW


def test_a_nozzle_without_verification_warns_and_is_blocked_only_where_set():
    nozzle = make.nozzle()
    station, clerk = nozzle.station, make.cashier(nozzle.station)
    make.price(station, nozzle.tank.grade)
    make.nozzle_state(nozzle, unit_price=Decimal("7.85"))
    register.dispenser_of(nozzle)
    assert nozzle_now(nozzle=nozzle, at=make.NOW).unverified == ""
    register.verified(nozzle, at=make.NOW - timedelta(200))
    assert "检定已过期" in nozzle_now(nozzle=nozzle, at=make.NOW).unverified
    page = make.signed_in(clerk).get(reverse("devices:nozzle", args=[nozzle.pk]))
    assert "检定已过期" in page.content.decode()
    assert authorising.refuse_unready(nozzle=nozzle, at=make.NOW)
    set_to(station, "block_unverified", "1")
    with pytest.raises(NotAuthorised, match="检定已过期"):
        authorising.authorise(nozzle=nozzle, actor=clerk, at=make.NOW)
    register.verified(nozzle)
    assert authorising.authorise(nozzle=nozzle, actor=clerk, at=make.NOW)


def test_a_blocked_nozzle_is_not_let_loose_by_its_line_either():
    nozzle = make.nozzle()
    line = Line.objects.create(
        station=nozzle.station, name="1", url="socket://127.0.0.1:1", protocol="DART"
    )
    DispenserWiring.objects.create(dispenser=nozzle.dispenser, line=line, address=80)
    register.dispenser_of(nozzle)
    register.verified(nozzle, at=make.NOW - timedelta(200))

    def mode():
        (wired,) = site.wiring(at=make.NOW)
        return wired.points[0].nozzles[0].mode

    assert mode() == "AUTO"
    set_to(nozzle.station, "block_unverified", "1")
    assert mode() == "MANUAL"


# --------------------------------------------------------------------------- over time


def series(nozzle, *errors, every=30, start=make.NOW - timedelta(200)):
    for number, error in enumerate(errors):
        meter = Decimal(20) * (1 + Decimal(error) / 100)
        register.own(nozzle, f"{meter:.3f}", at=start + timedelta(every * number))


def test_the_drift_is_told_from_four_tests_on_with_the_day_of_the_limit():
    nozzle = make.nozzle()
    series(nozzle, "0.00", "0.05", "0.10")
    assert trend(tests=history(nozzle=nozzle), limit=LIMIT) is None
    register.own(nozzle, "20.030", at=make.NOW - timedelta(110))
    told = trend(tests=history(nozzle=nozzle), limit=LIMIT)
    assert (told.per_month, told.tests) == (Decimal("0.051"), 4)
    first = (make.NOW - timedelta(200)).date()
    assert told.reaches_on == first + timedelta(180)


def test_a_meter_that_stands_still_or_was_opened_says_nothing_of_the_limit():
    nozzle = make.nozzle()
    series(nozzle, "0.10", "0.10", "0.10", "0.10")
    told = trend(tests=history(nozzle=nozzle), limit=LIMIT)
    assert (told.per_month, told.reaches_on) == (Decimal(0), None)
    opened = make.NOW - timedelta(150)
    assert trend(tests=history(nozzle=nozzle), limit=LIMIT, opened_at=opened) is None
    falling = make.nozzle(nozzle.station)
    series(falling, "0.05", "-0.05", "-0.15", "-0.25", every=10)
    told = trend(tests=history(nozzle=falling), limit=LIMIT)
    assert told.per_month < 0
    assert told.reaches_on == (make.NOW - timedelta(200)).date() + timedelta(35)


def test_the_newest_error_of_each_nozzle_in_a_range():
    nozzle = make.nozzle()
    other = make.nozzle(nozzle.station)
    register.own(nozzle, "20.02", at=make.NOW - timedelta(40))
    newest = register.own(nozzle, "20.04", at=make.NOW - timedelta(5))
    register.own(other, at=make.NOW - timedelta(50))
    told = {"nozzles": [nozzle, other], "until": make.TODAY}
    found = errors_of(since=make.TODAY - timedelta(30), **told)
    assert set(found) == {nozzle.pk}
    one = found[nozzle.pk]
    assert (one.percent, one.tested_at) == (Decimal("0.20000"), newest.tested_at)
    meter_tests.void(test=newest, reason="错", at=make.NOW, actor=make.manager(nozzle.station))
    assert errors_of(since=make.TODAY - timedelta(60), **told)[nozzle.pk].percent == Decimal("0.1")


def test_a_self_test_is_due_again_after_a_month():
    nozzle = make.nozzle()
    register.own(nozzle, at=datetime(2026, 1, 31, 9, tzinfo=make.SHANGHAI))
    due = self_tests(station=nozzle.station)[nozzle.pk]
    assert due.due_on == date(2026, 2, 28)
    assert (due.is_due(date(2026, 2, 27)), due.is_due(date(2026, 2, 28))) == (False, True)
    assert months_after(date(9999, 12, 1), 10**12) == date(9999, 12, 1)


def test_over_the_limit_raises_an_alert_that_says_what_to_do_until_a_test_passes():
    nozzle = make.nozzle()
    test = register.own(nozzle, "20.08")
    alert = Alert.objects.get()
    assert alert.level == "CRITICAL"
    assert "停用该枪，报修" in alert.text and "+0.40%" in alert.text
    assert alert.url == reverse("devices:test", args=[test.number])
    register.own(nozzle, at=make.NOW - timedelta(9))
    alert.refresh_from_db()
    assert alert.status == "OPEN"
    register.own(nozzle, at=make.at(10, 30))
    alert.refresh_from_db()
    assert alert.status == "CLEARED"


# --------------------------------------------------------------------------------- pages


def test_a_test_is_typed_from_its_fill_and_leads_to_the_repair():
    nozzle = make.nozzle()
    station = nozzle.station
    machine, witness = register.dispenser_of(nozzle), make.attendant(station)
    manager = make.manager(station)
    office = make.signed_in(manager)
    fill = make.fill(nozzle, "20.08", at=clock() - timedelta(minutes=5))
    page = office.get(reverse("devices:fill", args=[fill.pk])).content.decode()
    link = f"{reverse('devices:test_own')}?fill={fill.pk}"
    assert link in page
    assert "20.08 升" in office.get(link).content.decode()
    typed = {"key": "k", "nozzle": nozzle.pk, "tested_at": "2026-04-22T09:00", "prover_l": "20",
             "tester": manager.pk, "witness": witness.pk, "fill_1": fill.pk, "standard_1": "20"}  # fmt: skip
    bad = office.post(link, {**typed, "standard_1": ""})
    assert bad.status_code == 422 and "请填标准量器示值" in bad.content.decode()
    assert office.post(link, {**typed, "witness": manager.pk}).status_code == 422
    where = office.post(link, typed).url
    assert office.post(link, typed).url == where
    test = MeterTest.objects.get()
    page = office.get(where).content.decode()
    for words in ("多计 0.400%", "先停用", reverse("sales:fill_claims", args=[fill.pk])):
        assert words in page
    claims = office.get(reverse("sales:fill_claims", args=[fill.pk])).content.decode()
    assert f"?nozzle={nozzle.number}" in claims and "登记检定回罐" in claims
    use_fill(
        fill=fill, kind="TEST", reason="自校", session=make.session(station), actor=witness,
        approver=manager, at=clock(),
    )  # fmt: skip
    claims = office.get(reverse("sales:fill_claims", args=[fill.pk])).content.decode()
    assert "检定回罐" in claims and "还没有收款" not in claims
    form = office.get(f"{reverse('devices:repair_new')}?test={test.number}").content.decode()
    assert machine.number in form and "误差 +0.40%" in form
    void = reverse("devices:test_void", args=[test.number])
    assert office.post(void, {"reason": ""}).status_code == 422
    assert make.signed_in(witness).post(void, {"reason": "x"}).status_code == 403
    assert office.post(void, {"reason": "填错"}).status_code == 302


def test_the_pages_of_verification_and_errors():
    nozzle = make.nozzle()
    station = nozzle.station
    office = make.signed_in(make.manager(station))
    form = reverse("devices:test_statutory")
    typed = {"key": "v", "nozzles": [nozzle.pk], "tested_at": "2026-04-22T09:00", "passed": "1",
             "institute": "计量院", "certificate_no": "JL1", "issued_on": "2026-04-22",
             "valid_until": "2026-10-01", "witness": make.cashier(station).pk}  # fmt: skip
    refused = office.post(form, typed)
    assert refused.status_code == 422 and "设备台账" in refused.content.decode()
    register.dispenser_of(nozzle)
    assert office.get(form, {"nozzle": nozzle.pk}).status_code == 200
    assert office.get(form, {"nozzle": "9" * 40}).status_code == 200
    where = office.post(form, typed).url
    assert office.post(form, typed).url == where
    series(nozzle, "0.00", "0.05", "0.10", "0.15")
    page = office.get(reverse("devices:nozzle_tests", args=[nozzle.pk])).content.decode()
    for words in ("误差曲线", "每月漂移 多计 0.051%", "到允许误差", "JD"):
        assert words in page
    assert "1 号枪" in office.get(reverse("devices:tests")).content.decode()
    for due in ("OWN", "STATUTORY", "junk"):
        assert office.get(reverse("devices:tests"), {"due": due}).status_code == 200
    exported = office.get(reverse("devices:tests"), {"export": "csv"})
    assert "多计".encode() in b"".join(exported.streaming_content)
    assert "自校" in office.get(reverse("devices:test_records")).content.decode()
    stranger = make.signed_in(make.stranger())
    assert stranger.get(where).status_code == 404
    assert stranger.get(reverse("devices:nozzle_tests", args=[nozzle.pk])).status_code == 404
    found = office.get(reverse("station:search"), {"q": "JL1"})
    assert found.status_code in {200, 302}


@pytest.mark.parametrize("rows", [1, 3])
@pytest.mark.parametrize("name", ["tests", "test_records"])
def test_lists_of_tests_stay_at_twelve_statements(rows, name, django_assert_max_num_queries):
    station = make.station()
    for _ in range(rows):
        register.own(make.nozzle(station))
    browser = make.signed_in(make.attendant(station))
    with django_assert_max_num_queries(12):
        browser.get(reverse(f"devices:{name}"))
