"""Django's `migrate`, which draws anew only the model that an operation changes."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

from django.core.management.commands import migrate
from django.db.migrations.state import ProjectState

ModelKey = tuple[str, str]


class Command(migrate.Command):
    def handle(self, *args: Any, **options: Any) -> None:
        with only_what_changes():
            super().handle(*args, **options)


@contextmanager
def only_what_changes() -> Iterator[None]:
    """Draw the changed model alone, as long as nobody asks how the models hang together.

    Django draws every model that is related to the changed one, for each constraint and column
    again. Here all are related, by way of station and user, and a new database took a minute. A
    model, a column, a constraint or an index that is added asks for its own table only. What alters
    a column that others refer to, or renames one, gets all models anew; a step in Python does too,
    by Django's own care for a state that is marked as delayed.
    """
    find = getattr(ProjectState, "_find_reload_model")  # noqa: B009  not in the stubs
    add_field = ProjectState.add_field
    adding: list[bool] = []

    def found(
        state: ProjectState, app_label: str, model_name: str, delay: bool = False
    ) -> set[ModelKey]:
        if delay or adding or model_name not in state.apps.all_models[app_label]:
            state.is_delayed = True
            return {(app_label, model_name)}
        if not state.is_delayed:
            return set(find(state, app_label, model_name, delay))
        state.is_delayed = False
        return {*state.models, *((one.app_label, one.name_lower) for one in state.apps.real_models)}

    def field_added(state: ProjectState, *args: Any, **named: Any) -> None:
        adding.append(True)
        try:
            add_field(state, *args, **named)
        finally:
            adding.pop()

    with (
        patch.object(ProjectState, "_find_reload_model", found),
        patch.object(ProjectState, "add_field", field_added),
    ):
        yield
