"""Merges of before: the merged one was the head where the survivor, now the head, was not the first."""

from django.db import migrations

FORWARD = """
UPDATE members_poolmember place SET headed = true
FROM members_merge merge, members_pool pool
WHERE place.merge_id = merge.id AND pool.id = place.pool_id AND pool.head_id = merge.survivor_id
    AND merge.survivor_id <> (
        SELECT first.member_id FROM members_poolmember first
        WHERE first.pool_id = pool.id ORDER BY first.id LIMIT 1
    );
"""


class Migration(migrations.Migration):
    dependencies = [("members", "0043_pool_heir_guards")]

    operations = [migrations.RunSQL(FORWARD, "UPDATE members_poolmember SET headed = false WHERE headed")]
