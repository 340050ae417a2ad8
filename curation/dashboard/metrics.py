"""What monitoring reads. Not public: with the token, or from this very machine when there is none."""

import hmac

from django.conf import settings
from django.http import Http404, HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from crowd.clock import database_now
from curation import request_counts
from curation.services import metrics
from curation.services.metrics.text import CONTENT_TYPE

HERE = {"127.0.0.1", "::1"}
OF_PROXIES = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded", "Via")


@require_safe
@never_cache
def metrics_page(request: HttpRequest) -> HttpResponse:
    if not _may_read(request):
        raise Http404
    found = [*metrics.families(now=database_now()), *request_counts.families()]
    return HttpResponse(metrics.exposition(found), content_type=CONTENT_TYPE)


def _may_read(request: HttpRequest) -> bool:
    if settings.METRICS_TOKEN:
        given = request.headers.get("Authorization", "").removeprefix("Bearer ")
        return hmac.compare_digest(given.encode(), settings.METRICS_TOKEN.encode())
    return request.META.get("REMOTE_ADDR") in HERE and not any(name in request.headers for name in OF_PROXIES)
