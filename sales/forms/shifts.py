"""Forms of the shift: its crew, the handover, tanks, explanations, signatures, corrections."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django import forms

from sales.models import ShiftExplanation
from sales.queries.corrections import Subject
from station.forms.controls import LitresInput
from station.forms.layout import laid
from station.models import Crew, Island, User

NOBODY = ""
PIN = {"autocomplete": "off", "inputmode": "numeric"}


def named(people: Iterable[User]) -> list[tuple[str, str]]:
    """People as choices by account."""
    return [(one.username, one.name) for one in people]


@dataclass(frozen=True)
class Place:
    """One person of the crew as the form says it."""

    user: User
    post: str
    island: Island | None


class CrewForm(forms.Form):
    """Who is on duty: the leader, and for each other person a post or nothing."""

    leader = forms.ChoiceField(label="班长")

    def __init__(
        self,
        *args: Any,
        people: Sequence[User],
        islands: Sequence[Island],
        crew: Sequence[Crew] = (),
        leader_label: str = "班长",
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.people, self.islands = people, islands
        self.fields["leader"].label = leader_label
        self.fields["leader"].choices = named(people)  # type: ignore[attr-defined]
        posts = {row.user_id: row for row in crew}
        choices = [
            (NOBODY, "不当班"),
            (Crew.Post.CASHIER.value, "收银员"),
            *((f"{Crew.Post.ATTENDANT.value}:{one.pk}", f"加油员 {one}") for one in islands),
            (f"{Crew.Post.ATTENDANT.value}:", "加油员 全场"),
        ]
        for person in people:
            self.fields[f"post_{person.pk}"] = forms.ChoiceField(
                label=person.name,
                choices=choices,
                required=False,
                initial=_post(posts.get(person.pk), islands),
            )
        self.helper = laid(*self.fields)

    @property
    def posts(self) -> list[forms.BoundField]:
        """One select per person."""
        return [self[f"post_{person.pk}"] for person in self.people]

    @property
    def chosen_leader(self) -> User:
        return next(one for one in self.people if one.username == self.cleaned_data["leader"])

    @property
    def places(self) -> list[Place]:
        """The crew besides the leader."""
        by_id = {str(one.pk): one for one in self.islands}
        found = []
        for person in self.people:
            post, _, island = str(self.cleaned_data.get(f"post_{person.pk}") or "").partition(":")
            if post and person != self.chosen_leader:
                found.append(Place(person, post, by_id.get(island)))
        return found


def _post(row: Crew | None, islands: Sequence[Island]) -> str:
    if row is None or row.post == Crew.Post.LEADER:
        return NOBODY
    if row.post == Crew.Post.ATTENDANT:
        known = any(one.pk == row.island_id for one in islands)  # an island may be closed since
        return f"{row.post}:{row.island_id if known else ''}"
    return row.post


class OpenForm(CrewForm):
    """The very first shift."""

    name = forms.ChoiceField(label="班名")

    def __init__(self, *args: Any, names: Sequence[str], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["name"].choices = [(name, name) for name in names]  # type: ignore[attr-defined]


class HandoverForm(OpenForm):
    """交班: the next shift, its leader and crew, and whether the day ends here."""

    ends_day = forms.BooleanField(
        label="本班是当天最后一班，交班后开始下一个营业日",
        required=False,
    )


class ExplainForm(forms.Form):
    """One reason for everything a nozzle has left."""

    nozzle = forms.IntegerField(widget=forms.HiddenInput)
    reason = forms.ChoiceField(label="原因", choices=ShiftExplanation.Reason.choices)
    note = forms.CharField(label="说明（选“其他”必填）", max_length=200, required=False)


class DipForm(forms.Form):
    """交班罐存: heights from the stick, or litres as the gauge reads them."""

    total_height_mm = forms.IntegerField(
        label="油水总高(mm)",
        min_value=0,
        max_value=9999,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    water_height_mm = forms.IntegerField(
        label="水高(mm)",
        min_value=0,
        max_value=9999,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "numeric", "autocomplete": "off"}),
    )
    temp_c = forms.DecimalField(
        label="油温(℃)",
        min_value=-40,
        max_value=70,
        decimal_places=2,
        required=False,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
    )
    net_l = LitresInput(label="或净油体积(升)", min_value=0, required=False)
    gauge = forms.IntegerField(required=False, widget=forms.HiddenInput)

    def clean(self) -> dict[str, Any]:
        said = super().clean() or self.cleaned_data
        if said.get("total_height_mm") is None and said.get("net_l") is None and not self.errors:
            raise forms.ValidationError("请填写油水总高，或直接填写净油体积。")
        return said


class CloseForm(forms.Form):
    """班结: words for tanks, then the signatures."""

    giver_secret = forms.CharField(
        label="交班人口令",
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs=PIN),
    )
    receiver_secret = forms.CharField(
        label="接班人口令",
        max_length=128,
        strip=False,
        widget=forms.PasswordInput(attrs=PIN),
    )
    approver = forms.ChoiceField(label="审核人", required=False)
    approver_secret = forms.CharField(
        label="审核人口令",
        max_length=128,
        strip=False,
        required=False,
        widget=forms.PasswordInput(attrs=PIN),
    )

    def __init__(
        self,
        *args: Any,
        approvers: Sequence[User],
        tanks: Sequence[tuple[int, str]] = (),
        giver: str = "",
        receiver: str = "",
        needs_approver: bool = False,
        **options: Any,
    ) -> None:
        super().__init__(*args, **options)
        self.tanks = tanks
        self.fields["giver_secret"].label = f"交班人 {giver} 的口令"
        self.fields["receiver_secret"].label = f"接班人 {receiver} 的口令"
        self.fields["approver"].choices = [("", "请选择"), *named(approvers)]  # type: ignore[attr-defined]
        if needs_approver:
            self.fields["approver"].required = True
            self.fields["approver_secret"].required = True
        else:
            del self.fields["approver"], self.fields["approver_secret"]
        for key, label in tanks:
            self.fields[f"tank_{key}"] = forms.CharField(label=label, max_length=200)
        self.order_fields(sorted(self.fields, key=lambda name: not name.startswith("tank_")))
        self.helper = laid(*self.fields)

    @property
    def tank_reasons(self) -> dict[int, str]:
        return {key: str(self.cleaned_data.get(f"tank_{key}", "")) for key, _ in self.tanks}


class CorrectForm(forms.Form):
    """订正: what was wrong, what it should be, why."""

    subject = forms.ChoiceField(label="订正项目")
    value = forms.DecimalField(
        label="应为",
        max_digits=14,
        decimal_places=3,
        widget=forms.TextInput(attrs={"inputmode": "decimal", "autocomplete": "off"}),
        help_text="升数三位小数，金额两位小数；原值由系统带出。",
    )
    reason = forms.CharField(label="原因", max_length=200)

    def __init__(self, *args: Any, subjects: Sequence[Subject], **options: Any) -> None:
        super().__init__(*args, **options)
        self.fields["subject"].choices = [  # type: ignore[attr-defined]
            (one.key, f"{one.label}：现为 {one.current} {one.unit}") for one in subjects
        ]
        self.helper = laid("subject", "value", "reason")
