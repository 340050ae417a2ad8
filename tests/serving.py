"""The real ASGI application, pages and websockets, in this process."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from django.contrib.staticfiles.handlers import ASGIStaticFilesHandler


@contextmanager
def serving(port: int = 0) -> Iterator[str]:
    """Serve on this port, or a free one, and yield the address. For tests that commit (transaction=True)."""
    from curation import asgi

    pages = ASGIStaticFilesHandler(asgi.http)

    async def application(scope: dict[str, Any], receive: Any, send: Any) -> None:
        await (pages if scope["type"] == "http" else asgi.application)(scope, receive, send)

    with socket.create_server(("127.0.0.1", port)) as door:
        running = uvicorn.Server(uvicorn.Config(application, log_level="error", lifespan="off", ws="auto"))
        thread = threading.Thread(target=running.run, kwargs={"sockets": [door]}, daemon=True)
        thread.start()
        while not running.started:
            time.sleep(0.02)
        try:
            yield f"http://127.0.0.1:{door.getsockname()[1]}"
        finally:
            running.should_exit = True
            thread.join(120)
            assert not thread.is_alive(), "the server does not end"
