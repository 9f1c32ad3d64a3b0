"""The programme that a station starts with: 10 points per 100 yuan, 15 for 高级会员, tobacco none."""

from datetime import UTC, datetime

from django.db import migrations

SINCE = datetime(2020, 1, 1, tzinfo=UTC)


def add(apps, schema_editor):
    program, _ = apps.get_model("members", "PointsProgram").objects.get_or_create(
        code="MAIN",
        defaults={
            "name": "会员积分",
            "expiry": "YEAR_END",
            "expiry_n": 1,
            "yuan_per_100": "1.00",
            "min_redeem": 100,
            "max_redeem_pct": 50,
        },
    )
    rules = [
        {"code": "base", "name": "每 100 元 10 分", "kind": "BASE", "points": 10, "per": 100},
        {
            "code": "senior",
            "name": "高级会员 1.5 倍",
            "kind": "TIER",
            "factor": "1.5",
            "scope": {"tiers": ["SENIOR"]},
        },
        {
            "code": "excluded",
            "name": "烟草、储值不积分",
            "kind": "EXCLUDE",
            "scope": {"categories": ["烟", "香烟", "烟草", "储值"]},
        },
    ]
    EarnRule = apps.get_model("members", "EarnRule")
    for rule in rules:
        EarnRule.objects.get_or_create(
            code=rule["code"], version=1, defaults={"program": program, "valid_from": SINCE, **rule}
        )


class Migration(migrations.Migration):
    dependencies = [("members", "0014_points_guards")]

    # Nothing to take back: rules are append-only, and the tables go with their own migration.
    operations = [migrations.RunPython(add, migrations.RunPython.noop)]
