"""Live state: what the wire says now. Kept by the poller, asked by the wall."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from station.fields import LitresField, TotalizerField, UnitPriceField, YuanField


class NozzleState(models.Model):
    """The state of one nozzle as last heard; `version` rises with every change (the wall's ETag)."""

    class State(models.TextChoices):
        OFFLINE = "OFFLINE", "离线"
        IDLE = "IDLE", "空闲"
        CALLING = "CALLING", "提枪"
        AUTHORISED = "AUTHORISED", "已授权"
        FUELLING = "FUELLING", "加油中"
        SUSPENDED = "SUSPENDED", "暂停"
        STOPPED = "STOPPED", "急停"
        CLOSED = "CLOSED", "停用"

    nozzle = models.OneToOneField(
        "station.Nozzle", models.CASCADE, related_name="state", primary_key=True
    )
    state = models.CharField("状态", max_length=10, choices=State.choices, default=State.OFFLINE)
    since = models.DateTimeField("自")
    heard_at = models.DateTimeField("最近通讯", null=True, blank=True)
    litres = LitresField("当前升数", default=0)
    amount = YuanField("当前金额", default=0)
    unit_price = UnitPriceField("机上单价", null=True, blank=True)
    totalizer = TotalizerField("最近泵码", null=True, blank=True)
    totalizer_at = models.DateTimeField("泵码时间", null=True, blank=True)
    meter_epoch = models.PositiveSmallIntegerField("泵码段", default=0)
    lifted_at = models.DateTimeField("提枪时间", null=True, blank=True)
    version = models.BigIntegerField("版本", default=0)

    def __str__(self) -> str:
        return f"{self.nozzle} {self.get_state_display()}"


class LineState(models.Model):
    """Health of one line as the poller sees it."""

    line = models.OneToOneField(
        "devices.Line", models.CASCADE, related_name="state", primary_key=True
    )
    is_open = models.BooleanField("端口已打开", default=False)
    heard_at = models.DateTimeField("最近通讯", null=True, blank=True)
    polls = models.BigIntegerField("轮询次数", default=0)
    answers = models.BigIntegerField("应答次数", default=0)
    bad_frames = models.BigIntegerField("坏帧数", default=0)
    error = models.CharField("错误", max_length=200, blank=True)
    written_at = models.DateTimeField("更新时间")

    def __str__(self) -> str:
        return f"{self.line}"


class PollerState(models.Model):
    """What waits in the poller's spool for the database, as it last wrote."""

    station = models.OneToOneField(
        "station.Station", models.CASCADE, related_name="poller", primary_key=True
    )
    written_at = models.DateTimeField("更新时间")
    waiting = models.PositiveIntegerField("待入库", default=0)
    oldest_at = models.DateTimeField("最早一条", null=True, blank=True)
    refused = models.PositiveIntegerField("入库被拒", default=0)
    trouble = models.CharField("被拒原因", max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.station} 待入库 {self.waiting}"


class PrinterState(models.Model):
    """What a printer said of itself when it was last asked."""

    class Condition(models.TextChoices):
        READY = "READY", "正常"
        NEAR_END = "NEAR_END", "纸快用完"
        PAPER_END = "PAPER_END", "缺纸"
        COVER_OPEN = "COVER_OPEN", "机盖打开"
        ERROR = "ERROR", "故障"
        OFFLINE = "OFFLINE", "离线"
        MUTE = "MUTE", "不回报状态"

    printer = models.OneToOneField(
        "devices.Printer", models.CASCADE, related_name="state", primary_key=True
    )
    condition = models.CharField("状态", max_length=10, choices=Condition.choices)
    since = models.DateTimeField("自")
    checked_at = models.DateTimeField("最近询问")
    answers = models.BooleanField("回应过", default=False)  # then silence means that it is away
    confirms = models.BooleanField("打完会回应", default=True)  # GS r
    error = models.CharField("错误", max_length=200, blank=True)

    def __str__(self) -> str:
        return f"{self.printer} {self.get_condition_display()}"


class Alarm(models.Model):
    """告警 of a machine: raised once, seen, cleared by the machine or handled with a word."""

    class Kind(models.TextChoices):
        SILENCE = "SILENCE", "通讯中断"
        CHECKSUM = "CHECKSUM", "校验错误过多"
        GAP = "GAP", "泵码缺口"
        BACKWARDS = "BACKWARDS", "泵码倒走"
        PRICE = "PRICE", "单价不符"
        AMOUNT = "AMOUNT", "金额不符"
        SCALE = "SCALE", "小数位不符"
        DEVICE = "DEVICE", "设备报警"
        LINE = "LINE", "线路故障"
        IDENTITY = "IDENTITY", "地址不符"
        MASTER = "MASTER", "另有主机"
        CLOCK = "CLOCK", "时钟跳变"
        POLLER = "POLLER", "采集程序"
        WATER = "WATER", "罐内水高"
        LOW = "LOW", "低液位"
        HIGH = "HIGH", "高液位"
        OVERFILL = "OVERFILL", "溢油"
        PROBE = "PROBE", "探棒脱线"
        LEVEL = "LEVEL", "液位读数不可信"
        LOSS = "LOSS", "油量突降"
        LEAK = "LEAK", "漏油"
        IDLE_FALL = "IDLE_FALL", "静置下降"
        GAUGE = "GAUGE", "液位仪"
        PAPER = "PAPER", "小票机缺纸"
        PRINTER = "PRINTER", "小票机故障"
        DISPLAY = "DISPLAY", "客显断开"
        SIGN = "SIGN", "价格牌"
        CAMERA = "CAMERA", "摄像头失联"

    class Status(models.TextChoices):
        OPEN = "OPEN", "未处理"
        SEEN = "SEEN", "已看到"
        CLEARED = "CLEARED", "已恢复"
        HANDLED = "HANDLED", "已处理"

    station = models.ForeignKey("station.Station", models.PROTECT, related_name="+")
    kind = models.CharField("类别", max_length=10, choices=Kind.choices)
    subject = models.CharField("对象", max_length=60)
    nozzle = models.ForeignKey(
        "station.Nozzle", models.PROTECT, null=True, blank=True, related_name="alarms"
    )
    line = models.ForeignKey(
        "devices.Line", models.PROTECT, null=True, blank=True, related_name="alarms"
    )
    text = models.CharField("内容", max_length=300)
    status = models.CharField("状态", max_length=8, choices=Status.choices, default=Status.OPEN)
    # Of the day that was open when it was recorded: one told late is not of a day frozen without it.
    day = models.ForeignKey(
        "station.BusinessDay",
        models.PROTECT,
        null=True,
        blank=True,
        verbose_name="营业日",
        related_name="+",
    )
    raised_at = models.DateTimeField("发生时间")
    last_at = models.DateTimeField("最近发生")
    count = models.PositiveIntegerField("次数", default=1)
    cleared_at = models.DateTimeField("恢复时间", null=True, blank=True)
    handled_at = models.DateTimeField("处理时间", null=True, blank=True)
    handled_by = models.ForeignKey(
        "station.User", models.PROTECT, null=True, blank=True, related_name="+"
    )
    word = models.CharField("处理说明", max_length=200, blank=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["station", "kind", "subject"],
                condition=Q(status__in=["OPEN", "SEEN"]),
                name="one_live_alarm_per_kind_and_subject",
            ),
        ]

    def __str__(self) -> str:
        return self.text

    @property
    def words(self) -> str:
        """What it is in a word: the gauge's own, else its kind."""
        return self.subject.partition("·")[2] or self.get_kind_display()
