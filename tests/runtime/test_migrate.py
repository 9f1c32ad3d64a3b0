"""A migration draws the model that it changes, and all of them where their ties are asked for."""

import pytest
from django.db import models
from django.db.migrations.state import ModelState, ProjectState

from station.management.commands.migrate import only_what_changes


@pytest.fixture
def state():
    """A tank with a number, and a dip that points at it by that number."""
    tied = models.ForeignKey("old.Tank", models.PROTECT, to_field="number")
    made = ProjectState()
    made.add_model(ModelState("old", "Tank", [("number", models.IntegerField(unique=True))]))
    made.add_model(ModelState("old", "Dip", [("id", models.AutoField(primary_key=True))]))
    made.add_field("old", "dip", "tank", tied, preserve_default=True)
    return made


def refers_to(state):
    return state.apps.get_model("old", "Dip")._meta.get_field("tank").remote_field.model


def add_name(state):
    state.add_field("old", "tank", "name", models.TextField(), preserve_default=True)


def drawn(state):
    return {name: state.apps.get_model("old", name) for name in ("Tank", "Dip")}


def test_a_new_column_draws_its_own_model_alone(state):
    with only_what_changes():
        before = drawn(state)
        add_name(state)
        after = drawn(state)
        assert after["Tank"]._meta.get_field("name")
        assert (after["Tank"] is before["Tank"], after["Dip"] is before["Dip"]) == (False, True)


def test_a_new_model_is_drawn_with_its_keys(state):
    with only_what_changes():
        tank = drawn(state)["Tank"]
        tied = models.ForeignKey("old.Tank", models.PROTECT)
        state.add_model(ModelState("old", "Leak", [("tank", tied)]))
        assert state.apps.get_model("old", "Leak")._meta.get_field("tank").related_model is tank


def test_a_column_that_others_refer_to_draws_them_all(state):
    with only_what_changes():
        drawn(state)
        add_name(state)
        state.alter_field("old", "tank", "number", models.BigIntegerField(unique=True), True)
        tank = drawn(state)["Tank"]
        assert refers_to(state) is tank
        assert [one.name for one in tank._meta.related_objects] == ["dip"]


def test_a_step_in_python_sees_how_they_hang_together(state):
    with only_what_changes():
        drawn(state)
        add_name(state)
        state.clear_delayed_apps_cache()  # as RunPython does
        assert refers_to(state) is drawn(state)["Tank"]


def test_afterwards_django_does_as_ever(state):
    with only_what_changes():
        pass
    drawn(state)
    add_name(state)
    assert refers_to(state) is drawn(state)["Tank"]
