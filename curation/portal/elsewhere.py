"""Doors for other platforms, without cookies: pictures their workers look at, and their notifications."""

import logging

from django.core.files.storage import default_storage
from django.core.signing import BadSignature
from django.http import FileResponse, Http404, HttpRequest, JsonResponse
from django.views.decorators.cache import cache_control
from django.views.decorators.csrf import csrf_exempt
from django.views.decorators.http import require_POST, require_safe

from crowd.clock import database_now
from crowd.errors import AuthFailed, CrowdError
from crowd.links import key_of
from crowd.models import Account
from crowd.platforms.registry import elsewhere
from crowd.services import notifications
from curation.engine.market import pull_soon
from curation.portal.media import file_response

log = logging.getLogger(__name__)
MOST_BYTES = 1_000_000


@require_safe
@cache_control(public=True, max_age=86_400, immutable=True)
def media(_request: HttpRequest, token: str) -> FileResponse:
    """Send the picture of a task. Who has the signed address may see it: that is what a task page needs."""
    try:
        key = key_of(token)
    except BadSignature:
        raise Http404 from None
    if not default_storage.exists(key):
        raise Http404
    response = file_response(key)
    response["Access-Control-Allow-Origin"] = "*"  # annotation tools of platforms draw it on a canvas
    response["Cross-Origin-Resource-Policy"] = "cross-origin"
    return response


@csrf_exempt
@require_POST
def events(request: HttpRequest, slug: str) -> JsonResponse:
    """Take note that something happened on a platform, and pull the batches it was about."""
    account = Account.objects.filter(slug=slug, is_active=True, platform__in=elsewhere()).first()
    if account is None:
        raise Http404
    if int(request.META.get("CONTENT_LENGTH") or 0) > MOST_BYTES:
        return JsonResponse({"title": "A notification has at most 1 MB."}, status=413)
    try:
        batches = notifications.take_note(
            account=account, headers=dict(request.headers), body=request.body, now=database_now()
        )
    except AuthFailed as error:
        log.warning("a notification for %s was refused: %s", slug, error)
        return JsonResponse({"title": str(error)}, status=403)
    except CrowdError as error:
        return JsonResponse({"title": str(error)}, status=400)
    for batch_id in batches:
        pull_soon(batch_id=batch_id)
    return JsonResponse({"new": len(batches)})
