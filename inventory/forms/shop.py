"""Forms of the shop: items, receiving, adjusting. Text in, types out."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from crispy_forms.helper import FormHelper
from django import forms

from inventory.models import Category, Item, StockMove, StockPlace
from station.forms.controls import DayField, YuanInput
from station.models import Station

ROWS = 12


class _Plain(forms.Form):
    helper = FormHelper()
    helper.form_tag = False


class ItemForm(_Plain):
    """商品资料."""

    code = forms.CharField(label="编码", max_length=20)
    name = forms.CharField(label="名称", max_length=60)
    kind = forms.ChoiceField(label="类别", choices=Item.Kind.choices)
    category = forms.ModelChoiceField(
        label="商品类别", queryset=Category.objects.order_by("position", "name")
    )
    barcodes = forms.CharField(
        label="条码",
        required=False,
        help_text="多个条码用空格分开；整箱条码写作 条码*数量，如 6921168509256*24",
    )
    unit = forms.CharField(label="单位", max_length=8, initial="件")
    price = YuanInput(label="售价(元)", min_value=0)
    tax_rate = forms.DecimalField(
        label="税率",
        initial=Decimal("0.13"),
        min_value=0,
        max_value=Decimal("0.99"),
        max_digits=5,
        decimal_places=4,
    )
    low_stock = forms.IntegerField(label="最低库存", min_value=0, initial=0)
    may_go_negative = forms.BooleanField(label="允许负库存（站长决定）", required=False)
    is_favourite = forms.BooleanField(label="放在收银台快捷栏", required=False)
    active = forms.BooleanField(label="在售", required=False, initial=True)


class NamedForm(_Plain):
    """A name and its place in the order."""

    name = forms.CharField(label="名称", max_length=30)
    position = forms.IntegerField(label="排序", min_value=0, max_value=999, initial=0)


class PlaceForm(_Plain):
    """存货地点."""

    name = forms.CharField(label="名称", max_length=20)
    position = forms.IntegerField(label="排序", min_value=0, max_value=999, initial=0)
    selling = forms.BooleanField(
        label="收银台从这里卖", required=False, help_text="每站一个；勾上后原来那个自动改为不卖"
    )
    active = forms.BooleanField(label="在用", required=False, initial=True)


class LeaveForm(_Plain):
    """一次放行负库存 of one item."""

    code = forms.CharField(label="条码或编码", max_length=40)
    quantity = forms.DecimalField(
        label="可以再卖几件",
        min_value=0,
        max_digits=9,
        decimal_places=3,
        help_text="货已在架、单据未到时用；下次入库自动收回，填 0 立即收回",
        widget=forms.TextInput(attrs={"inputmode": "decimal"}),
    )
    reason = forms.CharField(label="原因", max_length=200)


class SupplierForm(_Plain):
    """供应商."""

    name = forms.CharField(label="名称", max_length=80)
    contact = forms.CharField(label="联系人", max_length=40, required=False)
    phone = forms.CharField(label="电话", max_length=30, required=False)
    tax_no = forms.CharField(label="税号", max_length=30, required=False)
    active = forms.BooleanField(label="在用", required=False, initial=True)


class ItemFilter(forms.Form):
    """Which items."""

    text = forms.CharField(label="编码、名称、拼音、条码", required=False)
    category = forms.ModelChoiceField(
        label="类别",
        queryset=Category.objects.order_by("position"),
        required=False,
        empty_label="全部",
    )
    low = forms.BooleanField(label="只看低于最低库存", required=False)


class MoveFilter(forms.Form):
    """Which stock movements."""

    text = forms.CharField(label="编码或名称", required=False)
    kind = forms.ChoiceField(
        label="类别", required=False, choices=[("", "全部"), *StockMove.Kind.choices]
    )
    place = forms.ModelChoiceField(
        label="地点", queryset=StockPlace.objects.none(), required=False, empty_label="全部"
    )
    since = DayField(label="从", required=False)
    until = DayField(label="到", required=False)

    def __init__(self, *args: Any, station: Station, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        offered = StockPlace.objects.filter(station=station).order_by("position", "pk")
        self.fields["place"].queryset = offered  # type: ignore[attr-defined]


class ReceiveForm(_Plain):
    """进货: up to twelve lines of code or barcode, quantity and price paid (tax included)."""

    note = forms.CharField(label="送货单号", max_length=60)

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        for row in range(1, ROWS + 1):
            first = row == 1
            self.fields[f"code_{row}"] = forms.CharField(
                label=f"第 {row} 行 条码或编码", required=first, max_length=40
            )
            self.fields[f"quantity_{row}"] = forms.DecimalField(
                label=f"第 {row} 行 数量",
                required=first,
                min_value=Decimal("0.001"),
                max_digits=9,
                decimal_places=3,
                widget=forms.TextInput(attrs={"inputmode": "decimal"}),
            )
            self.fields[f"paid_{row}"] = YuanInput(
                label=f"第 {row} 行 含税进价(元)", required=first, min_value=0
            )

    def rows(self) -> list[tuple[str, Decimal, Decimal]]:
        """Code, quantity and price of the lines that were filled in."""
        values = self.cleaned_data
        return [
            (values[f"code_{row}"].strip(), values[f"quantity_{row}"], values[f"paid_{row}"])
            for row in range(1, ROWS + 1)
            if values.get(f"code_{row}")
        ]

    def clean(self) -> dict[str, Any]:
        values = super().clean() or {}
        for row in range(1, ROWS + 1):
            given = [
                values.get(f"{name}_{row}") not in {None, ""}
                for name in ("code", "quantity", "paid")
            ]
            if any(given) and not all(given):
                self.add_error(f"code_{row}", f"第 {row} 行请填齐条码、数量和进价，或整行留空")
        return values

    @property
    def lines(self) -> list[tuple[int, Any, Any, Any]]:
        """The bound fields of each line, for the template."""
        return [
            (row, self[f"code_{row}"], self[f"quantity_{row}"], self[f"paid_{row}"])
            for row in range(1, ROWS + 1)
        ]


class StockAdjustForm(_Plain):
    """盘点调整 or 报损 of one item."""

    code = forms.CharField(label="条码或编码", max_length=40)
    write_off = forms.ChoiceField(
        label="类别", choices=[("", "盘点调整"), ("1", "报损")], required=False
    )
    quantity = forms.DecimalField(
        label="数量",
        max_digits=9,
        decimal_places=3,
        help_text="盘盈为正，盘亏与报损填负数",
        widget=forms.TextInput(attrs={"inputmode": "text"}),
    )
    reason = forms.CharField(label="原因", max_length=200)
