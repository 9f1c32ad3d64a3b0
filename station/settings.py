"""Settings: everything from the environment, wrong values fail at start.

Lists of dotted names (`MENU`, `HOME`, `SEARCH`, `HEALTH`) are the only door by which the ground
floor reaches the floors above.
"""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import environ
from celery.schedules import crontab
from django.core.exceptions import ImproperlyConfigured

from station.doors import CLOSINGS as CLOSINGS
from station.doors import DEMO_PAGES
from station.doors import DOSSIERS as DOSSIERS
from station.doors import GIVE_GIFTS as GIVE_GIFTS
from station.doors import GO_LIVE as GO_LIVE
from station.doors import HEALTH as HEALTH
from station.doors import HOME as HOME
from station.doors import IMPORTERS as IMPORTERS
from station.doors import ISSUE_REWARD_COUPONS as ISSUE_REWARD_COUPONS
from station.doors import JOBS as JOBS
from station.doors import MENU as MENU
from station.doors import MERGES as MERGES
from station.doors import PHONE_FACTS as PHONE_FACTS
from station.doors import PHONE_PAGES as PHONE_PAGES
from station.doors import PRACTICE_PAGE as PRACTICE_PAGE
from station.doors import PRESENCE as PRESENCE
from station.doors import READ_PAGES as READ_PAGES
from station.doors import SEARCH as SEARCH
from station.doors import TENDERS as TENDERS
from station.runtime import practice
from station.runtime.embedded import database_url, redis_url
from station.runtime.logging import configure as configure_logging

BASE_DIR = Path(__file__).resolve().parent.parent
env = environ.Env()

DEBUG = env.bool("DEBUG", default=False)
PRODUCTION = env.bool("PRODUCTION", default=False)
DEMO = env.bool("DEMO", default=False)
if DEMO:
    MENU = [(name, icon, [*pages, *DEMO_PAGES.get(name, [])]) for name, icon, pages in MENU]
# 练习站: this process belongs to the practice station and never touches live data.
PRACTICE = env.bool("PRACTICE", default=False)
VAR_DIR = Path(env.str("VAR_DIR", default=str(BASE_DIR / "var"))).absolute()
if PRACTICE:
    HOME = {role: [PRACTICE_PAGE, *pages] for role, pages in HOME.items()}
    MENU = [("练习", "outline/school", [("科目", PRACTICE_PAGE)]), *MENU]


def _secret(name: str, length: int) -> str:
    """A secret from the environment, else one kept in var/ (development and the demo only)."""
    value: str = env.str(name, default="")
    if not value:
        if PRODUCTION and not PRACTICE:
            raise ImproperlyConfigured(f"{name} 未设置：生产环境必须提供")
        path = VAR_DIR / f"{name.lower()}.txt"
        if not path.exists():
            VAR_DIR.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(f".{os.getpid()}")
            fresh.write_text(os.urandom(length).hex())
            fresh.chmod(0o600)
            with contextlib.suppress(FileExistsError):
                os.link(fresh, path)  # the first process wins; the others read what it wrote
            fresh.unlink()
        value = path.read_text().strip()
    if len(value) < length:
        raise ImproperlyConfigured(f"{name} 太短：至少 {length} 个字符")
    return value


def _address(name: str, ours: Callable[[Path], str]) -> str:
    """The address of our own server under var/; a production installation must name its own."""
    if PRODUCTION and not env.str(name, default=""):
        raise ImproperlyConfigured(f"{name} 未设置：生产环境必须提供")
    return ours(VAR_DIR)


SECRET_KEY = _secret("SECRET_KEY", 32)
# Wraps the persons' data keys and keys the blind indexes; losing it loses all personal data.
SITE_KEY = _secret("SITE_KEY", 32)
# While the site key is being changed: the key before. `manage.py rotate_site_key` ends its use.
SITE_KEY_PREVIOUS = env.str("SITE_KEY_PREVIOUS", default="")

# Signs who goes practising, and what he passed; the live and the practice station share it.
PRACTICE_KEY = env.str("PRACTICE_KEY", default="")
if not (PRACTICE_KEY or PRODUCTION or PRACTICE):
    PRACTICE_KEY = _secret("PRACTICE_KEY", practice.KEY_LETTERS)
# Where each finds the other: an address, or ":8001" for another port of the same host. Without
# PRACTICE_URL the one that runs on this machine is found by itself.
PRACTICE_URL = env.str("PRACTICE_URL", default="")
LIVE_URL = env.str("LIVE_URL", default="")
PRACTICE_DIR = VAR_DIR if PRACTICE else VAR_DIR / practice.FOLDER

ALLOWED_HOSTS = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
CSRF_TRUSTED_ORIGINS = env.list("CSRF_TRUSTED_ORIGINS", default=[])
HTTPS = env.bool("HTTPS", default=False)

INSTALLED_APPS = [
    "station",
    "devices",
    "inventory",
    "members",
    "marketing",
    "sales",
    "staff",
    "finance",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "django.contrib.humanize",
    "django.contrib.staticfiles",
    "crispy_forms",
    "crispy_bootstrap5",
    "django_htmx",
    "tablericons",
    "axes",
    "django_otp",
    "django_otp.plugins.otp_totp",
    "django_otp.plugins.otp_static",
]

MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "csp.middleware.CSPMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django_otp.middleware.OTPMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "station.middleware.RequestLogMiddleware",
    "station.middleware.PlainTextMiddleware",
    "station.middleware.SignInMiddleware",
    "station.middleware.RefusalMiddleware",
    "axes.middleware.AxesMiddleware",
]
AUTHENTICATION_BACKENDS = [
    "axes.backends.AxesStandaloneBackend",
    "django.contrib.auth.backends.ModelBackend",
]
# Five wrong passwords lock the account, not the address: a station's tills share one.
AXES_FAILURE_LIMIT = 5
AXES_COOLOFF_TIME = timedelta(minutes=15)
AXES_LOCKOUT_PARAMETERS = ["username"]
AXES_RESET_ON_SUCCESS = True
AXES_LOCKOUT_CALLABLE = "station.views.sign_in.locked_out"
AXES_RESET_COOL_OFF_ON_FAILURE_DURING_LOCKOUT = False
SILENCED_SYSTEM_CHECKS = [
    "axes.W006",  # locking by account is what the rule asks for
    # The proxy redirects to HTTPS, and the name of a station's machine is no public domain.
    "security.W005",
    "security.W008",
    "security.W021",
]
OTP_TOTP_ISSUER = "油站管家"

ROOT_URLCONF = "station.urls.root"
WSGI_APPLICATION = "station.wsgi.application"

TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.messages.context_processors.messages",
                "station.context.frame",
            ],
            "builtins": ["django.templatetags.static"],
        },
    }
]
CRISPY_ALLOWED_TEMPLATE_PACKS = "bootstrap5"
CRISPY_TEMPLATE_PACK = "bootstrap5"
FORM_RENDERER = "django.forms.renderers.TemplatesSetting"
INSTALLED_APPS.append("django.forms")

# Without an address: the private servers that `make run` keeps under var/.
DATABASES = {"default": env.db_url("DATABASE_URL", default=_address("DATABASE_URL", database_url))}
if DATABASES["default"]["ENGINE"] != "django.db.backends.postgresql":
    raise ImproperlyConfigured("DATABASE_URL 必须是 PostgreSQL：规则由它的约束和触发器守护")
DATABASES["default"]["CONN_MAX_AGE"] = env.int("CONN_MAX_AGE", default=60)
DATABASES["default"]["CONN_HEALTH_CHECKS"] = True
# The tests begin on a database that has been migrated once for all of them.
DATABASES["default"]["TEST"] = {"TEMPLATE": env.str("TEST_TEMPLATE", default="") or None}
DATABASES["default"].setdefault("OPTIONS", {}).setdefault("connect_timeout", 5)

REDIS_URL = env.str("REDIS_URL", default=_address("REDIS_URL", redis_url))
# Two databases of a private server: the cache, and the broker after it. Tests that run side by
# side take a pair each, so that one may empty its cache.
CACHE_DB = env.int("CACHE_DB", default=0)
CACHES = {
    "default": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": REDIS_URL,
        "OPTIONS": {"db": CACHE_DB},
    }
}
_socket = f"redis+socket://{REDIS_URL.removeprefix('unix://')}?virtual_host={CACHE_DB + 1}"
CELERY_BROKER_URL = _socket if REDIS_URL.startswith("unix://") else REDIS_URL
_why_not = practice.why_not(
    practice.Ground(
        var=VAR_DIR,
        database=DATABASES["default"]["NAME"],
        redis_url=REDIS_URL,
        cache_db=CACHE_DB,
        key=PRACTICE_KEY,
        texts=env.str("TEXT_CHANNEL", default=""),
    ),
    practice=PRACTICE,
)
if _why_not:
    raise ImproperlyConfigured(_why_not)
CELERY_TASK_ALWAYS_EAGER = env.bool("CELERY_TASK_ALWAYS_EAGER", default=False)
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_ACKS_LATE = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
# A wake-up must not keep a cashier waiting for a broker that is away: one try, no pause. The
# worker's own reconnecting is another setting and goes on for ever.
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0,
    "interval_max": 0,
    "socket_connect_timeout": 1,
    "socket_timeout": 30,
}
CELERY_WORKER_HIJACK_ROOT_LOGGER = False  # the worker's lines take the road of all others
CELERY_TIMEZONE = "Asia/Shanghai"
# Every waiting row is looked at within 30 seconds even when the wake-up was lost.
_BEAT: dict[str, timedelta | crontab] = {
    "station.run_jobs": timedelta(seconds=30),
    "station.heartbeat": timedelta(seconds=15),
    "station.backup": crontab(hour=3, minute=40),
    "members.drop_old_exports": crontab(hour=2, minute=40),
    "members.find_duplicates": crontab(hour=2, minute=50),
    "members.warn_bearer_cards": crontab(hour=6, minute=15),
    "members.sweep_closed": crontab(hour=3, minute=5),
    "inventory.check_levels": timedelta(seconds=30),
    "inventory.ask_about_deliveries": timedelta(minutes=1),
    "inventory.prove_stock": crontab(hour=4, minute=25),
    "station.check_calendar": crontab(hour=6, minute=5),
    "members.forget_codes": crontab(hour=4, minute=10),
    "members.evaluate_tiers": crontab(hour=0, minute=20),
    "members.expire_points": crontab(hour=0, minute=1),
    "members.make_gifts": crontab(hour=8, minute=5),
    "marketing.give_gifts": timedelta(seconds=30),
    "members.watch_shares": crontab(hour=0, minute=40),
    "members.mature_points": crontab(hour=0, minute=2),
    "finance.archive_reports": timedelta(seconds=30),
    "marketing.end_promotions": timedelta(minutes=1),
    "marketing.expire_coupons": timedelta(minutes=1),
    "marketing.expire_locks": timedelta(minutes=1),
    "members.expire_redemptions": timedelta(minutes=5),
    "marketing.issue_reward_coupons": timedelta(seconds=30),
    "members.top_up_rewards": timedelta(seconds=30),
    "members.ask_partners": timedelta(seconds=30),
    "members.remind_expiring": crontab(hour="9-20", minute=10),
    "members.remind_reached": timedelta(seconds=30),
    "members.tell_tiers": timedelta(seconds=30),
    "members.send_texts": timedelta(seconds=30),
    "marketing.remind_coupons": crontab(hour="9-20", minute=12),
    "sales.print_receipts": timedelta(seconds=15),
    "sales.watch_printers": timedelta(seconds=3),
    "sales.settle_prepays": timedelta(seconds=1),
    "sales.book_uploads": timedelta(seconds=30),
    "sales.drop_stale_leases": crontab(minute=20),
    "sales.put_due_prices": timedelta(seconds=1),
    "sales.watch_service_times": timedelta(minutes=5),
    "devices.end_what_is_late": timedelta(seconds=5),
    "devices.watch_gauges": timedelta(seconds=30),
    "devices.thin_gauge_readings": crontab(hour=3, minute=15),
    "devices.check_certificates": crontab(hour=6, minute=25),
    "devices.check_self_tests": crontab(hour=6, minute=27),
    "station.collect_practice": timedelta(seconds=15),
    "finance.practice_scenes": timedelta(seconds=2),
    "devices.take_plate_files": timedelta(seconds=2),
    "devices.watch_cameras": timedelta(seconds=10),
    "devices.forget_plates": crontab(hour=3, minute=15),
}
# What a practice station has no use for, and what only it has.
for _name in (
    ["station.backup", "station.collect_practice"] if PRACTICE else ["finance.practice_scenes"]
):
    del _BEAT[_name]
CELERY_BEAT_SCHEDULE: dict[str, dict[str, object]] = {
    name: {"task": name.replace(".", ".tasks.", 1), "schedule": when}
    for name, when in _BEAT.items()
}
# A worker that was away has one of these to catch up, not all.
CELERY_BEAT_SCHEDULE["sales.put_due_prices"]["options"] = {"expires": 5}
CELERY_BEAT_SCHEDULE["sales.watch_printers"]["options"] = {"expires": 3}
CELERY_BEAT_SCHEDULE["devices.end_what_is_late"]["options"] = {"expires": 10}
if PRACTICE:
    CELERY_BEAT_SCHEDULE["finance.practice_scenes"]["options"] = {"expires": 5}

AUTH_USER_MODEL = "station.User"
PASSWORD_HASHERS = ["django.contrib.auth.hashers.Argon2PasswordHasher"]
AUTH_PASSWORD_VALIDATORS = [
    {
        "NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator",
        "OPTIONS": {"user_attributes": ("username", "name")},
    },
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 8},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
LOGIN_URL = "station:sign_in"
CSRF_FAILURE_VIEW = "station.views.errors.csrf_failure"
SESSION_COOKIE_AGE = env.int("SESSION_HOURS", default=12) * 3600
SESSION_COOKIE_HTTPONLY = True
if PRACTICE:
    # Cookies know no ports: both stations may be open in one browser.
    SESSION_COOKIE_NAME, CSRF_COOKIE_NAME = "practice_session", "practice_csrf"
    MESSAGE_STORAGE = "django.contrib.messages.storage.session.SessionStorage"
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = HTTPS
SECURE_CONTENT_TYPE_NOSNIFF = True
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
if HTTPS:
    SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https")
    SECURE_HSTS_SECONDS = 31536000
# The demo's second line speaks TCP. 0: the usual port, or a free one where another station has it.
SIMULATOR_PORT = env.int("SIMULATOR_PORT", default=0)
# A till locks itself after this many idle minutes; the cashier comes back with a PIN.
IDLE_LOCK_MINUTES = 0 if PRACTICE else env.int("IDLE_LOCK_MINUTES", default=15)

# Where texts (短信) go: local (kept for the demo's own page), none, or the dotted path of an adapter.
TEXT_CHANNEL = (
    "local" if PRACTICE else env.str("TEXT_CHANNEL", default="local" if DEMO or DEBUG else "none")
)

CONTENT_SECURITY_POLICY = {
    "DIRECTIVES": {
        "default-src": ["'self'"],
        "img-src": ["'self'", "data:", "blob:"],
        "style-src": ["'self'"],
        "script-src": ["'self'"],
        "connect-src": ["'self'"],
        "object-src": ["'none'"],
        "base-uri": ["'none'"],
        "form-action": ["'self'"],
        "frame-ancestors": ["'none'"],
    }
}

LANGUAGE_CODE = "zh-hans"
TIME_ZONE = "Asia/Shanghai"
USE_TZ = True
USE_I18N = True

STATIC_URL = "static/"
STATICFILES_DIRS = [("vendor", BASE_DIR / "assets" / "vendor")]
# Served from where they lie; an image collects them once and sets STATIC_FINDERS=0.
WHITENOISE_USE_FINDERS = env.bool("STATIC_FINDERS", default=True)
STATIC_ROOT = None if WHITENOISE_USE_FINDERS else BASE_DIR / "staticfiles"
WHITENOISE_AUTOREFRESH = DEBUG
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
MEDIA_ROOT = VAR_DIR / "media"
DATA_UPLOAD_MAX_MEMORY_SIZE = 12 * 1024 * 1024

LOGGING_CONFIG = None
configure_logging(
    level=env.str("LOG_LEVEL", default="INFO"),
    json=env.bool("LOG_JSON", default=not sys.stderr.isatty()),
)

DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
MIGRATION_MODULES: dict[str, str] = {}
