from django.apps import AppConfig
from django.conf import settings

from devices.line.port import confine


class DevicesConfig(AppConfig):
    name = "devices"
    verbose_name = "设备"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        # In every process: the poller opens ports, and so do workers that print and pages that try one.
        if settings.PRACTICE:
            confine(settings.VAR_DIR / "sim")
