import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("members", "0038_gift_guards"),
    ]

    operations = [
        migrations.AddField(
            model_name="pool",
            name="heir",
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name="+", to="members.member", verbose_name="待接任户主"),
        ),
        migrations.AddField(
            model_name="pool",
            name="offered_at",
            field=models.DateTimeField(blank=True, null=True, verbose_name="请人接任时间"),
        ),
        migrations.AddField(
            model_name="poolmember",
            name="headed",
            field=models.BooleanField(default=False, verbose_name="合并时是户主"),
        ),
        migrations.AddConstraint(
            model_name="pool",
            constraint=models.CheckConstraint(
                condition=models.Q(("heir", None), ("offered_at", None))
                | models.Q(("closed_at", None), ("heir__isnull", False), ("kind", "FAMILY"), ("offered_at__isnull", False))
                & ~models.Q(("heir", models.F("head"))),
                name="an_heir_is_another_of_an_open_family",
            ),
        ),
    ]
