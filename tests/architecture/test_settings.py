"""What settings name by dotted path or URL name is there."""

from __future__ import annotations

import inspect

import pytest
from celery import current_app
from django.conf import settings
from django.urls import NoReverseMatch, reverse
from django.utils.module_loading import import_string

from station.models.people import Role
from station.queries import settings as table

PROVIDERS = [*settings.SEARCH, *settings.HEALTH, *settings.GO_LIVE]


@pytest.mark.parametrize("path", PROVIDERS)
def test_every_provider_is_there(path):
    assert callable(import_string(path))


@pytest.mark.parametrize("path", settings.SEARCH)
def test_every_search_provider_takes_what_it_is_asked_with(path):
    assert set(inspect.signature(import_string(path)).parameters) == {"query", "user", "stations"}


@pytest.mark.parametrize("path", settings.GO_LIVE)
def test_every_go_live_check_takes_what_it_is_asked_with(path):
    assert set(inspect.signature(import_string(path)).parameters) == {"station", "at"}


def test_every_job_has_a_title_and_a_runner():
    for title, path in settings.JOBS.values():
        assert title
        assert {"job", "at"} <= set(inspect.signature(import_string(path)).parameters)


def test_every_beat_task_is_a_task():
    for name, entry in settings.CELERY_BEAT_SCHEDULE.items():
        task = import_string(str(entry["task"]))
        assert task.name == entry["task"], name
        assert entry["task"] in current_app.tasks


def names() -> list[str]:
    menu = [name for _, _, pages in settings.MENU for _, name in pages]
    home = [name for pages in settings.HOME.values() for name in pages]
    return [*dict.fromkeys([*menu, *home])]


@pytest.mark.parametrize("name", names())
def test_every_page_of_the_menu_is_there(name):
    try:
        reverse(name)
    except NoReverseMatch:
        pytest.fail(f"{name} stands in MENU or HOME, but no URL has that name")


def test_home_knows_only_roles_that_exist():
    assert set(settings.HOME) <= set(Role.values)


def test_declared_figures_have_names_of_their_floor_and_a_source():
    seen = [line.name for line in table.DECLARED]
    assert len(seen) == len(set(seen))
    for line in table.DECLARED:
        assert line.name.split(".")[0] in settings.INSTALLED_APPS
        assert line.title
        assert line.source
