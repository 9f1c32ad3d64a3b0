"""What a shift passes on, what explains its litres, and what was brought to the bank."""

import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models

import station.fields


class Migration(migrations.Migration):
    dependencies = [
        ("sales", "0003_recorded_by_the_database"),
        ("station", "0002_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name="Deposit",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.CharField(max_length=40, unique=True, verbose_name="单号")),
                ("amount", station.fields.YuanField(verbose_name="金额(元)")),
                ("bank", models.CharField(max_length=40, verbose_name="银行")),
                ("slip_no", models.CharField(max_length=40, verbose_name="缴款单号")),
                (
                    "client_key",
                    models.CharField(max_length=60, unique=True, verbose_name="客户端键"),
                ),
                ("occurred_at", models.DateTimeField(verbose_name="时间")),
            ],
        ),
        migrations.CreateModel(
            name="DepositLine",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("amount", station.fields.YuanField(verbose_name="金额(元)")),
            ],
        ),
        migrations.CreateModel(
            name="ShiftExplanation",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "reason",
                    models.CharField(
                        choices=[
                            ("LOST", "漏采且无法补录"),
                            ("TEST", "试枪检定未登记"),
                            ("OWN_USE", "自用未登记"),
                            ("METER", "计量器具误差"),
                            ("LEAK", "渗漏自走"),
                            ("OTHER", "其他"),
                        ],
                        max_length=8,
                        verbose_name="原因",
                    ),
                ),
                ("litres", station.fields.LitresField(verbose_name="升数")),
                ("note", models.CharField(blank=True, max_length=200, verbose_name="说明")),
                ("at", models.DateTimeField(verbose_name="时间")),
            ],
        ),
        migrations.RemoveConstraint(
            model_name="shiftnozzle",
            name="a_nozzles_difference_is_sold_less_claimed",
        ),
        migrations.AddField(
            model_name="sessioncount",
            name="attempt",
            field=models.PositiveSmallIntegerField(default=1, verbose_name="第几次点款"),
        ),
        migrations.AddField(
            model_name="sessioncount",
            name="slips",
            field=models.JSONField(default=dict, verbose_name="其他付款方式清点"),
        ),
        migrations.AddField(
            model_name="shiftnozzle",
            name="explained",
            field=station.fields.LitresField(default=0, verbose_name="已说明升数"),
        ),
        migrations.AddField(
            model_name="shiftnozzle",
            name="passed_in",
            field=station.fields.LitresField(default=0, verbose_name="上班转入升数"),
        ),
        migrations.AddField(
            model_name="shiftnozzle",
            name="passed_on",
            field=station.fields.LitresField(default=0, verbose_name="转下班升数"),
        ),
        migrations.AddConstraint(
            model_name="shiftnozzle",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    (
                        "difference",
                        django.db.models.expressions.CombinedExpression(
                            django.db.models.expressions.CombinedExpression(
                                django.db.models.expressions.CombinedExpression(
                                    models.F("sold"), "+", models.F("passed_in")
                                ),
                                "-",
                                models.F("passed_on"),
                            ),
                            "-",
                            models.F("claimed"),
                        ),
                    )
                ),
                name="a_nozzles_difference_is_what_no_fill_explains",
            ),
        ),
        migrations.AddField(
            model_name="deposit",
            name="actor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="deposit",
            name="day",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to="station.businessday",
            ),
        ),
        migrations.AddField(
            model_name="deposit",
            name="station",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deposits",
                to="station.station",
            ),
        ),
        migrations.AddField(
            model_name="depositline",
            name="deposit",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="lines",
                to="sales.deposit",
            ),
        ),
        migrations.AddField(
            model_name="depositline",
            name="drop",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deposit_line",
                to="sales.cashmovement",
            ),
        ),
        migrations.AddField(
            model_name="depositline",
            name="session",
            field=models.OneToOneField(
                blank=True,
                null=True,
                on_delete=django.db.models.deletion.PROTECT,
                related_name="deposit_line",
                to="station.tillsession",
            ),
        ),
        migrations.AddField(
            model_name="shiftexplanation",
            name="actor",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="shiftexplanation",
            name="nozzle",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT, related_name="+", to="station.nozzle"
            ),
        ),
        migrations.AddField(
            model_name="shiftexplanation",
            name="shift",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.PROTECT,
                related_name="explanations",
                to="station.shift",
            ),
        ),
        migrations.AddConstraint(
            model_name="deposit",
            constraint=models.CheckConstraint(
                condition=models.Q(("amount__gt", 0)), name="a_deposit_moves_money"
            ),
        ),
        migrations.AddConstraint(
            model_name="deposit",
            constraint=models.UniqueConstraint(
                fields=("station", "bank", "slip_no"), name="one_deposit_per_bank_slip"
            ),
        ),
        migrations.AddConstraint(
            model_name="depositline",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("drop", None), ("session__isnull", False)),
                    models.Q(("drop__isnull", False), ("session", None)),
                    _connector="OR",
                ),
                name="a_deposit_line_names_its_cash",
            ),
        ),
        migrations.AddConstraint(
            model_name="shiftexplanation",
            constraint=models.CheckConstraint(
                condition=models.Q(("litres", 0), _negated=True), name="an_explanation_has_litres"
            ),
        ),
        migrations.AddConstraint(
            model_name="shiftexplanation",
            constraint=models.CheckConstraint(
                condition=models.Q(
                    models.Q(("reason", "OTHER"), _negated=True),
                    models.Q(("note", ""), _negated=True),
                    _connector="OR",
                ),
                name="another_reason_is_put_in_words",
            ),
        ),
    ]
