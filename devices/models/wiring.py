"""Wiring: which machine hangs on which line, and how it is spoken to."""

from __future__ import annotations

from django.db import models
from django.db.models import Q

from devices.protocols import table
from devices.protocols.base import SerialSettings


class Line(models.Model):
    """One serial line, owned by one thread of the poller."""

    class Parity(models.TextChoices):
        NONE = "N", "无"
        ODD = "O", "奇"
        EVEN = "E", "偶"

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="lines"
    )
    name = models.CharField("名称", max_length=30)
    url = models.CharField(
        "端口", max_length=120, help_text="如 /dev/ttyUSB0、socket://127.0.0.1:4001、rfc2217://…"
    )
    protocol = models.CharField("协议", max_length=12, choices=table.choices)
    baud = models.PositiveIntegerField("波特率", default=9600)
    bits = models.PositiveSmallIntegerField("数据位", default=8)
    parity = models.CharField("校验", max_length=1, choices=Parity.choices, default=Parity.ODD)
    stop = models.PositiveSmallIntegerField("停止位", default=1)
    echo = models.BooleanField("转换器回显", default=False)
    options = models.JSONField("协议参数", default=dict, blank=True)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["station", "name"], name="one_line_per_name"),
            models.UniqueConstraint(
                fields=["url"], condition=Q(active=True), name="one_active_line_per_port"
            ),
            models.CheckConstraint(
                condition=Q(bits__in=[7, 8], stop__in=[1, 2]), name="a_port_has_such_bits"
            ),
        ]

    def __str__(self) -> str:
        return self.name

    @property
    def serial(self) -> SerialSettings:
        return SerialSettings(self.baud, self.bits, self.parity, self.stop)


class DispenserWiring(models.Model):
    """Where a dispenser answers, and with how many decimals it counts."""

    dispenser = models.OneToOneField("station.Dispenser", models.PROTECT, related_name="wiring")
    line = models.ForeignKey(Line, models.PROTECT, verbose_name="线路", related_name="dispensers")
    address = models.PositiveSmallIntegerField("地址")
    volume_decimals = models.PositiveSmallIntegerField("升数小数位", default=2)
    amount_decimals = models.PositiveSmallIntegerField("金额小数位", default=2)
    price_decimals = models.PositiveSmallIntegerField("单价小数位", default=2)
    totals_decimals = models.PositiveSmallIntegerField("泵码小数位", default=2)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["line", "address"], name="one_dispenser_per_address")
        ]

    def __str__(self) -> str:
        return f"{self.dispenser} @ {self.line} {self.address:02X}"


class Reader(models.Model):
    """A card reader or scanner on a line of its own, standing at a till or on an island."""

    line = models.OneToOneField(Line, models.PROTECT, verbose_name="线路", related_name="reader")
    till = models.ForeignKey(
        "station.Till",
        models.PROTECT,
        verbose_name="收银台",
        null=True,
        blank=True,
        related_name="readers",
    )
    island = models.ForeignKey(
        "station.Island",
        models.PROTECT,
        verbose_name="加油岛",
        null=True,
        blank=True,
        related_name="readers",
    )

    def __str__(self) -> str:
        return str(self.line)


class Printer(models.Model):
    """A receipt printer: network (host:port), serial port or a file."""

    class Kind(models.TextChoices):
        NETWORK = "NETWORK", "网络"
        SERIAL = "SERIAL", "串口"
        FILE = "FILE", "文件"

    station = models.ForeignKey(
        "station.Station", models.PROTECT, verbose_name="油站", related_name="printers"
    )
    till = models.ForeignKey(
        "station.Till",
        models.PROTECT,
        verbose_name="收银台",
        null=True,
        blank=True,
        related_name="printers",
    )
    name = models.CharField("名称", max_length=30)
    kind = models.CharField("接口", max_length=8, choices=Kind.choices)
    target = models.CharField(
        "地址", max_length=200, help_text="192.168.1.50:9100、/dev/ttyS1 或文件路径"
    )
    baud = models.PositiveIntegerField("波特率", default=9600)  # of a serial one
    columns = models.PositiveSmallIntegerField("每行字符数", default=48)
    opens_drawer = models.BooleanField("带钱箱", default=False)
    drawer_pin = models.PositiveSmallIntegerField("钱箱插脚", default=2)
    drawer_times = models.PositiveSmallIntegerField("开钱箱次数", default=1)
    active = models.BooleanField("在用", default=True)

    class Meta:
        constraints = [
            models.CheckConstraint(
                condition=Q(drawer_pin__in=[2, 5], drawer_times__range=(1, 3)),
                name="a_drawer_hangs_on_pin_two_or_five",
            ),
        ]

    def __str__(self) -> str:
        return self.name
