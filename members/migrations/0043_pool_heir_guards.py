"""Guards: the heir of a pool comes and goes; who was its head when he went with a merge is kept."""

from django.db import migrations

POOL = "'head_id', 'closed_at', 'closed_by_id', 'reason'"
PLACE = (
    "'vehicle_id', 'state', 'share_pct', 'can_spend', 'cap_month', 'joined_at', 'left_at', 'why',"
    " 'free_from', 'merge_id'"
)


def keeping(table: str, but: str) -> str:
    return f"""
DROP TRIGGER keeps_its_facts ON {table};
CREATE TRIGGER keeps_its_facts BEFORE UPDATE ON {table}
    FOR EACH ROW EXECUTE FUNCTION refuse_change_but({but});
"""


FORWARD = keeping("members_pool", f"{POOL}, 'heir_id', 'offered_at'") + keeping(
    "members_poolmember", f"{PLACE}, 'headed'"
)
REVERSE = keeping("members_pool", POOL) + keeping("members_poolmember", PLACE)


class Migration(migrations.Migration):
    dependencies = [("members", "0042_pool_heirs")]

    operations = [migrations.RunSQL(FORWARD, REVERSE)]
