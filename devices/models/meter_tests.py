"""Tests of meters: the station's own with a prover, and the statutory ones by an institute."""

from __future__ import annotations

from django.db import models
from django.db.models import F, Q
from django.db.models.functions import Now

from station.fields import LitresField, MeasureField, RateField


class MeterTest(models.Model):
    """检定或自校 of one nozzle. Its facts never change; one that was mistyped is void.

    Errors are in per cent, (meter − standard) / standard: 0.25 is 0.25 %.
    """

    class Kind(models.TextChoices):
        OWN = "OWN", "自校"
        STATUTORY = "STATUTORY", "强制检定"

    class Result(models.TextChoices):
        PASS = "PASS", "合格"
        FAIL = "FAIL", "不合格"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="meter_tests")
    number = models.CharField("单号", max_length=40, unique=True)
    key = models.CharField("防重键", max_length=60, unique=True)
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, verbose_name="油枪", related_name="meter_tests"
    )
    equipment = models.ForeignKey(
        "devices.Equipment", models.PROTECT, null=True, blank=True, related_name="meter_tests"
    )
    meter_epoch = models.PositiveSmallIntegerField("泵码段", default=0)
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    tested_at = models.DateTimeField("时间")
    prover_l = LitresField("标准量器(升)", null=True, blank=True)
    oil_temp_c = MeasureField("油温(℃)", null=True, blank=True)
    prover_temp_c = MeasureField("量器温度(℃)", null=True, blank=True)
    corrected = models.BooleanField("按温度修正", default=False)
    limit_percent = RateField("允许误差(±%)")
    worst_percent = RateField("最大误差(%)", null=True, blank=True)
    result = models.CharField("结果", max_length=4, choices=Result.choices)
    tester = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    institute = models.CharField("检定机构", max_length=60, blank=True)
    witness = models.ForeignKey("station.User", models.PROTECT, related_name="+")
    certificate = models.ForeignKey(
        "devices.Certificate", models.PROTECT, null=True, blank=True, related_name="meter_tests"
    )
    valid_until = models.DateField("有效期至", null=True, blank=True)
    note = models.CharField("备注", max_length=200, blank=True)
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
                condition=~Q(kind="OWN")
                | Q(prover_l__gte=20, worst_percent__isnull=False, tester__isnull=False),
                name="an_own_test_has_its_prover_and_tester",
            ),
            models.CheckConstraint(
                condition=~Q(kind="STATUTORY") | ~Q(institute=""),
                name="a_statutory_test_names_its_institute",
            ),
            models.CheckConstraint(
                condition=~Q(kind="STATUTORY", result="PASS")
                | Q(certificate__isnull=False, valid_until__isnull=False),
                name="a_passed_verification_has_its_certificate",
            ),
            models.CheckConstraint(
                condition=Q(tester=None) | ~Q(tester=F("witness")),
                name="a_test_has_two_people",
            ),
        ]
        indexes = [
            models.Index(fields=["nozzle", "-tested_at"], name="meter_tests_of_a_nozzle"),
        ]

    def __str__(self) -> str:
        return f"{self.get_kind_display()} {self.number}"

    @property
    def passed(self) -> bool:
        return self.result == self.Result.PASS


class MeterTestRun(models.Model):
    """One filling of the prover at one flow rate. `standard_l` is what the prover showed;
    `corrected_l` is what it is compared with."""

    test = models.ForeignKey(MeterTest, models.PROTECT, related_name="runs")
    ordinal = models.PositiveSmallIntegerField("次序")
    flow_lpm = MeasureField("流量(升/分)", null=True, blank=True)
    meter_l = LitresField("加油机示值(升)")
    standard_l = LitresField("标准量器示值(升)")
    corrected_l = LitresField("标准值(升)")
    error_percent = RateField("误差(%)")
    fill = models.ForeignKey(
        "devices.Fill", models.PROTECT, null=True, blank=True, related_name="test_runs"
    )

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["test", "ordinal"], name="one_run_per_ordinal"),
            models.UniqueConstraint(fields=["test", "fill"], name="one_run_per_fill_of_a_test"),
            models.CheckConstraint(
                condition=Q(meter_l__gt=0, standard_l__gt=0, corrected_l__gt=0),
                name="a_test_run_has_litres",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.test} {self.ordinal}"
