"""The limits that a station starts with; each may be changed on the page 风控规则."""

from datetime import UTC, datetime

from django.db import migrations

SINCE = datetime(2020, 1, 1, tzinfo=UTC)
HOUR, DAY = 3600, 86400
# metric, window in seconds (None: the local day), limit, least, action
LIMITS = [
    ("FILLS", None, 3, 0, "HOLD"),
    ("LITRES", None, 150, 0, "HOLD"),
    ("PLATES", HOUR, 1, 0, "HOLD"),
    ("OTHER_PUMP", 120, 0, 0, "HOLD"),
    ("POINTS_MEMBER", None, 5000, 0, "HOLD"),
    ("POINTS_PLATE", None, 5000, 0, "HOLD"),
    ("STAFF", None, 0, 0, "BLOCK"),
    ("PHONE_CHANGED", DAY, 0, 0, "BLOCK"),
    ("ADJUSTS", None, 20, 0, "HOLD"),
    ("REFUNDS", None, 5, 0, "NOTIFY"),
    ("NEW_COUPON", None, 1, 0, "BLOCK"),
    ("SHARE_MEMBER", 7 * DAY, 20, 10, "NOTIFY"),
    ("SHARE_OWN", 7 * DAY, 30, 10, "NOTIFY"),
]


def add(apps, schema_editor):
    RiskRule = apps.get_model("members", "RiskRule")
    for metric, window, limit, least, action in LIMITS:
        RiskRule.objects.get_or_create(
            metric=metric,
            version=1,
            defaults={
                "window": window,
                "limit": limit,
                "least": least,
                "action": action,
                "saved_at": SINCE,
            },
        )


class Migration(migrations.Migration):
    dependencies = [("members", "0034_risk")]

    # Nothing to take back: the table goes with its own migration.
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
