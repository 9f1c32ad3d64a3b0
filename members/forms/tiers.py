"""Forms of tiers: their rule, what they give, and a tier set by hand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from django import forms
from django.core.validators import MaxValueValidator, MinValueValidator
from django.forms import BoundField

from members.models import Tier, TierBenefit, TierRule
from members.queries.tier_rules import Limit, Terms
from members.services.tier_rules import Gift, gift
from station.forms.controls import DayField, LitresInput, YuanInput
from station.forms.layout import laid
from station.money import FEN

OFF = {"autocomplete": "off"}
FIGURES = ("spend", "litres", "visits", "points")
FIRST_DAY, LAST_DAY = date(2000, 1, 1), date(2099, 12, 31)
BETWEEN = [MinValueValidator(FIRST_DAY), MaxValueValidator(LAST_DAY)]
SERVICES = 3  # free services of one tier


def _days(label: str, most: int, least: int = 0, help_text: str = "") -> forms.IntegerField:
    widget = forms.TextInput(attrs={**OFF, "inputmode": "numeric"})
    return forms.IntegerField(
        label=label, min_value=least, max_value=most, widget=widget, help_text=help_text
    )


class ApprovedForm(forms.Form):
    """What the second person types where something is taken away."""

    approver = forms.CharField(
        label="审批人账号",
        max_length=150,
        required=False,
        widget=forms.TextInput(attrs=OFF),
        help_text="只在对会员更不利时需要：由另一位有权限的人输入。",
    )
    approver_secret = forms.CharField(
        label="审批人口令",
        max_length=128,
        required=False,
        widget=forms.PasswordInput(attrs={"autocomplete": "off"}),
    )


class RuleForm(ApprovedForm):
    """A version of the rule; each tier above the lowest has a line of four figures."""

    valid_from = DayField(label="生效日期", validators=BETWEEN)
    window = forms.ChoiceField(label="统计期", choices=TierRule.Window.choices)
    days = _days("统计天数", 1100, 1, "统计期是“最近若干天”时用；365 就是最近一年。")
    visits_a_day = _days("一天最多计几次", 20, 1, "防止一次加油拆成几单凑次数。")
    grace_days = _days("宽限天数", 180, 0, "保级期过了以后，还有几天可以补足。")
    notice_days = _days("降级前提醒天数", 180, 30, "至少 30 天：没有提醒满就不会降级。")
    points_per_yuan = YuanInput(label="每消费 1 元得等级分", min_value=0)
    points_per_litre = YuanInput(label="每加 1 升得等级分", min_value=0)
    points_per_visit = YuanInput(label="每来一次得等级分", min_value=0)
    shown = forms.CharField(required=False, max_length=64, widget=forms.HiddenInput)

    def __init__(self, *args: Any, tiers: Sequence[Tier], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.tiers = [one for one in tiers if one.active and one.rank > 0]
        for tier in self.tiers:
            for figure, field in self._figures(tier):
                self.fields[f"{figure}_{tier.pk}"] = field

    @staticmethod
    def _figures(tier: Tier) -> list[tuple[str, forms.Field]]:
        least = {"required": False, "min_value": FEN}
        whole = forms.TextInput(attrs={**OFF, "inputmode": "numeric"})
        return [
            ("spend", YuanInput(label=f"{tier.name} 消费满(元)", **least)),
            ("litres", LitresInput(label=f"{tier.name} 加油满(升)", **least)),
            (
                "visits",
                forms.IntegerField(
                    label=f"{tier.name} 满几次",
                    required=False,
                    min_value=1,
                    max_value=100_000,
                    widget=whole,
                ),
            ),
            ("points", YuanInput(label=f"{tier.name} 等级分满", **least)),
        ]

    def lines(self) -> list[tuple[Tier, list[BoundField]]]:
        """Each tier with its four inputs, for the table."""
        return [(tier, [self[f"{one}_{tier.pk}"] for one in FIGURES]) for tier in self.tiers]

    def plain_fields(self) -> list[BoundField]:
        """The inputs above the table."""
        own = [f"{one}_{tier.pk}" for tier in self.tiers for one in FIGURES]
        apart = {*own, "shown", "approver", "approver_secret"}
        return [self[name] for name in self.fields if name not in apart]

    def terms(self) -> Terms:
        """The rule that was typed."""
        typed = self.cleaned_data
        limits = [
            Limit(
                tier.pk,
                tier.rank,
                tier.name,
                **{one: typed[f"{one}_{tier.pk}"] for one in FIGURES},
            )
            for tier in self.tiers
        ]
        return Terms(
            **{
                name: typed[name]
                for name in (
                    "window",
                    "days",
                    "grace_days",
                    "notice_days",
                    "visits_a_day",
                    "points_per_yuan",
                    "points_per_litre",
                    "points_per_visit",
                )
            },
            limits=tuple(one for one in limits if any(getattr(one, name) for name in FIGURES)),
        )

    @property
    def digest(self) -> str:
        """What was typed, in one text: what is saved must be what the effect was shown of."""
        terms = self.terms()
        limits = [
            [one.tier_id, *(str(getattr(one, name)) for name in FIGURES)] for one in terms.limits
        ]
        head = {key: str(value) for key, value in asdict(terms).items() if key != "limits"}
        typed = f"{self.cleaned_data['valid_from']} {head} {limits}"
        return sha256(typed.encode()).hexdigest()


def rule_initial(terms: Terms | None, today: date) -> dict[str, Any]:
    """The rule in force as the form starts with it."""
    if terms is None:
        return {
            "valid_from": today,
            "window": TierRule.Window.ROLLING,
            "days": 365,
            "visits_a_day": 1,
            "grace_days": 30,
            "notice_days": 30,
            "points_per_yuan": "0.00",
            "points_per_litre": "0.00",
            "points_per_visit": "0.00",
        }
    known = {key: value for key, value in asdict(terms).items() if key != "limits"}
    asked = {
        f"{name}_{one.tier_id}": getattr(one, name)
        for one in terms.limits
        for name in FIGURES
        if getattr(one, name) is not None
    }
    return {"valid_from": today, **known, **asked}


class TierForm(ApprovedForm):
    """A tier's name and what it gives; an empty line is not given."""

    name = forms.CharField(label="名称", max_length=20, widget=forms.TextInput(attrs=OFF))
    code = forms.RegexField(
        r"^[A-Za-z][A-Za-z0-9_]{0,11}$",
        label="代码",
        max_length=12,
        widget=forms.TextInput(attrs=OFF),
        help_text="字母和数字，如 PLATINUM；价格和券按代码认等级，定了不改。",
        error_messages={"invalid": "代码应为字母开头的字母、数字，最多 12 位。"},
    )
    active = forms.BooleanField(label="在用", required=False, initial=True)
    litre_cut = YuanInput(
        label="每升优惠(元)", required=False, min_value=FEN, max_value=Decimal("5.00")
    )
    multiplier = YuanInput(
        label="积分倍数", required=False, min_value=FEN, max_value=Decimal("10.00")
    )
    birthday = forms.CharField(label="生日礼包内容", max_length=30, required=False)
    priority = forms.BooleanField(label="优先加油", required=False)

    def __init__(self, *args: Any, tier: Tier | None = None, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if tier is not None:
            del self.fields["code"]
        for number in range(1, SERVICES + 1):
            self.fields[f"service_{number}"] = forms.CharField(
                label=f"免费服务 {number}", max_length=30, required=False
            )
            self.fields[f"monthly_{number}"] = _days(f"服务 {number} 每月次数", 31, 1)
            self.fields[f"monthly_{number}"].required = False
        self.order_fields([*(name for name in self.fields if "approver" not in name)])

    def clean(self) -> dict[str, Any]:
        typed = super().clean() or {}
        for number in range(1, SERVICES + 1):
            if bool(typed.get(f"service_{number}")) != bool(typed.get(f"monthly_{number}")):
                self.add_error(f"monthly_{number}", "服务名称和每月次数要一起填。")
        return typed

    def gifts(self) -> list[Gift]:
        """The benefits that were typed."""
        typed, kind = self.cleaned_data, TierBenefit.Kind
        found = []
        if typed["litre_cut"]:
            found.append(gift(kind.LITRE_CUT, typed["litre_cut"]))
        if typed["multiplier"]:
            found.append(gift(kind.MULTIPLIER, typed["multiplier"]))
        if typed["birthday"]:
            found.append(gift(kind.BIRTHDAY, name=typed["birthday"]))
        if typed["priority"]:
            found.append(gift(kind.PRIORITY))
        for number in range(1, SERVICES + 1):
            name, monthly = typed[f"service_{number}"], typed[f"monthly_{number}"]
            if name:
                found.append(gift(kind.SERVICE, name=name, monthly=monthly))
        return found


def tier_initial(tier: Tier, living: Sequence[TierBenefit]) -> dict[str, Any]:
    """A tier as the form starts with it."""
    kind, services = TierBenefit.Kind, [one for one in living if one.kind == "SERVICE"]
    by_kind = {one.kind: one for one in living}
    cut, factor, pack = (
        by_kind.get(one) for one in (kind.LITRE_CUT, kind.MULTIPLIER, kind.BIRTHDAY)
    )
    return {
        "name": tier.name,
        "active": tier.active,
        "litre_cut": cut.amount if cut else None,
        "multiplier": factor.amount if factor else None,
        "birthday": pack.name if pack else "",
        "priority": kind.PRIORITY in by_kind,
        **{f"service_{number}": one.name for number, one in enumerate(services[:SERVICES], 1)},
        **{f"monthly_{number}": one.monthly for number, one in enumerate(services[:SERVICES], 1)},
    }


class SetTierForm(forms.Form):
    """A tier given by hand, until when it is left alone, and why."""

    helper = laid("tier", "locked_until", "reason")
    tier = forms.ModelChoiceField(label="等级", queryset=Tier.objects.none(), empty_label=None)
    locked_until = DayField(
        label="锁定到",
        required=False,
        validators=BETWEEN,
        help_text="锁定期间系统不升也不降。不锁定就留空，按保级期正常评定。",
    )
    reason = forms.CharField(label="原因", max_length=200, widget=forms.TextInput(attrs=OFF))

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        known = Tier.objects.filter(active=True).order_by("rank")
        self.fields["tier"].queryset = known  # type: ignore[attr-defined]
