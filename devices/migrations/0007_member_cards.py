"""A card of a member has a medium, and says which one it replaces."""


import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('devices', '0006_day_of_an_alarm'),
        ('station', '0006_ordinary_days'),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name='card',
            name='medium',
            field=models.CharField(choices=[('IC', 'IC 卡'), ('RFID', '射频卡'), ('QR', '二维码卡')], default='IC', max_length=4, verbose_name='介质'),
        ),
        migrations.AddField(
            model_name='card',
            name='replaces',
            field=models.ForeignKey(blank=True, null=True, on_delete=django.db.models.deletion.PROTECT, related_name='replaced_by', to='devices.card'),
        ),
        migrations.AlterField(
            model_name='card',
            name='document',
            field=models.CharField(blank=True, db_index=True, max_length=60, verbose_name='会员编号'),
        ),
        migrations.AddConstraint(
            model_name='card',
            constraint=models.UniqueConstraint(condition=models.Q(('replaces', None), _negated=True), fields=('replaces',), name='a_card_is_replaced_once'),
        ),
    ]
