"""How many requests a caller may make: counted for all processes together in Redis.

When Redis is away each process counts for itself, so that nobody is refused for a fault of ours and nobody is let in
without end.
"""

import logging
from contextlib import suppress
from typing import cast

from django.core.cache import caches
from django.core.cache.backends.base import BaseCache
from redis.exceptions import RedisError
from rest_framework.request import Request
from rest_framework.throttling import UserRateThrottle
from rest_framework.views import APIView

from curation.models import ApiToken
from curation.services import redis_away

log = logging.getLogger(__name__)


class ApiThrottle(UserRateThrottle):
    """A window that slides: the requests of this one, and of the one before the share that is still inside."""

    rate = "600/min"
    num_requests: int
    duration: int

    def get_cache_key(self, request: Request, view: APIView) -> str:
        who = f"token-{request.auth.pk}" if isinstance(request.auth, ApiToken) else f"user-{request.user.pk}"
        return f"api-throttle-{self.scope}-{who}"

    def allow_request(self, request: Request, view: APIView) -> bool:
        self.now = self.timer()
        key = self.get_cache_key(request, view)
        if not redis_away.is_known():
            try:
                return self._is_allowed("shared", key)
            except (RedisError, OSError):
                redis_away.note()
                log.warning("requests are counted by each process for itself: Redis does not answer")
        return self._is_allowed("default", key)

    def _is_allowed(self, where: str, key: str) -> bool:
        """Count first and look afterwards: of many requests at one moment none is let in unseen."""
        cache, window = caches[where], int(self.now // self.duration)
        this, before = f"{key}-{window}", f"{key}-{window - 1}"
        self.here, self.there = _one_more(cache, this, 2 * self.duration) - 1, int(cache.get(before, 0))
        if self.here + self.there * (1 - self._passed()) < self.num_requests:
            return True
        with suppress(ValueError):
            cache.decr(this)  # what is refused takes no place
        return False

    def _passed(self) -> float:
        """Return which share of this window is over."""
        return float(self.now % self.duration / self.duration)

    def wait(self) -> float:
        """Return the seconds until the next request is let in."""
        free = self.num_requests - self.here
        if free <= 0:  # with the next window the first of this one are outside
            return float(self.duration * (1 - self._passed()))
        return float(self.duration * max(0.0, 1 - free / self.there - self._passed())) + 1


def _one_more(cache: BaseCache, key: str, seconds: int) -> int:
    for _ in range(2):
        with suppress(ValueError):  # nobody has counted in this window yet
            return cache.incr(key)
        if cache.add(key, 1, seconds):
            return 1
    return 1  # the counts are being lost


class HeavyThrottle(ApiThrottle):
    """The narrower rate of what costs much, each resource on its own."""

    def allow_request(self, request: Request, view: APIView) -> bool:
        rate = getattr(view, "rates", {}).get(request.method)
        if rate is None:
            return True
        self.rate = rate
        self.num_requests, self.duration = cast("tuple[int, int]", self.parse_rate(rate))
        return super().allow_request(request, view)

    def get_cache_key(self, request: Request, view: APIView) -> str:
        return f"{super().get_cache_key(request, view)}-{type(view).__name__}"
