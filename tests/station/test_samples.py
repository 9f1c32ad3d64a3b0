"""The samples of the page kinds draw themselves; how they look is for tests/browser."""

import pytest

from station.views import ui
from tests import make

pytestmark = pytest.mark.django_db


@pytest.fixture
def client(settings):
    settings.ROOT_URLCONF = "tests.browser.pages"
    return make.signed_in(make.manager(make.station()))


@pytest.mark.parametrize("kind", ui._KINDS)
def test_every_sample_is_drawn_as_its_kind(client, kind):
    answer = client.get(f"/ui/{kind}/")
    assert answer.status_code == (422 if kind == "form" else 200)
    assert f'class="kind-{"list" if kind == "empty" else kind} "' in answer.text


def test_there_is_no_sample_of_another_name(client):
    assert client.get("/ui/nothing/").status_code == 404


@pytest.mark.parametrize("ending", ["csv", "xlsx", "pdf"])
def test_the_sample_report_is_exported(client, ending):
    answer = client.get(f"/ui/report/?export={ending}")
    assert answer.status_code == 200 and len(answer.content) > 500
