"""Consents as dated records, profiles with their history, and members merged into one."""

import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("members", "0006_tier_guards"),
        ('station', '0006_ordinary_days'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='Consent',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('purpose', models.CharField(choices=[('POLICY', '隐私政策'), ('SMS', '优惠短信'), ('PERSONAL', '个性化推荐'), ('LOCATION', '位置与到站识别'), ('GUARDIAN', '监护人同意')], max_length=10, verbose_name='用途')),
                ('policy_version', models.CharField(max_length=20, verbose_name='政策版本')),
                ('given_at', models.DateTimeField(verbose_name='同意时间')),
                ('given_channel', models.CharField(choices=[('TILL', '收银台'), ('STATION', '站内办理'), ('PHONE', '电话'), ('SMS', '短信回复'), ('WECHAT', '微信'), ('APP', '会员端'), ('IMPORT', '导入')], max_length=8, verbose_name='同意途径')),
                ('evidence', models.CharField(blank=True, max_length=200, verbose_name='凭据')),
                ('withdrawn_at', models.DateTimeField(blank=True, null=True, verbose_name='撤回时间')),
                ('withdrawn_channel', models.CharField(blank=True, choices=[('TILL', '收银台'), ('STATION', '站内办理'), ('PHONE', '电话'), ('SMS', '短信回复'), ('WECHAT', '微信'), ('APP', '会员端'), ('IMPORT', '导入')], max_length=8, verbose_name='撤回途径')),
            ],
        ),
        migrations.CreateModel(
            name='ProfileChange',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('field', models.CharField(choices=[('NAME', '姓名'), ('PHONE', '手机号'), ('ID_NUMBER', '身份证号'), ('BIRTHDAY', '生日'), ('PREFERENCES', '偏好'), ('PLATE', '车牌'), ('GUARDIAN', '监护人')], max_length=12, verbose_name='资料项')),
                ('old_sealed', models.CharField(blank=True, max_length=500, verbose_name='原值(密文)')),
                ('new_sealed', models.CharField(blank=True, max_length=500, verbose_name='新值(密文)')),
                ('at', models.DateTimeField(verbose_name='时间')),
                ('channel', models.CharField(choices=[('TILL', '收银台'), ('STATION', '站内办理'), ('PHONE', '电话'), ('SMS', '短信回复'), ('WECHAT', '微信'), ('APP', '会员端'), ('IMPORT', '导入')], max_length=8, verbose_name='途径')),
            ],
        ),
        migrations.RemoveConstraint(
            model_name='member',
            name='a_closed_member_is_found_by_nothing',
        ),
        migrations.AddField(
            model_name='member',
            name='birthday_index',
            field=models.CharField(blank=True, db_index=True, max_length=64, verbose_name='生日(月日)索引'),
        ),
        migrations.AddField(
            model_name='member',
            name='birthday_sealed',
            field=models.CharField(blank=True, max_length=300, verbose_name='生日(密文)'),
        ),
        migrations.AddField(
            model_name='member',
            name='confirm_asked_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='上次请其核对时间'),
        ),
        migrations.AddField(
            model_name='member',
            name='confirmed_at',
            field=models.DateTimeField(blank=True, null=True, verbose_name='资料核对时间'),
        ),
        migrations.AddField(
            model_name='member',
            name='guardian_name_sealed',
            field=models.CharField(blank=True, max_length=300, verbose_name='监护人姓名(密文)'),
        ),
        migrations.AddField(
            model_name='member',
            name='guardian_phone_sealed',
            field=models.CharField(blank=True, max_length=300, verbose_name='监护人电话(密文)'),
        ),
        migrations.AddField(
            model_name='member',
            name='merged_into',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='merged_ones', to='members.member', verbose_name='并入'),
        ),
        migrations.AddField(
            model_name='member',
            name='name_index',
            field=models.CharField(blank=True, db_index=True, max_length=64, verbose_name='姓名索引'),
        ),
        migrations.AddField(
            model_name='member',
            name='preferences_sealed',
            field=models.CharField(blank=True, max_length=500, verbose_name='偏好(密文)'),
        ),
        migrations.AlterField(
            model_name='member',
            name='status',
            field=models.CharField(choices=[('ACTIVE', '正常'), ('FROZEN', '冻结'), ('MERGED', '已并入'), ('CLOSED', '已注销')], default='ACTIVE', max_length=8, verbose_name='状态'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('status', 'CLOSED'), _negated=True), models.Q(('birthday_index', ''), ('closed_at__isnull', False), ('id_number_index', ''), ('name_index', ''), ('phone_index', '')), _connector='OR'), name='a_closed_member_is_found_by_nothing'),
        ),
        migrations.AddConstraint(
            model_name='member',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('merged_into__isnull', False), ('status', 'MERGED')), models.Q(models.Q(('status', 'MERGED'), _negated=True), ('merged_into', None)), _connector='OR'), name='a_merged_member_names_whom_he_became'),
        ),
        migrations.AddField(
            model_name='consent',
            name='given_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='consent',
            name='member',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='consents', to='members.member'),
        ),
        migrations.AddField(
            model_name='consent',
            name='withdrawn_by',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='profilechange',
            name='actor',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL),
        ),
        migrations.AddField(
            model_name='profilechange',
            name='member',
            field=models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='changes', to='members.member'),
        ),
        migrations.AddIndex(
            model_name='consent',
            index=models.Index(fields=['member', '-given_at'], name='consents_of_a_member'),
        ),
        migrations.AddConstraint(
            model_name='consent',
            constraint=models.UniqueConstraint(condition=models.Q(('withdrawn_at', None)), fields=('member', 'purpose'), name='one_living_consent_per_purpose'),
        ),
        migrations.AddConstraint(
            model_name='consent',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('withdrawn_at', None), ('withdrawn_channel', '')), models.Q(('withdrawn_at__gte', models.F('given_at')), models.Q(('withdrawn_channel', ''), _negated=True)), _connector='OR'), name='a_withdrawal_has_time_and_channel'),
        ),
        migrations.AddIndex(
            model_name='profilechange',
            index=models.Index(fields=['member', '-at'], name='changes_of_a_member'),
        ),
    ]
