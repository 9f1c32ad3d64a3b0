"""盘点损溢 and what a tank's day is made of, on every width."""

from datetime import timedelta

import pytest
from django.urls import reverse

from inventory.services.attributions import open_attributions
from tests import make
from tests.inventory.ledger import frozen_shifts

pytestmark = [pytest.mark.browser, pytest.mark.django_db(transaction=True)]


@pytest.mark.req("INV-04")
def test_the_reconciliation_fits_every_width(look):
    station = make.station()
    tank = make.tank(station, make.grade("92#"))
    first = make.TODAY.replace(day=1)
    stands = 21000
    for index in range(21):
        lost = (4, -2, 9, 31, 0, -5, 12)[index % 7]
        sold, received = 3100 + 170 * (index % 7), 12000 if index % 4 == 0 else 0
        left = stands + received - sold - lost
        frozen_shifts(
            tank,
            first + timedelta(days=index),
            [{"opening": f"{stands}", "pumped": f"{sold}", "received": f"{received}",
              "physical": f"{left}", "temp": f"{18 + index % 3}.5"}],
        )  # fmt: skip
        stands = left
    day = station.days.get(date=first + timedelta(days=3))
    open_attributions(station=station, books=tank.books.filter(day=day), at=make.NOW)
    query = f"?since={first}&until={make.TODAY}&grain=day&by=tank"
    pages = {
        "list": reverse("inventory:reconciliation") + query,
        "standard": reverse("inventory:standard-losses") + f"?since={first}&until={make.TODAY}",
        "allowances": reverse("inventory:allowances"),
        "allowance": reverse("inventory:allowance-new"),
        "attributions": reverse("inventory:attributions"),
        "attribution": reverse("inventory:attribution", args=[1, day.date]),
        "day": reverse("inventory:reconciliation-day", args=[tank.pk, first]),
    }
    look.at(1440, as_=make.owner(station))
    for name, path in pages.items():
        for width, mode in ((1440, "light"), (390, "dark")):
            look.resize(width, mode)
            look.open(path)
            look.check()
            look.shoot(f"reconciliation-{name}", full=True)
