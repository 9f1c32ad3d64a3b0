"""Files of personal data: what a person asked for, and what is imported."""


import django.db.models.deletion
import django.db.models.expressions
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("members", "0011_merge_guards"),
        ('station', '0006_ordinary_days'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='ImportBatch',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('name', models.CharField(max_length=120, verbose_name='文件名')),
                ('sha256', models.CharField(max_length=64, verbose_name='文件摘要')),
                ('content_sealed', models.TextField(blank=True, verbose_name='内容(密文)')),
                ('status', models.CharField(choices=[('UPLOADED', '检查中'), ('CHECKED', '已检查'), ('IMPORTING', '导入中'), ('DONE', '已导入'), ('UNDONE', '已撤销'), ('REFUSED', '文件不能用')], max_length=10, verbose_name='状态')),
                ('uploaded_at', models.DateTimeField(verbose_name='上传时间')),
                ('rows', models.PositiveIntegerField(default=0, verbose_name='行数')),
                ('good', models.PositiveIntegerField(default=0, verbose_name='可导入')),
                ('known', models.PositiveIntegerField(default=0, verbose_name='重复')),
                ('bad', models.PositiveIntegerField(default=0, verbose_name='有错')),
                ('taken', models.PositiveIntegerField(default=0, verbose_name='已导入')),
                ('undone', models.PositiveIntegerField(default=0, verbose_name='已撤销')),
                ('words', models.CharField(blank=True, max_length=200, verbose_name='说明')),
                ('finished_at', models.DateTimeField(blank=True, null=True, verbose_name='完成时间')),
                ('key', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='station.datakey')),
                ('station', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='station.station')),
                ('uploaded_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
        ),
        migrations.AddField(
            model_name='member',
            name='batch',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='members', to='members.importbatch', verbose_name='导入批次'),
        ),
        migrations.CreateModel(
            name='ImportTrouble',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('line', models.PositiveIntegerField(verbose_name='行')),
                ('known', models.BooleanField(default=False, verbose_name='重复')),
                ('masked', models.CharField(blank=True, max_length=80, verbose_name='内容(打码)')),
                ('words', models.CharField(max_length=200, verbose_name='原因')),
                ('batch', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='troubles', to='members.importbatch')),
            ],
        ),
        migrations.CreateModel(
            name='MemberExport',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=200, verbose_name='原因')),
                ('asked_at', models.DateTimeField(verbose_name='申请时间')),
                ('made_at', models.DateTimeField(blank=True, null=True, verbose_name='做好时间')),
                ('expires_at', models.DateTimeField(verbose_name='可下载至')),
                ('content_sealed', models.TextField(blank=True, verbose_name='内容(密文)')),
                ('size', models.PositiveIntegerField(default=0, verbose_name='大小(字节)')),
                ('asked_by', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('member', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='exports', to='members.member')),
            ],
        ),
        migrations.AddConstraint(
            model_name='importbatch',
            constraint=models.CheckConstraint(condition=models.Q(('rows', django.db.models.expressions.CombinedExpression(django.db.models.expressions.CombinedExpression(models.F('good'), '+', models.F('known')), '+', models.F('bad')))), name='every_row_is_good_known_or_bad'),
        ),
        migrations.AddConstraint(
            model_name='importbatch',
            constraint=models.CheckConstraint(condition=models.Q(('taken__lte', models.F('rows')), ('undone__lte', models.F('taken'))), name='no_more_is_taken_than_there_is'),
        ),
        migrations.AddIndex(
            model_name='importtrouble',
            index=models.Index(fields=['batch', 'line'], name='troubles_of_a_batch'),
        ),
    ]
