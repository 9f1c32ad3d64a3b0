import pytest

from station.models import Island
from tests import make
from tests.station.pages import href

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("sample_pages")]


@pytest.fixture
def station():
    return make.station()


@pytest.fixture
def client(station):
    return make.signed_in(make.manager(station))


def test_a_reference_table_is_listed_added_to_and_changed(client, station):
    assert "还没有加油岛" in client.get(href("islands")).text
    answer = client.post(href("islands-new"), {"number": 1, "name": "北岛"}, follow=True)
    assert "已保存加油岛「北岛」" in answer.text
    island = Island.objects.get()
    page = client.get(f"/t/islands/{island.pk}/").text
    assert "修改加油岛" in page and 'value="北岛"' in page
    client.post(f"/t/islands/{island.pk}/", {"number": 1, "name": "南岛"})
    assert Island.objects.get().name == "南岛"


def test_a_refusal_comes_back_in_the_form_and_nothing_typed_is_lost(client, station):
    make.island(station, 1)
    answer = client.post(href("islands-new"), {"number": 1, "name": "北岛"})
    assert answer.status_code == 422
    assert "1 号岛已经有了" in answer.text and 'value="北岛"' in answer.text
    assert answer.text.count("1 号岛已经有了") == 1
    assert client.post(href("islands-new"), {"number": "零"}).status_code == 422


def test_another_stations_rows_are_neither_listed_nor_opened(client):
    foreign = make.island(make.station(), 7)
    assert client.get(f"/t/islands/{foreign.pk}/").status_code == 404
    assert client.post(f"/t/islands/{foreign.pk}/", {"number": 8}).status_code == 404


def test_who_may_only_look_sees_no_button_and_changes_nothing(station):
    make.island(station, 1)
    client = make.signed_in(make.accountant(station))
    page = client.get(href("islands"))
    assert page.status_code == 200 and "新增" not in page.text and "data-href" not in page.text
    assert client.get(href("islands-new")).status_code == 403


def test_a_reference_table_exports_like_any_list(client, station):
    make.island(station, 1)
    answer = client.get(href("islands", export="csv"))
    assert b"".join(answer.streaming_content).decode("utf-8-sig").splitlines()[1] == "1,"
