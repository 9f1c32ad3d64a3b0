from django.apps import AppConfig


class DevicesConfig(AppConfig):
    name = "devices"
    verbose_name = "设备"
    default_auto_field = "django.db.models.BigAutoField"
