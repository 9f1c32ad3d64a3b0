"""What the machines lack before a station goes live."""

from decimal import Decimal

import pytest
from django.utils.timezone import now

from devices.models import DispenserWiring, Line, LineState, Printer
from devices.queries.go_live import findings
from tests import make

pytestmark = pytest.mark.django_db


def test_everything_that_lacks_is_named_and_nothing_else():
    nozzle = make.nozzle()
    station = nozzle.station
    lacking = {one.subject for one in findings(station=station, at=now()) if not one.ok}
    assert lacking == {
        "加油机接线",
        "1 号枪初始泵码",
        "1 号枪机上价格",
        "小票打印机",
        "读取规则",
        "加油机检定",
    }
    line = Line.objects.create(station=station, name="1 号线", url="/dev/x", protocol="DART")
    DispenserWiring.objects.create(dispenser=nozzle.dispenser, line=line, address=80)
    make.price(station, nozzle.tank.grade, "7.85")
    make.nozzle_state(
        nozzle, unit_price=Decimal("7.60"), totalizer=Decimal("10"), totalizer_at=now()
    )
    Printer.objects.create(station=station, name="前台", kind="FILE", target="/tmp/x")
    lacking = [one for one in findings(station=station, at=now()) if not one.ok]
    assert [one.subject for one in lacking] == [
        "线路 1 号线",
        "1 号枪机上价格",
        "加油机检定",
        "读取规则",
    ]
    assert lacking[1].missing == "机上 7.60，挂牌价 7.85"
    assert lacking[2].optional and lacking[3].optional
    LineState.objects.create(line=line, is_open=True, heard_at=now(), written_at=now())
    make.nozzle_state(nozzle, unit_price=Decimal("7.85"))
    lacking = [one.subject for one in findings(station=station, at=now()) if not one.ok]
    assert lacking == ["加油机检定", "读取规则"]
