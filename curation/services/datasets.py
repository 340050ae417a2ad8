"""What is done with data set versions, in one place: freeze, split, export, cancel."""

from datetime import datetime

from django.db import transaction

from curation.models import Export, Project, User
from curation.services import publish_filters
from curation.services.export_requests import cancel_export, request_export, require_format
from curation.services.exporting import export_to, run_export
from curation.services.freezing import (
    freeze_version,
    newest_or_freeze,
    request_split,
    request_version,
    run_freeze,
    split_version,
)
from curation.services.version_items import NothingToFreeze

__all__ = [
    "NothingToFreeze",
    "cancel_export",
    "export_query",
    "export_to",
    "freeze_version",
    "newest_or_freeze",
    "request_export",
    "request_split",
    "request_version",
    "run_export",
    "run_freeze",
    "split_version",
]


def export_query(
    *,
    project_id: int,
    query: str,
    format: str,
    by: User | None,
    with_images: bool = True,
    max_side: int | None = None,
    now: datetime,
) -> Export:
    """Have what a query means frozen, and an export packed once it is. Raises QueryError."""
    require_format(format)
    publish_filters.suggest(project=Project.objects.get(pk=project_id), by=None, now=now)
    with transaction.atomic():
        version = request_version(project_id=project_id, by=by, note="For an export of a query", query=query, now=now)
        return request_export(
            dataset_id=version.pk, format=format, by=by, with_images=with_images, max_side=max_side, now=now
        )
