"""Settings shared by every way of running. Values come from the environment (see env.py and docs/operator.md)."""

import secrets as random_secrets
from base64 import urlsafe_b64encode
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from urllib.parse import quote

from curation.embedded.paths import Paths

from . import env

BASE_DIR = Path(__file__).resolve().parents[2]
DATA_DIR = Path(env.read("DATA_DIR", str(BASE_DIR / "var"))).absolute()
PATHS = Paths(DATA_DIR)

DEBUG = False
HOST = env.address("HOST", "127.0.0.1")
PORT = env.integer("PORT", 8000, low=1, high=65535)
WORKERS = env.integer("WORKERS", 2, low=1, high=64)
WORKERS_BEGIN_WITHIN = 60  # seconds after a web process; until then no page says that they are missing
# Each answers pages on one processor at most; they share the port.
WEB_PROCESSES = env.integer("WEB_PROCESSES", 2, low=1, high=16)
WEB_CONNECTIONS = 8  # of each of them to the database
# Of the embedded database: 42 are for the clock, for commands and for what PostgreSQL keeps back.
DATABASE_CONNECTIONS = WEB_PROCESSES * WEB_CONNECTIONS + WORKERS + 42
ALLOWED_HOSTS = env.words("ALLOWED_HOSTS", ["127.0.0.1", "localhost", "[::1]"])
# Servers inside our own network that platform addresses, links and webhooks may lead to all the same: emulators.
ALLOWED_PRIVATE_HOSTS = env.hosts_with_ports("ALLOW_PRIVATE_HOSTS")
# The operator's own taggers (docs/tags.md); models come from here only, never from a project or an upload.
TAGGERS_FILE = Path(env.read("TAGGERS")) if env.read("TAGGERS") else None
# Backups of the database that are taken before its tables change; 0 = none.
KEEP_BACKUPS = env.integer("KEEP_BACKUPS", 7, low=0, high=365)
# Who may read /metrics; without a token only this machine may, and not through a proxy.
METRICS_TOKEN = env.read("METRICS_TOKEN")
BASE_URL = env.read("BASE_URL", f"http://127.0.0.1:{PORT}").rstrip("/")
VERSION = "0.1.0"


def _kept_secret(name: str, file_name: str, make: Callable[[], str]) -> str:
    """Return the variable, or what was made at the first start under DATA_DIR/secrets (0600)."""
    given = env.read(name)
    if given:
        return given
    file = PATHS.secrets / file_name
    if not file.exists():
        try:
            PATHS.secrets.mkdir(mode=0o700, parents=True, exist_ok=True)
            temporary = file.with_suffix(f".{random_secrets.token_hex(4)}")
            temporary.touch(mode=0o600)
            temporary.write_text(make(), encoding="utf-8")
            with suppress(FileExistsError):  # another process was first: its value counts
                file.hardlink_to(temporary)
            temporary.unlink()
        except OSError as error:
            raise env.BadEnvironment(f"DATA_DIR={DATA_DIR} cannot be written: {error.strerror}.") from None
    return file.read_text(encoding="utf-8")


SECRET_KEY = _kept_secret("SECRET_KEY", "secret_key", lambda: random_secrets.token_urlsafe(64))
# Keys of stored platform secrets, newest first, separated by commas.
FIELD_KEYS = env.fernet_keys(
    _kept_secret("FIELD_KEYS", "field_keys", lambda: urlsafe_b64encode(random_secrets.token_bytes(32)).decode())
)

INSTALLED_APPS = [
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django.contrib.humanize",
    "django_htmx",
    "rest_framework",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "channels",
    "crowd",
    "crowd.rehearsal",
    "curation",
]

MIDDLEWARE = [
    "curation.logs.RequestIdMiddleware",
    "curation.request_counts.RequestCountsMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "curation.middleware.StaticFilesMiddleware",
    "curation.middleware.CompressedPagesMiddleware",
    "curation.middleware.DatabaseAwayMiddleware",
    "curation.middleware.StorageRefusedMiddleware",
    "curation.middleware.SecurityHeadersMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "curation.portal.languages.WorkerLanguageMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "curation.sessions.SignedInMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django_htmx.middleware.HtmxMiddleware",
    "curation.dashboard.two_factor_required.TwoFactorRequiredMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]

ROOT_URLCONF = "curation.urls"
ASGI_APPLICATION = "curation.asgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [BASE_DIR / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "libraries": {"lucide": "curation.templatetags.icons"},
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
                "curation.dashboard.context.shell",
            ],
        },
    },
]

# --- database: yours, or the embedded one ---
DATABASE_URL = env.read("DATABASE_URL")
EMBEDDED_DATABASE = not DATABASE_URL
if EMBEDDED_DATABASE:
    _database: dict[str, object] = {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": "winnow",
        "USER": "winnow",
        "HOST": str(PATHS.pg_socket_dir),
        "PORT": "",
        "OPTIONS": {},
    }
else:
    _database = env.database(DATABASE_URL)
_session = "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000 -c lock_timeout=5000"
_options = {
    "options": _session,
    "connect_timeout": 5,
    "application_name": "winnow",
    **dict(_database["OPTIONS"]),  # type: ignore[call-overload]
}
if env.read("WINNOW_ROLE") == "web":
    # Many request threads share few connections, in the order they came; a pool must not cross a fork. A slow machine
    # answers late and refuses nobody: the wait is as long as that for a statement.
    _options["pool"] = {"min_size": 1, "max_size": WEB_CONNECTIONS, "timeout": 30}
DATABASES = {"default": {**_database, "OPTIONS": _options, "CONN_HEALTH_CHECKS": True, "CONN_MAX_AGE": 0}}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Redis: doorbell of the workers and of the browsers, never the truth ---
REDIS_URL = env.read("REDIS_URL")
EMBEDDED_REDIS = not REDIS_URL
if REDIS_URL and not REDIS_URL.startswith(("redis://", "rediss://", "unix://")):
    raise env.BadEnvironment("REDIS_URL must look like redis://host:6379/0.")
CHANNELS_REDIS = REDIS_URL or f"unix://{quote(str(PATHS.redis_socket))}"
CELERY_BROKER_URL = REDIS_URL or f"redis+socket://{quote(str(PATHS.redis_socket))}?virtual_host=0"
CHANNEL_LAYERS = {
    "default": {"BACKEND": "channels_redis.pubsub.RedisPubSubChannelLayer", "CONFIG": {"hosts": [CHANNELS_REDIS]}},
}
# What each process may keep for itself, and what all of them count together (rates of the API). A Redis that says
# nothing adds less than a second to a request.
CACHES = {
    "default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache", "OPTIONS": {"MAX_ENTRIES": 20_000}},
    "shared": {
        "BACKEND": "django.core.cache.backends.redis.RedisCache",
        "LOCATION": CHANNELS_REDIS,
        "KEY_PREFIX": f"winnow-{VERSION}",  # what one release keeps there another may not be able to read
        "OPTIONS": {"socket_timeout": 0.8, "socket_connect_timeout": 0.8, "retry": None},
    },
}
CELERY_TASK_ACKS_LATE = True
CELERY_TASK_REJECT_ON_WORKER_LOST = True
CELERY_WORKER_PREFETCH_MULTIPLIER = 1
CELERY_BROKER_TRANSPORT_OPTIONS = {
    "visibility_timeout": 300,
    "unacked_restore_interval": 5,
    "unacked_restore_throttle": 1,
    # A request waits a second at most for a Redis that says nothing; a worker's own wait for messages is longer.
    "socket_timeout": 0.8 if env.read("WINNOW_ROLE") == "web" else 5,
    "socket_connect_timeout": 0.8 if env.read("WINNOW_ROLE") == "web" else 3,
    "health_check_interval": 25,
    "socket_keepalive": True,
    # A request rings at most once: the default policy would let it wait six seconds for a Redis that is away.
    "max_retries": 1,
    "interval_start": 0,
    "interval_step": 0.1,
    "interval_max": 0.1,
}
CELERY_TASK_SOFT_TIME_LIMIT = 200
CELERY_TASK_TIME_LIMIT = 240
CELERY_WORKER_MAX_TASKS_PER_CHILD = 500
CELERY_WORKER_MAX_MEMORY_PER_CHILD = 600_000
CELERY_TASK_IGNORE_RESULT = True
CELERY_TASK_SERIALIZER = "json"
CELERY_ACCEPT_CONTENT = ["json"]
CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP = True
CELERY_TASK_DEFAULT_QUEUE = "default"
CELERY_WORKER_HIJACK_ROOT_LOGGER = False
CELERY_TIMEZONE = "UTC"

# --- files ---
STORAGE_URL = env.read("STORAGE_URL", f"file://{quote(str(PATHS.media))}")
# Buckets whose pictures leads may register where they lie, without copying them (docs/storage.md).
SOURCE_BUCKETS = env.source_buckets("SOURCE_BUCKETS")
STORAGES = {
    "default": env.storage(STORAGE_URL),
    "staticfiles": {"BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"},
}
MEDIA_HOSTS = env.storage_hosts(STORAGE_URL)
STATIC_URL = "/static/"
STATIC_ROOT = DATA_DIR / "static"
STATICFILES_DIRS = [BASE_DIR / "static", ("guide", BASE_DIR / "docs" / "pictures")]
WHITENOISE_MAX_AGE = 3600
FILE_UPLOAD_PERMISSIONS = 0o600
DATA_UPLOAD_MAX_MEMORY_SIZE = 2_621_440
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1_000

# --- people ---
# Of whom two-factor sign-in is required: nobody, operators, or leads and operators.
REQUIRE_TWO_FACTOR = env.one_of("REQUIRE_TWO_FACTOR", ("", "operators", "leads"))
AUTH_USER_MODEL = "curation.User"
LOGIN_URL = "sign-in"
LOGIN_REDIRECT_URL = "projects"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.MinimumLengthValidator", "OPTIONS": {"min_length": 12}},
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
]
SESSION_ENGINE = "curation.sessions"
SESSION_COOKIE_AGE = 14 * 24 * 3600
SESSION_COOKIE_SAMESITE = "Lax"
SESSION_COOKIE_HTTPONLY = True
CSRF_COOKIE_SAMESITE = "Lax"
SECURE_REFERRER_POLICY = "same-origin"
SECURE_CONTENT_TYPE_NOSNIFF = True
X_FRAME_OPTIONS = "DENY"

LANGUAGE_CODE = "en-us"
LANGUAGES = [("en", "English"), ("ru", "Русский")]  # of the workers' pages; one more is a file under locale/
LOCALE_PATHS = [BASE_DIR / "locale"]
TIME_ZONE = "UTC"
USE_I18N = True
USE_TZ = True

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["curation.api.auth.TokenAuthentication", "curation.api.auth.BrowserSession"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["curation.api.parsing.PlainJSON"],
    "DEFAULT_SCHEMA_CLASS": "curation.api.description.Described",
    "EXCEPTION_HANDLER": "curation.api.problems.handle",
    "DEFAULT_PAGINATION_CLASS": None,
    "UNAUTHENTICATED_USER": "django.contrib.auth.models.AnonymousUser",
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Winnow",
    "DESCRIPTION": "Collect, filter, label, aggregate, review and publish a data set with a crowd.",
    "VERSION": "1",
    "OAS_VERSION": "3.1.0",
    "DISABLE_DOCSTRING_DESCRIPTIONS": True,  # they speak to who reads the code
    "SERVE_INCLUDE_SCHEMA": False,
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "REDOC_DIST": "SIDECAR",
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "ENUM_NAME_OVERRIDES": {
        "AssetState": "curation.models.asset.Asset.State",
        "BatchState": "curation.models.AssetBatch.State",
        "ConsensusStatus": "curation.models.consensus.Consensus.Status",
        "LedgerBook": "crowd.models.money.LedgerEntry.Book",
        "UploadState": "curation.models.FileUpload.State",
        "VersionState": "curation.models.DatasetVersion.State",
    },
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "curation.api.description.complete",
    ],
}

LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"line": {"()": "curation.logs.JsonLine"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "line"}},
    "root": {"handlers": ["stderr"], "level": env.read("LOG_LEVEL", "INFO").upper()},
    "loggers": {
        "django.server": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},
        "uvicorn": {"handlers": ["stderr"], "level": "WARNING", "propagate": False},  # else a line for each websocket
        "uvicorn.access": {"handlers": [], "level": "WARNING", "propagate": False},
        "celery.app.trace": {"level": "WARNING"},
        "celery.beat": {"level": "WARNING"},  # a line for each tick, each second
        "celery.worker.strategy": {"level": "WARNING"},
        "httpx": {"level": "WARNING"},  # a line for each call of a platform
    },
}
