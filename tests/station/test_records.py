"""What the floors leave behind: audit, alerts, jobs, attachments, settings."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import date

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.db import DatabaseError, connection, transaction
from django.test import override_settings

from station.models import Alert, Attachment, AuditEntry, Job, Setting
from station.queries import settings as table
from station.queries.audit import history_of
from station.services import alerts, attachments, audit, jobs
from station.services import settings as figures
from tests import make

pytestmark = pytest.mark.django_db


def note(station=None, actor=None, document="S1", **more):
    audit.record(
        at=make.NOW, actor=actor, action="sales.refund", station=station, document=document, **more
    )


# --------------------------------------------------------------------------------- audit


@pytest.mark.req("SEC-08")
@pytest.mark.parametrize(
    "sql",
    [
        "UPDATE station_auditentry SET reason = 'x'",
        "DELETE FROM station_auditentry",
        "TRUNCATE station_auditentry",
        "TRUNCATE station_station CASCADE",
        "UPDATE station_auditentry SET actor_id = NULL",
    ],
)
def test_the_database_refuses_to_change_or_delete_an_audit_entry(sql):
    note()
    with (
        pytest.raises(DatabaseError, match="append-only"),
        transaction.atomic(),
        connection.cursor() as cursor,
    ):  # what is pending forbids TRUNCATE by itself
        cursor.execute(f"SET CONSTRAINTS ALL IMMEDIATE; {sql}")
    assert AuditEntry.objects.count() == 1


@pytest.mark.req("SEC-08")
def test_an_act_that_fails_leaves_no_audit():
    def act() -> None:
        with transaction.atomic():
            note()
            raise RuntimeError

    with pytest.raises(RuntimeError):
        act()
    assert not AuditEntry.objects.exists()


@pytest.mark.req("SEC-08")
def test_the_audit_is_searched_by_person_act_document_and_day():
    station = make.station()
    li, sun = make.cashier(station), make.attendant(station)
    note(station, li, "SALE-1", reason="顾客退货", before={"金额": "20.00"}, after={"金额": "0.00"})
    note(station, sun, "SALE-2")
    audit.record(at=make.at(9, day=date(2026, 4, 20)), actor=li, action="export", station=station)
    client = make.signed_in(make.accountant(station))

    def found(**query: str) -> str:
        return client.get("/audit/", query).content.decode()

    page = found()
    assert "金额：20.00 → 0.00" in page
    assert "顾客退货" in page
    assert "SALE-2" not in found(actor="Li")
    assert "SALE-1" not in found(document="SALE-2")
    assert "SALE-1" not in found(action="export")
    assert "SALE-1" not in found(until="2026-04-21")
    assert "SALE-1" in found(since="2026-04-22", until="2026-04-22")


@pytest.mark.req("SEC-15")
def test_the_audit_of_another_station_is_not_seen():
    station, other = make.station(), make.station()
    note(other, document="OTHER-1")
    note(None, document="NOBODY-1")
    page = make.signed_in(make.manager(station)).get("/audit/").content.decode()
    assert "OTHER-1" not in page
    assert "NOBODY-1" not in page
    page = make.signed_in(make.owner()).get("/audit/").content.decode()
    assert "OTHER-1" in page
    assert "NOBODY-1" in page


@pytest.mark.req("SEC-08")
def test_the_audit_is_exported_as_filtered():
    station = make.station()
    note(station, document="S1")
    note(station, document="S2")
    answer = make.signed_in(make.accountant(station)).get(
        "/audit/", {"document": "S2", "export": "csv"}
    )
    text = b"".join(answer.streaming_content).decode("utf-8-sig")
    assert "S2" in text
    assert "S1" not in text


def test_a_documents_history_is_told_newest_first_in_words():
    li = make.cashier(make.station())
    note(None, li, "S9", reason="一")
    note(None, li, "S9", reason="二")
    note(None, li, "S8")
    history = history_of("S9")
    assert [(entry.label, entry.reason) for entry in history] == [("退款", "二"), ("退款", "一")]


def test_the_history_tag_shows_them_on_any_page(rf):
    from django.template import Context, Template

    note(document="S9", reason="抹零")
    text = Template("{% load history %}{% history number %}").render(Context({"number": "S9"}))
    assert "抹零" in text
    assert "退款" in text


# -------------------------------------------------------------------------------- alerts


def raised(station, text="2 号罐液位低", level="WARNING"):
    alerts.raise_alert(
        station=station, key="tank:2:low", kind="tank", level=level, text=text, at=make.NOW
    )
    return Alert.objects.order_by("-id").first()


def test_an_alert_is_raised_once_and_counted_after():
    station = make.station()
    raised(station)
    alert = raised(station, "2 号罐液位更低", "CRITICAL")
    assert Alert.objects.count() == 1
    assert (alert.count, alert.text, alert.level) == (2, "2 号罐液位更低", "CRITICAL")


@pytest.mark.django_db(transaction=True)
def test_two_workers_that_raise_it_at_once_raise_it_once():
    station = make.station()
    gate = threading.Barrier(4)

    def work() -> None:
        gate.wait()
        raised(station)
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert list(Alert.objects.values_list("count", flat=True)) == [4]


def test_what_has_passed_is_cleared_and_may_come_again():
    station = make.station()
    raised(station)
    assert alerts.clear_alert(station=station, key="tank:2:low", at=make.NOW)
    assert not alerts.clear_alert(station=station, key="tank:2:low", at=make.NOW)
    raised(station)
    assert list(Alert.objects.order_by("id").values_list("status", flat=True)) == [
        "CLEARED",
        "OPEN",
    ]


def test_an_alert_is_taken_in_hand_and_handled_with_a_word():
    station = make.station()
    alert = raised(station)
    client = make.signed_in(make.attendant(station))
    assert "2 号罐液位低" in client.get("/alerts/").content.decode()
    assert 'aria-label="待处理 1 项"' in client.get("/account/").content.decode()
    client.post(f"/alerts/{alert.pk}/see/")
    alert.refresh_from_db()
    assert alert.status == "SEEN"
    assert client.post(f"/alerts/{alert.pk}/handle/", {"word": " "}).status_code == 422
    assert client.post(f"/alerts/{alert.pk}/handle/", {"word": "已叫油"}).status_code == 302
    alert.refresh_from_db()
    assert (alert.status, alert.word) == ("HANDLED", "已叫油")
    assert client.post(f"/alerts/{alert.pk}/handle/", {"word": "再来"}).status_code == 422
    assert client.post(f"/alerts/{alert.pk}/see/").status_code == 409
    assert [entry.label for entry in history_of(f"alert:{alert.pk}")] == ["处理预警", "接手预警"]
    assert "2 号罐液位低" not in client.get("/alerts/").content.decode()
    assert "2 号罐液位低" in client.get("/alerts/?status=HANDLED").content.decode()


@pytest.mark.req("SEC-15")
def test_an_alert_of_another_station_is_not_found():
    alert = raised(make.station())
    client = make.signed_in(make.manager(make.station()))
    assert client.get(f"/alerts/{alert.pk}/").status_code == 404
    assert "液位低" not in client.get("/alerts/?status=ALL").content.decode()


# ---------------------------------------------------------------------------------- jobs


def count_up(*, job: Job, at: object) -> Mapping[str, object]:
    jobs.report(job, done=3, total=5, step="第三步")
    return {"href": "/account/", "label": "看结果"}


def fail(*, job: Job, at: object) -> None:
    raise ValueError("第 7 行：没有这个油品")


JOBS = {
    "count": ("数一数", "tests.station.test_records.count_up"),
    "fail": ("不成", "tests.station.test_records.fail"),
}


@override_settings(JOBS=JOBS)
def test_a_job_is_asked_for_run_and_shown_with_its_progress():
    station = make.station()
    wang = make.manager(station)
    job = jobs.start(kind="count", station=station, asked_by=wang, at=make.NOW)
    client = make.signed_in(wang)
    assert "正在处理" in client.get(f"/jobs/{job.pk}/progress/").content.decode()
    assert jobs.run_next(at=make.NOW) == job
    assert jobs.run_next(at=make.NOW) is None
    part = client.get(f"/jobs/{job.pk}/progress/").content.decode()
    assert "已完成" in part
    assert "看结果" in part
    assert "hx-trigger" not in part
    job.refresh_from_db()
    assert (job.status, job.done, job.total) == ("DONE", 3, 5)
    assert "数一数" in client.get("/jobs/").content.decode()


@override_settings(JOBS=JOBS)
def test_a_job_that_fails_is_tried_three_times_and_says_why():
    station = make.station()
    wang = make.manager(station)
    job = jobs.start(kind="fail", station=station, asked_by=wang, at=make.NOW)
    for _ in range(3):
        with pytest.raises(ValueError, match="第 7 行"):
            jobs.run_next(at=make.NOW)
    assert jobs.run_next(at=make.NOW) is None
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("FAILED", 3)
    assert "没有这个油品" in make.signed_in(wang).get(f"/jobs/{job.pk}/").content.decode()


@override_settings(JOBS=JOBS)
def test_a_job_left_by_a_dead_worker_is_taken_up_again():
    job = jobs.start(kind="count", station=None, asked_by=None, at=make.NOW)
    Job.objects.filter(pk=job.pk).update(status="RUNNING", attempts=1)
    assert jobs.run_next(at=make.NOW) == job
    job.refresh_from_db()
    assert (job.status, job.attempts) == ("DONE", 2)


@override_settings(JOBS=JOBS)
@pytest.mark.django_db(transaction=True)
def test_a_job_is_run_by_one_worker_at_a_time():
    job = jobs.start(kind="count", station=None, asked_by=None, at=make.NOW)
    taken: list[Job | None] = []
    with jobs._held(job) as mine:
        assert mine

        def other() -> None:
            taken.append(jobs.run_next(at=make.NOW))
            connection.close()

        thread = threading.Thread(target=other)
        thread.start()
        thread.join()
    assert taken == [None]
    assert jobs.run_next(at=make.NOW) == job


def test_a_kind_that_nobody_runs_is_a_mistake_of_the_code():
    with pytest.raises(jobs.NoSuchJob):
        jobs.start(kind="nothing", station=None, asked_by=None, at=make.NOW)


# --------------------------------------------------------------------------- attachments

JPEG = b"\xff\xd8\xff\xe0" + b"photo" * 50


def upload(content: bytes = JPEG, name: str = "车牌.jpg") -> SimpleUploadedFile:
    return SimpleUploadedFile(name, content, content_type="image/jpeg")


@pytest.fixture
def media(tmp_path):
    with override_settings(MEDIA_ROOT=tmp_path):
        yield tmp_path


def test_a_photo_is_kept_with_its_digest_and_given_back(media):
    station = make.station()
    client = make.signed_in(make.cashier(station))
    answer = client.post(
        "/attachments/", {"document": "DO1", "file": upload(), "next": "/account/"}
    )
    assert answer["Location"] == "/account/"
    row = Attachment.objects.get()
    assert (row.document, row.content_type, row.size, len(row.sha256)) == (
        "DO1",
        "image/jpeg",
        len(JPEG),
        64,
    )
    got = client.get(f"/attachments/{row.pk}/")
    assert b"".join(got.streaming_content) == JPEG
    assert got["X-Content-Type-Options"] == "nosniff"
    assert AuditEntry.objects.filter(action="station.attachment.added").count() == 1


def test_the_same_file_twice_is_one_attachment(media):
    station = make.station()
    li = make.cashier(station)
    for _ in range(2):
        attachments.add(station=station, document="DO1", upload=upload(), at=make.NOW, actor=li)
    assert Attachment.objects.count() == 1


@pytest.mark.parametrize(
    ("content", "why"),
    [
        (b"<html><script>alert(1)</script>", "只收照片"),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "只收照片"),
        (b"", "空"),
        (JPEG + b"x" * attachments.LARGEST, "10 MB"),
    ],
)
def test_what_is_no_picture_or_too_large_is_refused(media, content, why):
    station = make.station()
    with pytest.raises(attachments.NotAccepted, match=why):
        attachments.add(
            station=station,
            document="DO1",
            upload=upload(content),
            at=make.NOW,
            actor=make.cashier(station),
        )
    assert not Attachment.objects.exists()


@pytest.mark.req("SEC-15")
def test_an_attachment_of_another_station_is_not_found(media):
    station = make.station()
    row = attachments.add(
        station=station,
        document="DO1",
        upload=upload(),
        at=make.NOW,
        actor=make.cashier(station),
    )
    assert make.signed_in(make.stranger()).get(f"/attachments/{row.pk}/").status_code == 404


# ------------------------------------------------------------------------------ settings


@pytest.mark.req("SEC-08")
def test_a_figure_is_changed_on_the_page_and_audited():
    station, other = make.station(), make.station()
    client = make.signed_in(make.manager(station))
    assert "依据" in client.get("/settings/").content.decode()
    given = {value.declared.name: value.text for value in table.values(station)}
    given["sales.over_short_limit"] = "20.5"
    assert client.post("/settings/", given).status_code == 302
    assert table.yuan("sales.over_short_limit", station) == figures.get(
        "sales.over_short_limit", station
    )
    assert str(table.yuan("sales.over_short_limit", station)) == "20.5"
    assert str(table.yuan("sales.over_short_limit", other)) == "10.00"
    entry = AuditEntry.objects.get(action="station.setting.changed")
    assert list(entry.before.values()) == ["10.00"]
    assert list(entry.after.values()) == ["20.5"]
    client.post("/settings/", given)
    assert Setting.objects.count() == 1


@pytest.mark.parametrize("value", ["", "abc", "-1", "1.234", "NaN", "Infinity"])
def test_a_figure_that_is_none_is_refused_beside_its_field(value):
    station = make.station()
    given = {one.declared.name: one.text for one in table.values(station)}
    given["sales.over_short_limit"] = value
    answer = make.signed_in(make.manager(station)).post("/settings/", given)
    assert answer.status_code == 422
    assert answer.context["form"].errors["sales.over_short_limit"]
    assert not Setting.objects.exists()


def test_every_declared_default_is_a_value_of_its_kind():
    station = make.station()
    for line in table.DECLARED:
        assert line.source
        figures.change(
            name=line.name, station=station, value=line.default, at=make.NOW, actor=make.owner()
        )
    assert not Setting.objects.exists()
