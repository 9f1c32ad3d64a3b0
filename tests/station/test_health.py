"""运行状况 for machines and for the manager."""

from datetime import timedelta

import pytest
import redis
from django.core.cache import cache
from django.db import connection

from station.models import Job
from station.queries import health as queries
from station.services import heartbeat
from station.tasks import heartbeat as heartbeat_task
from tests import make

CORE = ["station.queries.health.core_checks"]

pytestmark = pytest.mark.req("SEC-14")


@pytest.fixture(autouse=True)
def _core_only(settings, tmp_path):
    settings.HEALTH = CORE
    settings.VAR_DIR = tmp_path
    cache.clear()


def state_of(name, at=make.NOW):
    return {check.name: check for check in queries.checks(at=at)}[name]


@pytest.mark.django_db
def test_machines_read_every_part_without_signing_in(client):
    heartbeat_task()
    answer = client.get("/healthz")
    assert answer.status_code == 200
    body = answer.json()
    assert body["state"] == "OK"
    assert {name: part["state"] for name, part in body["checks"].items()} == {
        "database": "OK",
        "broker": "OK",
        "worker": "OK",
        "jobs": "OK",
        "disk": "OK",
        "backup": "OK",
    }
    assert body["checks"]["broker"]["figure"] == 0
    assert "no-store" in answer["Cache-Control"]


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("seconds", "state"),
    [(20, queries.State.OK), (60, queries.State.WARNING), (600, queries.State.FAILED)],
)
def test_the_lag_of_the_background_work_is_told(seconds, state):
    heartbeat.beat(at=make.NOW - timedelta(seconds=seconds))
    check = state_of("worker")
    assert (check.state, check.figure) == (state, seconds)


@pytest.mark.django_db
def test_a_worker_that_never_lived_is_a_warning():
    assert state_of("worker").state is queries.State.WARNING


@pytest.mark.django_db
def test_failed_jobs_and_the_depth_of_the_queue_are_counted():
    for status in ("WAITING", "WAITING", "FAILED"):
        Job.objects.create(kind="export", asked_at=make.NOW, status=status)
    check = state_of("jobs")
    assert check.state is queries.State.WARNING
    assert check.detail == "2 个排队，1 个失败"


@pytest.mark.django_db
def test_a_full_disk_is_told(monkeypatch):
    usage = type("Usage", (), {"total": 100 * 1024**3, "free": 2 * 1024**3})
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage)
    check = state_of("disk")
    assert check.state is queries.State.FAILED
    assert check.detail == "剩余 2 GB（2%）"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("name", "state", "detail"),
    [
        ("20260421-034000", queries.State.OK, "最近一次在 30 小时前"),
        ("20260420-034000", queries.State.WARNING, "最近一次在 54 小时前"),
        ("20260422-094000.unfinished", queries.State.WARNING, "还没有备份"),
    ],
)
def test_a_night_without_a_backup_is_told(settings, tmp_path, name, state, detail):
    settings.VAR_DIR, settings.PRODUCTION = tmp_path, True
    folder = tmp_path / "backups" / name
    folder.mkdir(parents=True)
    if not name.endswith("unfinished"):
        (folder / "manifest.json").write_text("{}")
    check = state_of("backup")
    assert (check.state, check.detail) == (state, detail)


@pytest.mark.django_db
def test_a_broker_that_is_away_is_a_finding_and_not_a_crash(client, monkeypatch):
    def away(**kwargs):
        raise redis.ConnectionError("connection refused")

    monkeypatch.setattr("station.celery.app.connection_for_read", away)
    answer = client.get("/healthz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["broker"]["state"] == "FAILED"
    assert answer.json()["checks"]["database"]["state"] == "OK"


@pytest.mark.django_db(transaction=True)
def test_a_database_that_is_away_is_a_finding_and_not_a_crash(client):
    host = connection.settings_dict["OPTIONS"].get("host")
    connection.close()
    connection.settings_dict["OPTIONS"]["host"] = "/nowhere"
    try:
        answer = client.get("/healthz")
    finally:
        connection.settings_dict["OPTIONS"]["host"] = host
        connection.close()
    assert answer.status_code == 503
    parts = answer.json()["checks"]
    assert parts["database"]["state"] == "FAILED"
    assert parts["broker"]["state"] == "OK"


@pytest.mark.django_db
def test_a_provider_that_is_missing_is_a_finding(settings):
    settings.HEALTH = ["station.queries.health.nothing_here"]
    (check,) = queries.checks(at=make.NOW)
    assert check.state is queries.State.FAILED
    assert queries.worst([check]) is queries.State.FAILED


@pytest.mark.django_db
def test_the_manager_sees_the_same_on_a_page():
    station = make.station()
    heartbeat.beat(at=make.NOW)
    page = make.signed_in(make.manager(station)).get("/health/")
    assert page.status_code == 200
    text = page.content.decode()
    for title in ("数据库", "消息队列", "后台任务", "长任务", "磁盘", "备份"):
        assert title in text
    part = make.signed_in(make.manager(station)).get("/health/", HTTP_HX_REQUEST="true")
    assert "<html" not in part.content.decode()


@pytest.mark.django_db
def test_a_cashier_does_not_see_the_page():
    assert make.signed_in(make.cashier(make.station())).get("/health/").status_code == 403
