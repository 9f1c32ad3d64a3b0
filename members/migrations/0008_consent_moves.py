"""The date of the consent to marketing messages becomes a record of its own."""

from django.db import migrations

FORWARD = """
INSERT INTO members_consent (member_id, purpose, policy_version, given_at, given_channel, evidence,
    withdrawn_channel)
SELECT id, 'SMS', '', consented_at, 'STATION', '入会登记', ''
FROM members_member WHERE consented_at IS NOT NULL;
"""
REVERSE = """
UPDATE members_member SET consented_at = (SELECT max(given_at) FROM members_consent
    WHERE member_id = members_member.id AND purpose = 'SMS' AND withdrawn_at IS NULL);
DELETE FROM members_consent WHERE purpose = 'SMS';
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0007_consents_and_profiles")]

    operations = [
        migrations.RunSQL(FORWARD, REVERSE),
        migrations.RemoveField(model_name="member", name="consented_at"),
    ]
