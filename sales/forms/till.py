"""What is typed at the till besides the ticket itself."""

from __future__ import annotations

from decimal import Decimal
from typing import Any, TypeVar

from django import forms

from members.models import Member
from sales.models import Tender
from sales.queries.tickets import plain
from station.errors import Refusal
from station.models import Nozzle, Station

FormT = TypeVar("FormT", bound=forms.Form)


class Mistyped(Refusal):
    """A field of a form is empty or no figure."""


def checked(form: FormT) -> dict[str, Any]:
    """The cleaned data; refuses Mistyped with the first mistake in words."""
    if type(form.data) is dict:  # a till's JSON, whose figures need not come as text
        told = form.data.items()
        form.data = {name: "" if value is None else plain(value) for name, value in told}
    form.is_bound = True  # sent with nothing in it, it lacks what it must have
    if form.is_valid():
        return form.cleaned_data
    name, errors = next(iter(form.errors.items()))
    label = form.fields[name].label if name in form.fields else ""
    raise Mistyped(f"{label}：{errors[0]}" if label else str(errors[0]))


class YuanInput(forms.DecimalField):
    """An amount in yuan to the fen."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", Decimal("0.01"))
        super().__init__(label=label, max_digits=9, decimal_places=2, **kwargs)


class LitresInput(forms.DecimalField):
    """Litres to the millilitre."""

    def __init__(self, label: str, **kwargs: Any) -> None:
        kwargs.setdefault("min_value", Decimal("0.001"))
        super().__init__(label=label, max_digits=14, decimal_places=3, **kwargs)


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label="原因", max_length=200)


class BasketVoidForm(ReasonForm):
    """A basket thrown away."""

    lines = forms.IntegerField(label="行数", min_value=0)
    total = YuanInput("金额", min_value=Decimal(0))


class ParkForm(forms.Form):
    """What a basket is put aside as."""

    label = forms.CharField(label="备注", max_length=40, required=False)
    total = YuanInput("金额", min_value=Decimal(0))


class _AtStation(forms.Form):
    """A form whose nozzles are the station's own."""

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "nozzle" in self.fields:
            nozzles = Nozzle.objects.select_related("station", "tank__grade")
            self.fields["nozzle"].queryset = nozzles.filter(  # type: ignore[attr-defined]
                station=station, active=True
            )


class PrepayForm(_AtStation):
    """An advance for a nozzle."""

    key = forms.CharField(label="键", max_length=60)
    nozzle = forms.ModelChoiceField(label="油枪", queryset=Nozzle.objects.none())
    amount = YuanInput("预付金额")
    tender = forms.ModelChoiceField(
        label="付款方式",
        queryset=Tender.objects.filter(active=True).exclude(kind=Tender.Kind.VALUE),
        to_field_name="code",
    )
    reference = forms.CharField(label="凭证号", max_length=60, required=False)
    plate = forms.CharField(label="车牌", max_length=12, required=False)
    member = forms.ModelChoiceField(
        label="会员", queryset=Member.objects.exclude(status=Member.Status.CLOSED), required=False
    )


class PrepayMoveForm(_AtStation):
    """Another nozzle for a prepay."""

    nozzle = forms.ModelChoiceField(label="油枪", queryset=Nozzle.objects.none())


class PrepayRefundForm(forms.Form):
    """How a prepay's rest was paid out."""

    reference = forms.CharField(label="退款凭证号", max_length=60, required=False)


class UseForm(ReasonForm):
    """A pump test or own use."""

    kind = forms.ChoiceField(label="用途", choices=[("TEST", "检定回罐"), ("OWN_USE", "自用")])


class DriveOffForm(forms.Form):
    """A car that left without paying."""

    plate = forms.CharField(label="车牌", max_length=12, required=False)
    note = forms.CharField(label="说明", max_length=200, required=False)
    photo = forms.FileField(label="照片", required=False)


class LateEntryForm(_AtStation):
    """A fill typed from the pump's display."""

    nozzle = forms.ModelChoiceField(label="油枪", queryset=Nozzle.objects.none())
    litres = LitresInput("升数")
    unit_price = YuanInput("单价")
    amount = YuanInput("金额", min_value=Decimal(0))
    totalizer_after = LitresInput("加后泵码")
    ended_at = forms.DateTimeField(label="加油时间", input_formats=["%Y-%m-%dT%H:%M"])
    reason = forms.CharField(label="原因", max_length=200)
    gap = forms.IntegerField(label="缺口", required=False)


class RetenderForm(ReasonForm):
    """Another tender for a payment."""

    tender = forms.ModelChoiceField(
        label="付款方式",
        queryset=Tender.objects.filter(active=True).exclude(kind=Tender.Kind.VALUE),
        to_field_name="code",
    )
    reference = forms.CharField(label="凭证号", max_length=60, required=False)
