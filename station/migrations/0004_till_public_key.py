"""A till signs with its own key; the station keeps the public half, not a digest."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("station", "0003_accounts_and_index_key")]

    operations = [
        migrations.RenameField("till", "key_hash", "public_key"),
        migrations.AlterField(
            "till", "public_key", models.CharField("设备公钥", max_length=128, blank=True)
        ),
    ]
