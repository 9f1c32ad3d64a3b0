"""Indexes of what waits at the till: prepays, parked tickets, discrepancies."""

from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("devices", "0004_stops_of_a_station"),
        ("sales", "0006_claims_by_release"),
        ("station", "0004_till_public_key"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddIndex(
            model_name="discrepancy",
            index=models.Index(
                condition=models.Q(("status", "OPEN")),
                fields=["station"],
                name="discrepancies_open",
            ),
        ),
        migrations.AddIndex(
            model_name="parkedticket",
            index=models.Index(
                condition=models.Q(("recalled_session", None), ("voided_at", None)),
                fields=["station"],
                name="tickets_put_aside",
            ),
        ),
        migrations.AddIndex(
            model_name="prepay",
            index=models.Index(
                condition=models.Q(("status__in", ["OPEN", "FUELLING"])),
                fields=["station"],
                name="prepays_under_way",
            ),
        ),
        migrations.AddIndex(
            model_name="prepay",
            index=models.Index(
                condition=models.Q(("refund_due__gt", 0), ("refunded_at", None)),
                fields=["station"],
                name="prepays_due_back",
            ),
        ),
    ]
