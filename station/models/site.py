"""Where: the station, its islands, tanks, dispensers, nozzles, grades and tills."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import LitresField, MeasureField, RateField, YuanField


class Station(models.Model):
    """One petrol station; every root fact carries it."""

    class OfflinePolicy(models.TextChoices):
        CONTINUE = "CONTINUE", "继续自动授权"
        STOP = "STOP", "停止授权"

    code = models.CharField("站号", max_length=6, unique=True)
    name = models.CharField("站名", max_length=60)
    address = models.CharField("地址", max_length=120, blank=True)
    phone = models.CharField("电话", max_length=30, blank=True)
    company_name = models.CharField("企业名称", max_length=80, blank=True)
    tax_no = models.CharField("税号", max_length=30, blank=True)
    price_zone = models.CharField("价区", max_length=30, default="云南一价区")
    offline_policy = models.CharField(
        "断网策略", max_length=8, choices=OfflinePolicy.choices, default=OfflinePolicy.CONTINUE
    )
    rounding_step = YuanField("抹零单位(元)", default="0.01")
    shift_pattern = models.ForeignKey(
        "station.ShiftPattern",
        models.PROTECT,
        verbose_name="班次制度",
        null=True,
        blank=True,
        related_name="+",
    )
    opened_on = models.DateField("上线日期", null=True, blank=True)
    went_live_at = models.DateTimeField("正式启用时间", null=True, blank=True)
    active = models.BooleanField("在用", default=True)

    def __str__(self) -> str:
        return self.name


class Grade(models.Model):
    """A fuel or another energy product sold by measure: 92#, 0#, or 充电 in kWh."""

    class Kind(models.TextChoices):
        GASOLINE = "GASOLINE", "汽油"
        DIESEL = "DIESEL", "柴油"
        OTHER = "OTHER", "其他"

    class Unit(models.TextChoices):
        LITRE = "L", "升"
        KWH = "KWH", "千瓦时"
        PIECE = "PCS", "件"

    code = models.CharField("代号", max_length=12, unique=True)
    name = models.CharField("名称", max_length=40)
    kind = models.CharField("类别", max_length=8, choices=Kind.choices)
    unit = models.CharField("计量单位", max_length=4, choices=Unit.choices, default=Unit.LITRE)
    density20 = MeasureField("标准密度 ρ20 (kg/m³)", null=True, blank=True)
    expansion = RateField("体积膨胀系数 β (/℃)", default="0.0012")
    tax_rate = RateField("税率", default="0.13")
    tax_code = models.CharField("税收分类编码", max_length=19, blank=True)
    colour = models.CharField("色标", max_length=12, default="grey")
    position = models.PositiveSmallIntegerField("排序", default=0)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(tax_rate__gte=0, tax_rate__lt=1), name="a_tax_rate_is_a_share"
            ),
        ]

    def __str__(self) -> str:
        return self.code


class Island(models.Model):
    """加油岛: where dispensers stand and attendants are placed."""

    station = models.ForeignKey(
        Station, models.PROTECT, verbose_name="油站", related_name="islands"
    )
    number = models.PositiveSmallIntegerField("岛号")
    name = models.CharField("名称", max_length=30, blank=True)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "number"], name="one_island_per_number")
        ]

    def __str__(self) -> str:
        return self.name or f"{self.number} 号岛"


class Tank(models.Model):
    """油罐: one product, a capacity and the marks between which it may stand."""

    station = models.ForeignKey(Station, models.PROTECT, verbose_name="油站", related_name="tanks")
    number = models.PositiveSmallIntegerField("罐号")
    grade = models.ForeignKey(Grade, models.PROTECT, verbose_name="油品", related_name="tanks")
    capacity_l = LitresField("容量(升)")
    safe_fill_l = LitresField("安全罐容(升)")
    high_alarm_l = LitresField("高液位报警(升)")
    low_alarm_l = LitresField("低液位报警(升)")
    dead_stock_l = LitresField("罐底油(升)", default=0)
    water_limit_mm = models.PositiveSmallIntegerField("水高上限(mm)", default=20)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "number"], name="one_tank_per_number"),
            models.CheckConstraint(
                condition=Q(capacity_l__gt=0, dead_stock_l__gte=0)
                & Q(dead_stock_l__lte=F("low_alarm_l"), low_alarm_l__lt=F("high_alarm_l"))
                & Q(high_alarm_l__lte=F("safe_fill_l"), safe_fill_l__lte=F("capacity_l")),
                name="a_tanks_marks_rise_to_its_capacity",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} 号罐"


class StrappingTable(models.Model):
    """罐容表 of a tank: heights to litres, with the certificate it came from."""

    class Source(models.TextChoices):
        TYPED = "TYPED", "手工录入"
        IMPORTED = "IMPORTED", "表格导入"
        GENERATED = "GENERATED", "按尺寸生成"

    tank = models.ForeignKey(
        Tank, models.PROTECT, verbose_name="油罐", related_name="strapping_tables"
    )
    source = models.CharField("来源", max_length=10, choices=Source.choices)
    certificate_no = models.CharField("检定证书号", max_length=40, blank=True)
    certificate_expires_on = models.DateField("证书有效期至", null=True, blank=True)
    in_use_from = models.DateTimeField("启用时间")
    replaced_at = models.DateTimeField("停用时间", null=True, blank=True)
    checksum = models.CharField("校验值", max_length=64)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["tank"],
                condition=Q(replaced_at=None),
                name="one_strapping_table_in_use_per_tank",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.tank} 罐容表"


class StrappingPoint(models.Model):
    """One mark of a strapping table."""

    table = models.ForeignKey(StrappingTable, models.CASCADE, related_name="points")
    height_mm = models.PositiveIntegerField("高度(mm)")
    litres = LitresField("容积(升)")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["table", "height_mm"], name="one_volume_per_height")
        ]

    def __str__(self) -> str:
        return f"{self.height_mm} mm"


class Dispenser(models.Model):
    """加油机. Which line and address it hangs on is the wiring, in devices."""

    station = models.ForeignKey(
        Station, models.PROTECT, verbose_name="油站", related_name="dispensers"
    )
    island = models.ForeignKey(
        Island, models.PROTECT, verbose_name="加油岛", related_name="dispensers"
    )
    number = models.PositiveSmallIntegerField("机号")
    make = models.CharField("厂家型号", max_length=60, blank=True)
    serial_no = models.CharField("出厂编号", max_length=40, blank=True)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "number"], name="one_dispenser_per_number")
        ]

    def __str__(self) -> str:
        return f"{self.number} 号机"


class Nozzle(models.Model):
    """油枪. It draws from exactly one tank; the tank says the grade."""

    class Mode(models.TextChoices):
        AUTO = "AUTO", "自动授权"
        MANUAL = "MANUAL", "人工授权"

    station = models.ForeignKey(
        Station, models.PROTECT, verbose_name="油站", related_name="nozzles"
    )
    dispenser = models.ForeignKey(
        Dispenser, models.PROTECT, verbose_name="加油机", related_name="nozzles"
    )
    tank = models.ForeignKey(Tank, models.PROTECT, verbose_name="油罐", related_name="nozzles")
    number = models.PositiveSmallIntegerField("枪号")
    position = models.PositiveSmallIntegerField("机内枪位", help_text="加油机内的逻辑枪号，从 1 起")
    mode = models.CharField("授权方式", max_length=6, choices=Mode.choices, default=Mode.AUTO)
    totalizer_digits = models.PositiveSmallIntegerField("泵码整数位数", default=8)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "number"], name="one_nozzle_per_number"),
            models.UniqueConstraint(
                fields=["dispenser", "position"], name="one_nozzle_per_dispenser_position"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.number} 号枪"


class Till(models.Model):
    """收银台. Its own key signs what it uploads after a break of the network; here is the public half."""

    station = models.ForeignKey(Station, models.PROTECT, verbose_name="油站", related_name="tills")
    number = models.PositiveSmallIntegerField("台号")
    name = models.CharField("名称", max_length=30)
    public_key = models.CharField("设备公钥", max_length=128, blank=True)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "number"], name="one_till_per_number")
        ]

    def __str__(self) -> str:
        return self.name
