"""Forms about what the floors leave behind: audit, alerts, jobs, attachments, settings."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from django import forms

from station.forms.controls import DayField
from station.forms.layout import laid
from station.models import Alert, Job
from station.queries.audit import ACTIONS
from station.queries.figures import Kind
from station.queries.settings import Value


class AuditFilter(forms.Form):
    """What the audit log is searched by."""

    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)
    actor = forms.CharField(label="操作人", required=False, max_length=40)
    action = forms.ChoiceField(
        label="动作",
        required=False,
        choices=[("", "全部"), *sorted(ACTIONS.items(), key=lambda one: one[1])],
    )
    document = forms.CharField(label="单据", required=False, max_length=60)


class AlertFilter(forms.Form):
    """Which alerts are shown; without a choice those that live."""

    status = forms.ChoiceField(
        label="状态",
        required=False,
        choices=[("", "未处理"), *Alert.Status.choices, ("ALL", "全部")],
    )
    level = forms.ChoiceField(
        label="级别", required=False, choices=[("", "全部"), *Alert.Level.choices]
    )


class InboxFilter(forms.Form):
    """All messages, or those not read."""

    unread = forms.ChoiceField(label="状态", required=False, choices=[("", "全部"), ("1", "未读")])


class WordForm(forms.Form):
    """What was done about an alert."""

    helper = laid("word")
    word = forms.CharField(
        label="怎么处理的",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs={"autocomplete": "off"}),
    )


class JobFilter(forms.Form):
    """Which jobs are shown."""

    status = forms.ChoiceField(
        label="状态", required=False, choices=[("", "全部"), *Job.Status.choices]
    )


class UploadForm(forms.Form):
    """A file for a document."""

    helper = laid("file")
    document = forms.CharField(max_length=60, widget=forms.HiddenInput)
    file = forms.FileField(
        label="附件", help_text="照片或 PDF，最大 10 MB。", widget=forms.FileInput()
    )


class SettingsForm(forms.Form):
    """Every declared figure with its unit and where it comes from."""

    def __init__(self, *args: Any, values: Sequence[Value], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for value in values:
            line = value.declared
            mode = {} if line.kind == Kind.TEXT else {"inputmode": "decimal"}
            self.fields[line.name] = forms.CharField(
                label=f"{line.title}（{line.unit}）" if line.unit else line.title,
                initial=value.text,
                max_length=200,
                help_text=f"默认 {line.default}。依据：{line.source}",
                widget=forms.TextInput(attrs={"autocomplete": "off", **mode}),
            )
        self.helper = laid(*self.fields)
