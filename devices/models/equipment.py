"""The device register: machines of the station, their certificates and their seals."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from station.fields import YuanField

PLACES = ("dispenser", "nozzle", "tank", "island", "till")


def _at_one_place() -> Q:
    """Of the places a machine may stand at, all but one are empty."""
    found = Q()
    for name in PLACES:
        found |= Q(**{other: None for other in PLACES if other != name})
    return found


class Equipment(models.Model):
    """设备台账: one machine of the station, whether a wire reaches it or not."""

    class Kind(models.TextChoices):
        DISPENSER = "DISPENSER", "加油机"
        METER = "METER", "计量器"
        GAUGE = "GAUGE", "液位仪"
        PUMP = "PUMP", "潜油泵"
        READER = "READER", "读卡器"
        BARCODE = "BARCODE", "扫码枪"
        PRINTER = "PRINTER", "打印机"
        KIOSK = "KIOSK", "自助终端"
        SIGN = "SIGN", "价格牌"
        CAMERA = "CAMERA", "摄像头"
        CONVERTER = "CONVERTER", "转换器"
        COMPUTER = "COMPUTER", "电脑和网络"
        VAPOUR = "VAPOUR", "油气回收"
        GENERATOR = "GENERATOR", "发电机"
        COMPRESSOR = "COMPRESSOR", "空压机"
        OTHER = "OTHER", "其他"

    class State(models.TextChoices):
        IN_USE = "IN_USE", "在用"
        STOPPED = "STOPPED", "停用"
        SCRAPPED = "SCRAPPED", "报废"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="equipment")
    number = models.CharField("设备编号", max_length=30, unique=True)
    key = models.CharField("防重键", max_length=40, unique=True)
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    make = models.CharField("厂家", max_length=60, blank=True)
    model = models.CharField("型号", max_length=60, blank=True)
    serial_no = models.CharField("出厂编号", max_length=40, blank=True)
    dispenser = models.ForeignKey(
        "station.Dispenser", models.PROTECT, null=True, blank=True, related_name="equipment"
    )
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, null=True, blank=True, related_name="equipment"
    )
    tank = models.ForeignKey(
        "station.Tank", models.PROTECT, null=True, blank=True, related_name="equipment"
    )
    island = models.ForeignKey(
        "station.Island", models.PROTECT, null=True, blank=True, related_name="equipment"
    )
    till = models.ForeignKey(
        "station.Till", models.PROTECT, null=True, blank=True, related_name="equipment"
    )
    line = models.ForeignKey(
        "devices.Line", models.PROTECT, null=True, blank=True, related_name="equipment"
    )
    place = models.CharField("位置", max_length=60, blank=True)
    bought_on = models.DateField("购置日期", null=True, blank=True)
    price = YuanField("购置价(元)", null=True, blank=True)
    warranty_until = models.DateField("保修至", null=True, blank=True)
    supplier = models.CharField("供应商", max_length=60, blank=True)
    state = models.CharField("状态", max_length=8, choices=State.choices, default=State.IN_USE)
    note = models.CharField("备注", max_length=200, blank=True)
    added_at = models.DateTimeField("登记时间")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=_at_one_place(), name="a_machine_stands_at_one_place"),
            models.CheckConstraint(
                condition=Q(price=None) | Q(price__gte=0), name="a_machine_costs_nothing_below_zero"
            ),
            models.UniqueConstraint(
                fields=["station", "kind", "make", "serial_no"],
                condition=~Q(serial_no="") & ~Q(state="SCRAPPED"),
                name="one_machine_per_serial_number",
            ),
            models.UniqueConstraint(
                fields=["nozzle"],
                condition=Q(kind="METER", state="IN_USE"),
                name="one_meter_in_use_per_nozzle",
            ),
            models.UniqueConstraint(
                fields=["dispenser"],
                condition=Q(kind="DISPENSER", state="IN_USE"),
                name="one_machine_in_use_per_dispenser",
            ),
        ]

    def __str__(self) -> str:
        where = self.where
        return f"{where}{self.get_kind_display()}" if where else self.get_kind_display()

    @property
    def where(self) -> str:
        """Where it stands, in words; a dispenser is its own place."""
        stands = self.dispenser or self.nozzle or self.tank or self.island or self.till
        words = str(stands) if stands else ""
        return " ".join(part for part in (words, self.place) if part)


class Certificate(models.Model):
    """A paper about a machine with a last day: 检定, 税控, 防爆, 校准. Void where it was mistyped."""

    class Kind(models.TextChoices):
        VERIFICATION = "VERIFICATION", "检定证书"
        TAX = "TAX", "税控证书"
        EXPLOSION = "EXPLOSION", "防爆合格证"
        CALIBRATION = "CALIBRATION", "校准证书"
        LIGHTNING = "LIGHTNING", "防雷检测"
        OTHER = "OTHER", "其他证书"

    equipment = models.ForeignKey(Equipment, models.PROTECT, related_name="certificates")
    kind = models.CharField("类别", max_length=12, choices=Kind.choices)
    number = models.CharField("证书编号", max_length=40)
    issuer = models.CharField("发证机构", max_length=60)
    issued_on = models.DateField("发证日期")
    valid_until = models.DateField("有效期至")
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField("登记时间", db_default=Now())
    voided_at = models.DateTimeField("作废时间", null=True, blank=True)
    voided_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    void_reason = models.CharField("作废原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(valid_until__gte=F("issued_on")),
                name="a_certificate_ends_after_it_was_issued",
            ),
            models.UniqueConstraint(
                fields=["equipment", "kind", "number"],
                condition=Q(voided_at=None),
                name="one_certificate_per_machine_and_number",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"

    @property
    def document(self) -> str:
        """What its files and its audit are kept under."""
        return f"certificate:{self.pk}"


class Seal(models.Model):
    """铅封 on a machine. Append-only: that it was broken is another row."""

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="seals")
    equipment = models.ForeignKey(Equipment, models.PROTECT, related_name="seals")
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, null=True, blank=True, related_name="seals"
    )
    number = models.CharField("铅封号", max_length=40)
    place = models.CharField("封在哪里", max_length=60)
    put_by = models.CharField("施封单位或人", max_length=60)
    put_at = models.DateTimeField("施封时间")
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField("登记时间", db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "number"], name="one_seal_per_number")
        ]

    def __str__(self) -> str:
        return f"铅封 {self.number}"


class SealBreak(models.Model):
    """A seal that is no longer whole: why, and who saw it. Append-only, once per seal."""

    class Cause(models.TextChoices):
        REPAIR = "REPAIR", "维修拆封"
        VERIFICATION = "VERIFICATION", "检定拆封"
        FOUND = "FOUND", "发现破损或丢失"

    seal = models.OneToOneField(Seal, models.PROTECT, related_name="broken")
    cause = models.CharField("情形", max_length=12, choices=Cause.choices)
    repair = models.ForeignKey(
        "devices.Repair", models.PROTECT, null=True, blank=True, related_name="broken_seals"
    )
    meter_test = models.ForeignKey(
        "devices.MeterTest", models.PROTECT, null=True, blank=True, related_name="broken_seals"
    )
    reason = models.CharField("原因", max_length=200)
    replaced_by = models.OneToOneField(
        Seal, models.PROTECT, null=True, blank=True, related_name="replaces"
    )
    occurred_at = models.DateTimeField("时间")
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    witness = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    recorded_at = models.DateTimeField("登记时间", db_default=Now())

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(actor=F("witness")), name="a_broken_seal_has_two_people"
            ),
            models.CheckConstraint(
                condition=Q(cause="REPAIR") ^ Q(repair=None),
                name="a_seal_broken_for_a_repair_names_it",
            ),
            models.CheckConstraint(
                condition=Q(cause="VERIFICATION") ^ Q(meter_test=None),
                name="a_seal_broken_for_a_verification_names_it",
            ),
            models.CheckConstraint(
                condition=~Q(seal=F("replaced_by")), name="no_seal_replaces_itself"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.seal} {self.get_cause_display()}"
