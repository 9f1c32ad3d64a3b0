"""The terms of a promotion or a coupon, typed: what comes off, what for, for whom and when."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

from crispy_forms.bootstrap import InlineCheckboxes
from crispy_forms.layout import Fieldset
from django import forms

from inventory.models import Category, Item
from marketing.models.terms import COUPONS, PROMOTIONS, Benefit, Terms
from marketing.queries import tenders
from members.models import Tier
from station.forms.controls import LitresInput, MomentField, YuanInput
from station.forms.layout import laid
from station.models import Grade

ANY = ""
KINDS = (
    (ANY, "油品和商品都算"),
    ("FUEL", "只算油品"),
    ("GOODS", "只算商品"),
    ("SERVICE", "只算服务"),
)
WEEK = [(str(number), f"周{word}") for number, word in enumerate("一二三四五六日", start=1)]
GIVES = Fieldset(
    "优惠多少", "benefit", "amount", "percent", "threshold", "needs_fuel", "units", "cap_litres"
)
FOR = Fieldset("适用什么", "kind", InlineCheckboxes("grades"), "items", InlineCheckboxes("sorts"))
TIME = forms.TimeInput(format="%H:%M", attrs={"type": "time"})


class TermsForm(forms.Form):
    """What promotions and coupons have in common."""

    name = forms.CharField(
        label="名称", max_length=30, help_text="印在小票上，客人看得懂，例如：加满送咖啡"
    )
    campaign = forms.CharField(
        label="费用归属",
        max_length=30,
        required=False,
        help_text="同一活动写同一个名字，成本算在一起；空着就单独算",
    )
    benefit = forms.ChoiceField(label="优惠方式")
    amount = YuanInput(
        label="金额(元)",
        required=False,
        min_value=Decimal(0),
        help_text="每升减多少、等级价、满减减多少、代金多少、换购价",
    )
    percent = forms.DecimalField(
        label="减让(%)",
        required=False,
        min_value=Decimal("0.1"),
        max_value=Decimal(100),
        max_digits=5,
        decimal_places=2,
        help_text="30 就是七折，100 就是白送",
    )
    threshold = YuanInput(label="适用明细满(元)", required=False, min_value=Decimal(0))
    needs_fuel = YuanInput(
        label="须同单加油满(元)",
        required=False,
        min_value=Decimal(0),
        help_text="填 0：加了油就行；空着：不要求加油",
    )
    units = forms.IntegerField(label="最多几件", min_value=1, max_value=99, initial=1)
    cap_litres = LitresInput(label="每笔最多几升", required=False, min_value=Decimal("0.001"))
    kind = forms.ChoiceField(label="类别", choices=KINDS, required=False)
    grades = forms.MultipleChoiceField(
        label="油品", required=False, widget=forms.CheckboxSelectMultiple
    )
    items = forms.CharField(
        label="商品编码",
        max_length=300,
        required=False,
        help_text="多个用逗号隔开；油品、编码、分类都空着就是全部",
    )
    sorts = forms.MultipleChoiceField(
        label="商品分类", required=False, widget=forms.CheckboxSelectMultiple
    )
    members_only = forms.BooleanField(label="限会员", required=False)
    tier = forms.ModelChoiceField(
        label="最低等级", queryset=Tier.objects.none(), required=False, empty_label="不限"
    )
    weekdays = forms.MultipleChoiceField(
        label="星期", choices=WEEK, required=False, widget=forms.CheckboxSelectMultiple
    )
    month_days = forms.CharField(
        label="每月几日", max_length=100, required=False, help_text="例如 8,18,28"
    )
    dates = forms.CharField(
        label="哪几天", max_length=200, required=False, help_text="例如 2026-10-01,2026-10-02"
    )
    from_time = forms.TimeField(label="每天从", required=False, widget=TIME)
    to_time = forms.TimeField(label="每天到", required=False, widget=TIME)
    everywhere = forms.BooleanField(label="全部油站通用", required=False)
    priority = forms.IntegerField(
        label="优先级", min_value=-99, max_value=99, initial=0, help_text="大的先算"
    )
    group = forms.CharField(
        label="互斥组", max_length=20, required=False, help_text="同组的一单只用一个"
    )
    exclusive = forms.BooleanField(label="不与同类优惠同享", required=False)
    alone = forms.BooleanField(label="不与任何优惠同享", required=False)

    allowed: tuple[Benefit, ...] = ()

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        fields["benefit"].choices = [(one.value, one.label) for one in self.allowed]
        grades = Grade.objects.filter(active=True).order_by("position", "code")
        fields["grades"].choices = [(one, one) for one in grades.values_list("code", flat=True)]
        sorts = Category.objects.order_by("position").values_list("name", flat=True)
        fields["sorts"].choices = [(one, one) for one in sorts]
        fields["tier"].queryset = Tier.objects.filter(active=True, rank__gt=0).order_by("rank")

    def clean_items(self) -> list[str]:
        codes = _parts(self.cleaned_data["items"])
        known = set(Item.objects.filter(code__in=codes).values_list("code", flat=True))
        if unknown := [one for one in codes if one not in known]:
            raise forms.ValidationError(f"没有商品 {'、'.join(unknown)}")
        return codes

    def clean_month_days(self) -> list[int]:
        days = [
            int(one) if one.isascii() and one.isdigit() else 0
            for one in _parts(self.cleaned_data["month_days"])
        ]
        if any(not 1 <= one <= 31 for one in days):
            raise forms.ValidationError("请填 1 到 31，用逗号隔开")
        return sorted(set(days))

    def clean_dates(self) -> list[str]:
        try:
            found = {date.fromisoformat(one) for one in _parts(self.cleaned_data["dates"])}
        except ValueError:
            raise forms.ValidationError("请按 2026-10-01 的样子填，用逗号隔开") from None
        return [one.isoformat() for one in sorted(found)]

    def values(self) -> dict[str, Any]:
        """The columns of what was typed."""
        typed = dict(self.cleaned_data)
        percent, kind = typed.pop("percent"), typed.pop("kind")
        products = [*typed.pop("grades"), *typed.pop("items")]
        sorts = typed.pop("sorts")
        return {
            **typed,
            "percent": None if percent is None else percent / 100,
            "threshold": typed["threshold"] or Decimal(0),
            "kinds": [kind] if kind else [],
            "products": products,
            "categories": sorts,
            "weekdays": [int(one) for one in typed["weekdays"]],
            "members_only": typed["members_only"] or typed["tier"] is not None,
        }

    @staticmethod
    def of(terms: Terms) -> dict[str, Any]:
        """What a version says, as typed: the next version starts from it."""
        grades = set(Grade.objects.values_list("code", flat=True))
        columns = ("name campaign benefit amount threshold needs_fuel units cap_litres members_only "
                   "tier from_time to_time everywhere priority group exclusive alone")  # fmt: skip
        return {
            **{name: getattr(terms, name) for name in columns.split()},
            "percent": None if terms.percent is None else (terms.percent * 100).normalize(),
            "kind": terms.kinds[0] if terms.kinds else ANY,
            "grades": [one for one in terms.products if one in grades],
            "items": ",".join(one for one in terms.products if one not in grades),
            "sorts": terms.categories,
            "weekdays": [str(one) for one in terms.weekdays],
            "month_days": ",".join(str(one) for one in terms.month_days),
            "dates": ",".join(terms.dates),
        }


def _parts(text: str) -> list[str]:
    return [one for one in re.split(r"[,，、\s]+", text.strip()) if one]


class PromotionForm(TermsForm):
    """A promotion."""

    allowed = PROMOTIONS
    valid_from = MomentField(label="开始")
    valid_until = MomentField(label="结束", help_text="到这一刻为止，不含")
    cap_litres_day = LitresInput(
        label="每位会员每天最多几升", required=False, min_value=Decimal("0.001")
    )
    helper = laid(
        "name",
        "campaign",
        GIVES,
        FOR,
        Fieldset("给谁", "members_only", "tier", "cap_litres_day", "everywhere"),
        Fieldset(
            "什么时候",
            "valid_from",
            "valid_until",
            InlineCheckboxes("weekdays"),
            "month_days",
            "dates",
            "from_time",
            "to_time",
        ),
        Fieldset("与别的优惠", "priority", "group", "exclusive", "alone"),
    )


class TemplateForm(TermsForm):
    """A template of coupons."""

    allowed = COUPONS
    valid_days = forms.IntegerField(
        label="发放后几天有效",
        min_value=1,
        max_value=3650,
        required=False,
        help_text="填了就不看下面两个时间；到最后一天的二十四点",
    )
    valid_from = MomentField(label="可用开始", required=False)
    valid_until = MomentField(label="可用结束", required=False)
    transferable = forms.BooleanField(label="可转赠：谁拿着码谁用", required=False)
    tenders = forms.MultipleChoiceField(
        label="限付款方式",
        required=False,
        widget=forms.CheckboxSelectMultiple,
        help_text="勾了，用这张券的一单就只能用勾上的方式付清；都不勾就是不限",
    )
    helper = laid(
        "name",
        "campaign",
        GIVES,
        FOR,
        Fieldset("给谁", "members_only", "tier", "transferable", "everywhere"),
        Fieldset("怎样付款", InlineCheckboxes("tenders")),
        Fieldset("有效期", "valid_days", "valid_from", "valid_until"),
        Fieldset(
            "一周里什么时候",
            InlineCheckboxes("weekdays"),
            "month_days",
            "dates",
            "from_time",
            "to_time",
        ),
        Fieldset("与别的优惠", "priority", "group", "exclusive", "alone"),
    )

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        fields: Any = self.fields
        known = tenders.known()
        # One that is out of use stays ticked: unticked by itself, the limit would be none.
        gone = [one for one in self.initial.get("tenders") or () if one not in known]
        fields["tenders"].choices = [*known.items(), *((one, f"{one}（已停用）") for one in gone)]


class ReasonForm(forms.Form):
    """Why."""

    reason = forms.CharField(label="原因", max_length=200)
