"""Members merged into one, and the pairs that may be one person."""


import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("members", "0009_consent_guards"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.CreateModel(
            name='DuplicatePair',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reasons', models.CharField(max_length=100, verbose_name='理由')),
                ('score', models.PositiveSmallIntegerField(verbose_name='相似度(%)')),
                ('found_at', models.DateTimeField(verbose_name='发现时间')),
                ('dismissed_at', models.DateTimeField(blank=True, null=True, verbose_name='判为不同人的时间')),
                ('dismissed_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('first', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.member')),
                ('second', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to='members.member')),
            ],
            options={
                'indexes': [models.Index(fields=['-score', 'id'], name='pairs_by_likeness')],
                'constraints': [models.UniqueConstraint(fields=('first', 'second'), name='a_pair_is_proposed_once'), models.CheckConstraint(condition=models.Q(('first__lt', models.F('second'))), name='a_pair_stands_in_one_order')],
            },
        ),
        migrations.CreateModel(
            name='Merge',
            fields=[
                ('id', models.BigAutoField(auto_created=True, primary_key=True, serialize=False, verbose_name='ID')),
                ('reason', models.CharField(max_length=200, verbose_name='原因')),
                ('at', models.DateTimeField(verbose_name='合并时间')),
                ('undo_until', models.DateTimeField(verbose_name='可撤销至')),
                ('undone_at', models.DateTimeField(blank=True, null=True, verbose_name='撤销时间')),
                ('undo_reason', models.CharField(blank=True, max_length=200, verbose_name='撤销原因')),
                ('actor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
                ('merged', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='went_into', to='members.member')),
                ('survivor', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='took_in', to='members.member')),
                ('undone_by', models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='+', to=settings.AUTH_USER_MODEL)),
            ],
            options={
                'constraints': [models.UniqueConstraint(condition=models.Q(('undone_at', None)), fields=('merged',), name='one_living_merge_per_member'), models.CheckConstraint(condition=models.Q(('survivor', models.F('merged')), _negated=True), name='nobody_is_merged_into_himself')],
            },
        ),
    ]
