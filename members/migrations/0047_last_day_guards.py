"""Guards: a bearer card alone has a last day, and lives three years at least."""

from django.db import migrations, models

FORWARD = """
ALTER TABLE members_valueaccount ADD CONSTRAINT a_bearer_card_lives_three_years
    CHECK (expires_on IS NULL
        OR expires_on >= ((opened_at AT TIME ZONE 'Asia/Shanghai')::date + interval '3 years')::date);
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0046_last_days_of_cards")]

    operations = [
        migrations.AddConstraint(
            model_name="valueaccount",
            constraint=models.CheckConstraint(
                condition=models.Q(("expires_on", None), ("kind", "NAMED"))
                | models.Q(("expires_on__isnull", False), ("kind", "BEARER")),
                name="a_bearer_card_alone_has_a_last_day",
            ),
        ),
        migrations.RunSQL(
            FORWARD,
            "ALTER TABLE members_valueaccount DROP CONSTRAINT a_bearer_card_lives_three_years;",
        ),
    ]
