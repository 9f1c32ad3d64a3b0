"""A company has a home station, a member's consent its date; a closed member is found by nothing."""

import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("members", "0002_guards"),
        ("station", "0003_accounts_and_index_key"),
    ]

    operations = [
        migrations.AddField(
            model_name="company",
            name="station",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="companies",
                to="station.station",
                verbose_name="开户油站",
            ),
        ),
        migrations.AlterField(
            model_name="company",
            name="station",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="companies",
                to="station.station",
                verbose_name="开户油站",
            ),
        ),
        migrations.AddField(
            model_name="member",
            name="consented_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="同意接收营销消息时间"),
        ),
        migrations.AddConstraint(
            model_name="member",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("status", "CLOSED"), _negated=True),
                    models.Q(
                        ("closed_at__isnull", False), ("id_number_index", ""), ("phone_index", "")
                    ),
                    _connector="OR",
                ),
                name="a_closed_member_is_found_by_nothing",
            ),
        ),
    ]
