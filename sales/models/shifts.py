"""The shift report (班报) as it was frozen, its corrections and signatures."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q

from station.fields import LitresField, TotalizerField, YuanField


class ShiftNozzle(models.Model):
    """泵码交接 of one nozzle: opening carried forward, closing read, and what explains the run.

    sold = run − tests − own_use; what an earlier shift left unpaid comes in, what this one leaves
    unpaid goes on: difference = sold + passed_in − passed_on − claimed, the litres that no fill
    explains. `explained` of them have a reason; nothing may be left at the close.
    """

    shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="nozzle_rows")
    day = models.ForeignKey("station.BusinessDay", models.PROTECT, related_name="+")
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, verbose_name="油枪", related_name="+"
    )
    tank = models.ForeignKey("station.Tank", models.PROTECT, verbose_name="油罐", related_name="+")
    grade = models.ForeignKey(
        "station.Grade", models.PROTECT, verbose_name="油品", related_name="+"
    )
    opening = TotalizerField("接班泵码")
    closing = TotalizerField("交班泵码")
    meter_adjustment = TotalizerField("换表调整", default=0)
    run = LitresField("走字数")
    fills_litres = LitresField("加油记录升数")
    tests = LitresField("检定回罐升数")
    own_use = LitresField("自用升数")
    sold = LitresField("销售升数")
    sold_amount = YuanField("销售金额(元)")
    passed_in = LitresField("上班转入升数", default=0)
    passed_on = LitresField("转下班升数", default=0)
    claimed = LitresField("订单付油升数")
    claimed_amount = YuanField("订单付油金额(元)")
    difference = LitresField("差异升数")
    explained = LitresField("已说明升数", default=0)
    segments = models.JSONField("价格分段", default=list)
    reason = models.CharField("差异原因", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["shift", "nozzle"], name="one_row_per_shift_and_nozzle"
            ),
            models.CheckConstraint(
                condition=Q(run=F("closing") - F("opening") + F("meter_adjustment")),
                name="a_run_is_closing_less_opening",
            ),
            models.CheckConstraint(
                condition=Q(sold=F("run") - F("tests") - F("own_use")),
                name="sold_is_run_less_tests_and_own_use",
            ),
            models.CheckConstraint(
                condition=Q(difference=F("sold") + F("passed_in") - F("passed_on") - F("claimed")),
                name="a_nozzles_difference_is_what_no_fill_explains",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.shift} {self.nozzle}"


class ShiftAdvance(models.Model):
    """A fill under way or unpaid at handover: it passes whole to the next shift, with its litres."""

    from_shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="passed_on")
    nozzle = models.ForeignKey("station.Nozzle", models.PROTECT, related_name="+")
    fill = models.ForeignKey(
        "devices.Fill", models.PROTECT, null=True, blank=True, related_name="+"
    )
    litres = LitresField("升数")
    amount = YuanField("金额(元)")
    under_way = models.BooleanField("加油中")

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["from_shift", "nozzle", "fill"], name="one_row_per_fill_passed_on"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.nozzle} {self.litres} 升"


class ShiftExplanation(models.Model):
    """Litres of a nozzle that no fill explains, and the reason somebody stands for. Signed."""

    class Reason(models.TextChoices):
        LOST = "LOST", "漏采且无法补录"
        TEST = "TEST", "试枪检定未登记"
        OWN_USE = "OWN_USE", "自用未登记"
        METER = "METER", "计量器具误差"
        LEAK = "LEAK", "渗漏自走"
        OTHER = "OTHER", "其他"

    shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="explanations")
    nozzle = models.ForeignKey("station.Nozzle", models.PROTECT, related_name="+")
    reason = models.CharField("原因", max_length=8, choices=Reason.choices)
    litres = LitresField("升数")
    note = models.CharField("说明", max_length=200, blank=True)
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    at = models.DateTimeField("时间")

    class Meta:
        constraints = [
            models.CheckConstraint(condition=~Q(litres=0), name="an_explanation_has_litres"),
            models.CheckConstraint(
                condition=~Q(reason="OTHER") | ~Q(note=""), name="another_reason_is_put_in_words"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.nozzle} {self.litres} 升 {self.get_reason_display()}"


class ShiftSignature(models.Model):
    """移交人、接收人、审核人 of a shift report."""

    class Role(models.TextChoices):
        GIVER = "GIVER", "交班人"
        RECEIVER = "RECEIVER", "接班人"
        APPROVER = "APPROVER", "审核人"

    shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="signatures")
    role = models.CharField("身份", max_length=8, choices=Role.choices)
    user = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    signed_at = models.DateTimeField("签字时间")

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["shift", "role"], name="one_signature_per_role")
        ]

    def __str__(self) -> str:
        return f"{self.get_role_display()} {self.user}"


class ShiftCorrection(models.Model):
    """订正: a frozen figure was wrong; the row says what, why, old and new. Nothing frozen changes."""

    shift = models.ForeignKey("station.Shift", models.PROTECT, related_name="corrections")
    number = models.CharField("单号", max_length=40, unique=True)
    subject = models.CharField("项目", max_length=60)
    old_value = models.CharField("原值", max_length=60)
    new_value = models.CharField("新值", max_length=60)
    reason = models.CharField("原因", max_length=200)
    actor = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    at = models.DateTimeField("时间")

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=~Q(old_value=F("new_value")), name="a_correction_changes_something"
            ),
            models.CheckConstraint(condition=~Q(reason=""), name="a_correction_has_a_reason"),
        ]

    def __str__(self) -> str:
        return self.number
