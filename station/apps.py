from django.apps import AppConfig


class StationConfig(AppConfig):
    name = "station"
    verbose_name = "站务"
    default_auto_field = "django.db.models.BigAutoField"
