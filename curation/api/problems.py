"""One answer for everything that goes wrong: application/problem+json (RFC 9457) with a stable code."""

from http import HTTPStatus
from typing import Any

from django.core.exceptions import PermissionDenied, RequestDataTooBig, SuspiciousOperation
from django.http import Http404, HttpRequest, JsonResponse
from django.views.decorators.csrf import csrf_exempt
from rest_framework import exceptions
from rest_framework.renderers import JSONRenderer
from rest_framework.response import Response

from crowd.errors import BudgetExceeded, CrowdError, IllegalTransition, StorageRefused
from curation.datasets.formats.registry import UnknownFormat
from curation.preprocessing.limits import Unreadable
from curation.recipes.loading import BadRecipe
from curation.services.splits import BadSplit
from curation.storing.errors import BucketRefused

MEDIA_TYPE = "application/problem+json"


class Problem(Exception):
    """A refusal with its status and stable code; the sentence says what to do."""

    def __init__(self, status: int, code: str, detail: str, *, wait: float | None = None) -> None:
        """`wait`: seconds after which the same request may be sent again."""
        super().__init__(detail)
        self.status, self.code, self.detail, self.wait = status, code, detail, wait


class ProblemRenderer(JSONRenderer):
    media_type = MEDIA_TYPE


CODES = {
    400: "bad_request",
    401: "not_authenticated",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    406: "not_acceptable",
    415: "unsupported_media_type",
}
# Narrow families first: the first that fits is the answer.
REFUSALS: dict[type[Exception], tuple[int, str]] = {
    IllegalTransition: (409, "wrong_state"),
    BudgetExceeded: (409, "budget_exceeded"),
    UnknownFormat: (400, "unknown_format"),
    BadRecipe: (400, "bad_recipe"),
    BadSplit: (400, "bad_split"),
    StorageRefused: (503, "storage_refused"),
    BucketRefused: (503, "storage_refused"),
    CrowdError: (409, "refused"),
}
NOT_FOUND = "There is nothing here for you: it does not exist, or you are not a member of its project."


def handle(error: Exception, _context: dict[str, Any]) -> Response | None:
    """Turn an exception into a problem document; None lets an error of ours become a 500."""
    problem = _problem(error)
    if problem is None:
        return None
    response = Response(body(problem.status, problem.code, problem.detail), status=problem.status)
    response["Content-Type"] = MEDIA_TYPE
    response.content_type = MEDIA_TYPE
    for name, value in _headers(error).items():
        response[name] = value
    return response


def body(status: int, code: str, detail: str) -> dict[str, Any]:
    """Return a problem document; half a character that somebody sent and a sentence repeats becomes a question mark."""
    whole = detail.encode("utf-8", "replace").decode()
    return {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status, "code": code, "detail": whole}


def _problem(error: Exception) -> Problem | None:
    if isinstance(error, Problem):
        return error
    if isinstance(error, Http404):
        return Problem(404, "not_found", NOT_FOUND)
    if isinstance(error, PermissionDenied):
        return Problem(403, "forbidden", "You may not do this.")
    if isinstance(error, SuspiciousOperation):
        return _unreadable(error)
    if isinstance(error, exceptions.APIException):
        return _of_rest(error)
    return _of_service(error)


def _unreadable(error: SuspiciousOperation) -> Problem:
    if isinstance(error, RequestDataTooBig):
        return Problem(413, "too_large", "This request is too large for its address; send less at once.")
    return Problem(400, "bad_request", "This request cannot be read.")


def _of_rest(error: exceptions.APIException) -> Problem:
    if isinstance(error, exceptions.ValidationError):
        return Problem(400, "invalid", "; ".join(_faults(error.detail)))
    codes = error.get_codes()
    code = codes if isinstance(codes, str) and codes not in {"error", "permission_denied"} else CODES[error.status_code]
    return Problem(error.status_code, code, _text(error.detail))


def _faults(detail: Any, place: str = "") -> list[str]:
    """Flatten REST framework's nested faults into `field: sentence`."""
    if isinstance(detail, dict):
        return [fault for name, inner in detail.items() for fault in _faults(inner, f"{place}{name}.")]
    if isinstance(detail, list):
        return [fault for inner in detail for fault in _faults(inner, place)]
    name = place.removesuffix(".").removesuffix("non_field_errors")
    return [f"{name}: {detail}" if name else str(detail)]


def _text(detail: Any) -> str:
    return str(detail) if not isinstance(detail, dict | list) else "; ".join(_faults(detail))


def _of_service(error: Exception) -> Problem | None:
    if isinstance(error, Unreadable):
        return Problem(422, error.reason_code, f"{error.sentence[:1].upper()}{error.sentence[1:]}.")
    for kind, (status, code) in REFUSALS.items():
        if isinstance(error, kind):
            return Problem(status, code, str(error.args[0]) if error.args else str(error))
    return None


def _headers(error: Exception) -> dict[str, str]:
    found: dict[str, str] = {}
    if header := getattr(error, "auth_header", None):
        found["WWW-Authenticate"] = header
    if wait := getattr(error, "wait", None):
        found["Retry-After"] = str(int(wait) or 1)
    return found


@csrf_exempt
def nothing_here(_request: HttpRequest, *_: str) -> JsonResponse:
    """Answer addresses below /api/ that do not exist in the language of the API."""
    return JsonResponse(body(404, "not_found", "There is no such address."), status=404, content_type=MEDIA_TYPE)
