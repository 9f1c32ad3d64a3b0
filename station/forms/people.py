"""Forms about people: who they are, what they are where, and why something is done about them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms
from django.core.validators import RegexValidator

from station.forms.layout import laid
from station.models.people import Role

ANYWHERE = "all"
Covers = tuple[int | None, str]


class RolesForm(forms.Form):
    """One choice per station that the actor may grant at; empty means nothing there."""

    def __init__(
        self,
        *args: Any,
        grantable: Sequence[Covers],
        stations: Sequence[tuple[int, str]],
        **kwargs: Any,
    ) -> None:
        super().__init__(*args, **kwargs)
        places: list[tuple[int | None, str]] = [(None, "全部油站"), *stations]
        for place, name in places:
            roles = [role for at, role in grantable if at == place]
            if roles:
                self.fields[self.key(place)] = forms.ChoiceField(
                    label=f"{name}的角色" if place else "在全部油站的角色",
                    required=False,
                    choices=[("", "（无）"), *((role, Role(role).label) for role in roles)],
                )
        self.helper = laid(*self.fields)

    @staticmethod
    def key(place: int | None) -> str:
        return f"role_{place or ANYWHERE}"

    def roles(self) -> list[Covers]:
        chosen = []
        for name, role in self.cleaned_data.items():
            if name.startswith("role_") and role:
                place = name.removeprefix("role_")
                chosen.append((None if place == ANYWHERE else int(place), role))
        return chosen


class PersonForm(RolesForm):
    """A new account."""

    username = forms.CharField(
        label="账号",
        max_length=40,
        validators=[
            RegexValidator(
                r"^[A-Za-z0-9][A-Za-z0-9._-]+$", "账号用字母、数字、点、横线，至少两位。"
            )
        ],
        help_text="登录时输入，例如姓名拼音；定了以后不能改。",
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )
    name = forms.CharField(label="姓名", max_length=40)


class RenameForm(RolesForm):
    """Name and roles of somebody."""

    name = forms.CharField(label="姓名", max_length=40)


class ReasonForm(forms.Form):
    """Why: it goes into the audit."""

    helper = laid("reason")
    reason = forms.CharField(
        label="原因", max_length=200, widget=forms.TextInput(attrs={"autocomplete": "off"})
    )


class PeopleFilter(forms.Form):
    """What the list of people is narrowed by."""

    name = forms.CharField(label="姓名或账号", required=False, max_length=40)
    role = forms.ChoiceField(label="角色", required=False, choices=[("", "全部"), *Role.choices])
    active = forms.ChoiceField(
        label="状态",
        required=False,
        initial="1",
        choices=[("", "全部"), ("1", "在用"), ("0", "停用")],
    )
