from django.apps import AppConfig


class SalesConfig(AppConfig):
    name = "sales"
    verbose_name = "销售"
    default_auto_field = "django.db.models.BigAutoField"
