"""Purchases of refunds name their sale, and what members bought so far counts for their tiers."""

from django.db import migrations

# The purchases are append-only: the column is new, so what it should have held is put in once.
NAME = """
ALTER TABLE members_purchase DISABLE TRIGGER append_only;
UPDATE members_purchase SET original = original.number
    FROM sales_sale sale JOIN sales_sale original ON original.id = sale.original_id
    WHERE sale.number = members_purchase.document AND members_purchase.original = '';
ALTER TABLE members_purchase ENABLE TRIGGER append_only;
INSERT INTO members_tiermeasuredaily (member_id, date, spend, litres, visits)
SELECT member_id, (began AT TIME ZONE 'Asia/Shanghai')::date AS date, SUM(spend), SUM(litres),
    COUNT(*) FILTER (WHERE spend > 0)
FROM (
    SELECT member_id, COALESCE(NULLIF(original, ''), document) AS root, SUM(net) AS spend,
        COALESCE(SUM(quantity) FILTER (WHERE kind = 'FUEL'), 0) AS litres,
        COALESCE(MIN(occurred_at) FILTER (WHERE original = ''), MIN(occurred_at)) AS began
    FROM members_purchase WHERE member_id IS NOT NULL GROUP BY member_id, root) AS documents
GROUP BY member_id, date
ON CONFLICT (member_id, date) DO NOTHING;
"""


class Migration(migrations.Migration):
    dependencies = [("sales", "0010_lines_add_up"), ("members", "0005_tier_engine")]

    operations = [migrations.RunSQL(NAME, migrations.RunSQL.noop)]
