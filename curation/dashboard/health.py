"""Is the process alive, and can it work?"""

import logging
import uuid
from collections.abc import Callable
from typing import Final

import psycopg
import redis
from django.conf import settings
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

log = logging.getLogger(__name__)
SECONDS = 2


@require_safe
@never_cache
def healthz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Say that the process answers; touches nothing."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
@never_cache
def readyz(request: HttpRequest) -> HttpResponse:  # noqa: ARG001
    """Try everything a request may need; 503 names what does not answer, never why (that is in the log)."""
    found = {name: _try(name, check) for name, check in CHECKS.items()}
    ready = all(found.values())
    parts = {name: "ok" if good else "away" for name, good in found.items()}
    return JsonResponse({"status": "ready" if ready else "not ready", **parts}, status=200 if ready else 503)


def _try(name: str, check: Callable[[], None]) -> bool:
    try:
        check()
    except Exception:
        log.warning("readyz: %s does not answer", name, exc_info=True)
        return False
    return True


def _database() -> None:
    """Ask by a connection that is free within seconds: pages may wait longer for one, who asks here may not.

    A server that is frozen says nothing on connections that it has, for ever; a new one is given up in time.
    """
    psycopg.connect(**{**connection.get_connection_params(), "connect_timeout": SECONDS}).close()
    pool = getattr(connection, "pool", None)
    if pool is None:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
        return
    pool.open()
    with pool.connection(timeout=SECONDS) as found:
        found.execute("SELECT 1")


def _migrations() -> None:
    _database()
    executor = MigrationExecutor(connection)
    if executor.migration_plan(executor.loader.graph.leaf_nodes()):
        raise RuntimeError("migrations are waiting")


def _redis() -> None:
    client = redis.Redis.from_url(settings.CHANNELS_REDIS, socket_timeout=SECONDS, socket_connect_timeout=SECONDS)
    try:
        client.ping()
    finally:
        client.close()


def _storage() -> None:
    name = default_storage.save(f"probe/{uuid.uuid4().hex}", ContentFile(b"ok"))
    default_storage.delete(name)


CHECKS: Final[dict[str, Callable[[], None]]] = {
    "database": _database,
    "migrations": _migrations,
    "redis": _redis,
    "storage": _storage,
}
