"""What the forms of models mean: a file of predictions, a scenario."""

from typing import Final

from django.http import HttpRequest

from crowd.errors import CrowdError
from curation.dashboard.forms import typed
from curation.models import DatasetVersion, Project
from curation.preprocessing.limits import MEGABYTE
from curation.services.predictions import ModelName
from curation.services.scenarios import Terms

MOST_BYTES: Final = 64 * MEGABYTE


def file_of(request: HttpRequest) -> bytes:
    file = request.FILES.get("file")
    if file is None:
        raise CrowdError("Choose a file: COCO results, or JSON Lines with a line for each image.")
    if (file.size or 0) > MOST_BYTES:
        raise CrowdError(
            f"A file of predictions may have {MOST_BYTES // MEGABYTE} MB here; `evaluate` takes larger ones."
        )
    data: bytes = file.read()
    return data


def version_of(request: HttpRequest, project: Project, name: str = "version") -> DatasetVersion:
    text = typed(request, name, 12)
    number = int(text) if text.isascii() and text.isdecimal() else 0
    rows = DatasetVersion.objects.filter(project=project, number=number, frozen_at__isnull=False)
    row = rows.select_related("project").first()
    if row is None:
        raise CrowdError("Choose the frozen version that the predictions are for.")
    return row


def model_name(request: HttpRequest, project: Project) -> ModelName:
    trained = version_of(request, project, "trained_on") if typed(request, "trained_on", 12) else None
    return ModelName(typed(request, "model", 61), typed(request, "model_version", 41), trained)


def terms_of(request: HttpRequest) -> Terms:
    """Read a scenario; shares are typed in percent."""
    return Terms(
        query=typed(request, "query", 1000),
        tolerated=_percent(request, "tolerated", "The tolerated performance"),
        metric=typed(request, "metric", 20),
        iou=_percent(request, "iou", "The overlap"),
        confidence=_percent(request, "confidence", "The confidence"),
    )


def _percent(request: HttpRequest, name: str, what: str) -> float:
    text = typed(request, name, 12).removesuffix("%").strip()
    try:
        found = float(text)
    except ValueError:
        raise CrowdError(f"{what} is a number of percent, not {text!r}.") from None
    if not 0 <= found <= 100:
        raise CrowdError(f"{what} is 0 to 100 %, not {text}.")
    return found / 100
