"""Bearer cards sold before: nobody was told a last day, so theirs is three years from now."""

from django.db import migrations

FORWARD = """
UPDATE members_valueaccount
SET expires_on = ((GREATEST(opened_at, now()) AT TIME ZONE 'Asia/Shanghai')::date + interval '3 years')::date
WHERE kind = 'BEARER' AND expires_on IS NULL;
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0045_bearer_last_day")]

    operations = [
        migrations.RunSQL(FORWARD, "UPDATE members_valueaccount SET expires_on = NULL WHERE expires_on IS NOT NULL")
    ]
