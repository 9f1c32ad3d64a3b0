"""Forms of points: rules, programme, adjustments. Text in, types out."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from django import forms

from inventory.models import Category
from members.models import EarnRule, PointsProgram, Tier
from station.forms.controls import DayField, MomentField
from station.forms.layout import laid
from station.models import Grade, Station, User

OFF = {"autocomplete": "off"}
WEEKDAYS = [(number, f"周{name}") for number, name in enumerate("一二三四五六日", start=1)]
KINDS = [("FUEL", "油品"), ("GOODS", "商品"), ("SERVICE", "服务")]
MOST = 10**6


class _Count(forms.IntegerField):
    """A whole number typed by keypad."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("min_value", 0)
        options.setdefault("max_value", MOST)
        options.setdefault("widget", forms.TextInput(attrs={**OFF, "inputmode": "numeric"}))
        super().__init__(**options)


class _Several(forms.MultipleChoiceField):
    """Any of a few; none is all of them."""

    def __init__(self, label: str, **options: Any) -> None:
        super().__init__(
            label=label,
            required=False,
            widget=forms.CheckboxSelectMultiple,
            help_text="都不选就是不限。",
            **options,
        )


class RuleForm(forms.Form):
    """One version of a rule. `cleaned_data["scope"]` is the JSON that the engine reads."""

    SCOPES = ("kinds", "grades", "categories", "stations", "tiers")

    code = forms.SlugField(
        label="代码", max_length=20, help_text="英文字母、数字和短横，建好后不变，如 night-double。"
    )
    name = forms.CharField(label="名称", max_length=30, help_text="印在小票上，如「夜间双倍」。")
    kind = forms.ChoiceField(label="类别", choices=EarnRule.Kind.choices)
    active = forms.BooleanField(label="在用（去掉就是停用）", required=False, initial=True)
    measure = forms.ChoiceField(label="按什么计", choices=EarnRule.Measure.choices, required=False)
    per = _Count(label="每多少（元、升）", min_value=1, required=False)
    points = _Count(label="给多少分", required=False)
    whole = forms.BooleanField(label="只计整数份（不满一份不计）", required=False)
    factor = forms.DecimalField(
        label="倍数",
        max_digits=4,
        decimal_places=2,
        min_value=Decimal(0),
        required=False,
        widget=forms.TextInput(attrs={**OFF, "inputmode": "decimal"}),
        help_text="活动倍数才用，如 1.5。等级的倍数在「会员等级」的权益里。",
    )
    priority = _Count(
        label="优先级", max_value=999, required=False, help_text="大的先用；一行只用一条基础规则。"
    )
    min_spend = forms.DecimalField(
        label="最低消费(元)",
        max_digits=9,
        decimal_places=2,
        min_value=Decimal(0),
        required=False,
        widget=forms.TextInput(attrs={**OFF, "inputmode": "decimal"}),
    )
    kinds = _Several("哪类", choices=KINDS)
    grades = _Several("哪些油品")
    categories = _Several("哪些商品类别")
    items = forms.CharField(
        label="哪些商品（编码，空格分开）",
        max_length=500,
        required=False,
        widget=forms.TextInput(attrs=OFF),
    )
    stations = _Several("哪些油站")
    tiers = _Several("哪些会员等级")
    weekdays = forms.TypedMultipleChoiceField(
        label="星期几",
        choices=WEEKDAYS,
        coerce=int,
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="都不选就是不限。",
    )
    month_days = forms.CharField(
        label="每月哪几日（会员日，空格分开）",
        max_length=100,
        required=False,
        widget=forms.TextInput(attrs=OFF),
    )
    hour_from = _Count(label="从几点", max_value=23, required=False)
    hour_until = _Count(
        label="到几点", max_value=24, required=False, help_text="22 到 6 就是过夜；两个都填才算。"
    )
    cap_sale = _Count(label="单笔封顶(分)", required=False)
    cap_day = _Count(label="每人每日封顶(分)", required=False)
    cap_month = _Count(label="每人每月封顶(分)", required=False)
    valid_from = MomentField(label="从何时起", required=False, help_text="不填就是保存时。")
    valid_until = MomentField(label="到何时止", required=False, help_text="不填就是一直。")

    def __init__(
        self, *args: Any, stations: Sequence[Station], known: bool = False, **kwargs: Any
    ) -> None:
        super().__init__(*args, **kwargs)
        if known:
            del self.fields["code"]
        self.helper = laid(*self.fields)
        choices = {
            "grades": [(one.code, one.code) for one in Grade.objects.order_by("position", "code")],
            "categories": [(one, one) for one in _categories()],
            "stations": [(one.code, one.name) for one in stations],
            "tiers": [(one.code, one.name) for one in Tier.objects.order_by("rank")],
        }
        for name, rows in choices.items():
            kept = [one for one in self.initial.get(name, []) if one not in dict(rows)]
            self.fields[name].choices = [*rows, *((one, one) for one in kept)]  # type: ignore[attr-defined]

    def clean_month_days(self) -> list[int]:
        """Days of the month; an invalid one is said."""
        words = str(self.cleaned_data["month_days"]).replace("，", " ").replace(",", " ").split()
        if any(not re.fullmatch(r"[0-9]{1,2}", one) or not 1 <= int(one) <= 31 for one in words):
            raise forms.ValidationError("请填 1 到 31 的日子，用空格分开，如 8 18 28。")
        return [int(one) for one in words]

    def clean_items(self) -> list[str]:
        """Codes of items."""
        return str(self.cleaned_data["items"]).replace("，", " ").replace(",", " ").split()

    def values(self) -> dict[str, Any]:
        """What the service takes: empty figures are their neutral ones, the scope one JSON."""
        told = dict(self.cleaned_data)
        scope = {name: told.pop(name) for name in (*self.SCOPES, "items", "weekdays", "month_days")}
        hours = told.pop("hour_from"), told.pop("hour_until")
        if None not in hours:
            scope["hours"] = list(hours)
        told["scope"] = {name: value for name, value in scope.items() if value}
        for name, neutral in (
            ("points", 0),
            ("priority", 0),
            ("per", 1),
            ("min_spend", Decimal(0)),
        ):
            told[name] = neutral if told[name] is None else told[name]
        told["factor"] = Decimal(1) if told["factor"] is None else told["factor"]
        told["measure"] = told["measure"] or EarnRule.Measure.YUAN
        return told


def _categories() -> list[str]:
    return list(Category.objects.order_by("name").values_list("name", flat=True).distinct())


def initial_of(rule: EarnRule) -> dict[str, Any]:
    """What the form of a rule's next version opens with: its present one, from now on."""
    told: dict[str, Any] = {
        name: getattr(rule, name)
        for name in (
            "name", "kind", "active", "measure", "per", "points", "whole", "factor", "priority",
            "min_spend", "cap_sale", "cap_day", "cap_month", "valid_until",
        )
    }  # fmt: skip
    scope = dict(rule.scope or {})
    told["factor"] = f"{rule.factor.normalize():f}"
    told["items"] = " ".join(scope.pop("items", []))
    told["month_days"] = " ".join(str(one) for one in scope.pop("month_days", []))
    told["hour_from"], told["hour_until"] = scope.pop("hours", (None, None))
    return told | scope


class ProgramForm(forms.Form):
    """The programme's terms."""

    helper = laid(
        "name", "yuan_per_100", "min_redeem", "max_redeem_pct", "basis", "stacking", "cap_sale",
        "cap_day", "cap_month", "hold_days", "expiry", "expiry_n", "grace_days", "clawback",
    )  # fmt: skip
    name = forms.CharField(label="名称", max_length=30)
    yuan_per_100 = forms.DecimalField(
        label="每 100 分抵多少元",
        max_digits=7,
        decimal_places=2,
        min_value=Decimal(0),
        widget=forms.TextInput(attrs={**OFF, "inputmode": "decimal"}),
    )
    min_redeem = _Count(label="一次最少用多少分")
    max_redeem_pct = _Count(label="最多抵一单的百分之几(%)", max_value=100)
    basis = forms.ChoiceField(label="按哪个金额计分", choices=PointsProgram.Basis.choices)
    stacking = forms.ChoiceField(
        label="几个活动倍数碰到一起", choices=PointsProgram.Stacking.choices
    )
    cap_sale = _Count(label="单笔封顶(分)", required=False)
    cap_day = _Count(label="每人每日封顶(分)", required=False)
    cap_month = _Count(label="每人每月封顶(分)", required=False)
    hold_days = _Count(label="得到后几天生效", max_value=365, help_text="0 就是马上能用。")
    expiry = forms.ChoiceField(label="有效期", choices=PointsProgram.Expiry.choices)
    expiry_n = _Count(
        label="几天、几个月、几年",
        max_value=3650,
        help_text="改动只管以后得到的积分，已有的不变。年底：1 就是次年年底。",
    )
    grace_days = _Count(label="退回的积分若已过期，再给几天", min_value=1, max_value=365)
    clawback = forms.ChoiceField(label="退款时积分已用掉", choices=PointsProgram.Clawback.choices)


class PointsApprovedForm(forms.Form):
    """What the second person types where something gives more points than one may adjust alone."""

    approver = forms.CharField(
        label="审批人账号（超过限额才要）",
        max_length=40,
        required=False,
        widget=forms.TextInput(attrs=OFF),
        help_text="积分超过「人工调整积分须第二人审批的限额」（限额与参数）时，由另一位有权限的人输入。",
    )
    approver_secret = forms.CharField(
        label="审批人口令",
        max_length=80,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "new-password"}),
    )


class AdjustForm(PointsApprovedForm):
    """Points by hand; above the limit a second person signs on the same form."""

    helper = laid("points", "reason", "approver", "approver_secret")
    points = forms.IntegerField(
        label="加减多少分",
        min_value=-MOST,
        max_value=MOST,
        help_text="加分填正数，减分填负数。",
        widget=forms.TextInput(attrs={**OFF, "autofocus": True}),
    )
    reason = forms.CharField(label="原因", max_length=200, widget=forms.TextInput(attrs=OFF))


class HolderForm(forms.Form):
    """Whose own account it is, and whether it is frozen."""

    helper = laid("staff", "frozen", "reason")
    staff = forms.ModelChoiceField(
        label="员工本人", queryset=User.objects.none(), required=False, empty_label="（不是员工）"
    )
    frozen = forms.BooleanField(label="冻结：积分不能抵扣", required=False)
    reason = forms.CharField(
        label="原因（冻结、解冻时填）",
        max_length=200,
        required=False,
        widget=forms.TextInput(attrs=OFF),
    )

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        people = User.objects.filter(is_active=True, assignments__station=station)
        self.fields["staff"].queryset = people.distinct().order_by("name")  # type: ignore[attr-defined]


class PeriodForm(forms.Form):
    """From one day to another, both included."""

    since = DayField(label="从")
    until = DayField(label="到")

    def __init__(self, *args: Any, since: date, until: date, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.fields["since"].initial, self.fields["until"].initial = since, until
        self.usual = since, until

    def span(self) -> tuple[date, date]:
        """The range, the earlier day first; the usual one where nothing valid was typed."""
        days = (
            self.cleaned_data.get("since") or self.usual[0],
            self.cleaned_data.get("until") or self.usual[1],
        )
        return min(days), max(days)
