from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ("members", "0044_heads_who_merged"),
    ]

    operations = [
        migrations.AddField(
            model_name="valueaccount",
            name="expires_on",
            field=models.DateField(blank=True, null=True, verbose_name="有效期至"),
        ),
        migrations.AddIndex(
            model_name="valueaccount",
            index=models.Index(condition=models.Q(("kind", "BEARER")), fields=["expires_on"], name="bearer_cards_by_last_day"),
        ),
    ]
