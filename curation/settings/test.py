"""The suite: real PostgreSQL and Redis of its own, started by tests/conftest.py, and throw-away folders."""

import os
import tempfile
from pathlib import Path

# Never the developer's data or servers: each process of the suite has a folder of its own, which commands started by a
# test inherit.
_who = os.environ.get("PYTEST_XDIST_WORKER", "")
if "WINNOW_TEST_DATA_DIR" not in os.environ or os.environ.get("WINNOW_TEST_PROCESS", _who) != _who:
    _own = Path(tempfile.gettempdir()) / f"winnow-test-{os.getuid()}-{os.getpid()}"
    os.environ["WINNOW_TEST_DATA_DIR"] = str(_own)
os.environ["WINNOW_TEST_PROCESS"] = _who
os.environ["DATA_DIR"] = os.environ["WINNOW_TEST_DATA_DIR"]
os.environ.setdefault("SECRET_KEY", "only for the tests: " + "x" * 50)
for _name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL", "ALLOWED_HOSTS", "BASE_URL", "PORT", "HOST"):
    os.environ.pop(_name, None)

from .base import *  # noqa: E402

INSTALLED_APPS = [*INSTALLED_APPS, "django_linear_migrations"]  # parallel branches of migrations conflict loudly

WORKERS_BEGIN_WITHIN = 0  # no page depends on when the suite began

# A busy machine is not under test: what asks for a limit of time sets one of its own.
_patient = "-c statement_timeout=600000 -c idle_in_transaction_session_timeout=600000 -c lock_timeout=30000"
DATABASES["default"]["OPTIONS"] |= {"options": _patient, "connect_timeout": 60}  # type: ignore[operator]

PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
STORAGES = {**STORAGES, "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"}}
MIDDLEWARE = [name for name in MIDDLEWARE if "StaticFiles" not in name]  # nothing is collected for the tests
