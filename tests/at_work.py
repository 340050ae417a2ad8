"""What the servers of this process are at work on, counted where the work is done."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from typing import Any

import pytest
from asgiref.sync import SyncToAsync
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.base import BaseHandler


class AtWork:
    """Requests, and threads that go on although whoever asked is gone."""

    def __init__(self) -> None:
        self.n, self._lock = 0, threading.Lock()

    def _change(self, by: int) -> None:
        with self._lock:
            self.n += by

    @contextmanager
    def one_more(self) -> Iterator[None]:
        self._change(1)
        try:
            yield
        finally:
            self._change(-1)

    def counted(self, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        def counting(*given: Any, **named: Any) -> Any:
            with self.one_more():
                return work(*given, **named)

        return counting

    def counted_async(self, work: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(work)
        async def counting(*given: Any, **named: Any) -> Any:
            with self.one_more():
                return await work(*given, **named)

        return counting


at_work = AtWork()


@contextmanager
def counting() -> Iterator[None]:
    """Count as long as this lasts."""
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(BaseHandler, "get_response", at_work.counted(BaseHandler.get_response))
        patched.setattr(ASGIHandler, "handle", at_work.counted_async(ASGIHandler.handle))
        patched.setattr(SyncToAsync, "thread_handler", at_work.counted(SyncToAsync.thread_handler))
        yield
