"""The record of who did what, when. One event per change that a person makes or should know."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from django.db import models
from django.db.models.functions import Now

from curation.models import Event, Project, User
from curation.services import notices


def record(
    *,
    kind: str,
    text: str,
    project: Project | None = None,
    subject: models.Model | None = None,
    by: User | None = None,
    data: Mapping[str, Any] | None = None,
    now: datetime | None = None,
) -> Event:
    """Append one event, in the caller's transaction; other teams are told of some."""
    if project is not None:
        notices.note_event(
            project_id=project.pk, kind=kind, about={"text": text[:300], **_named(subject), **(data or {})}
        )
    return Event.objects.create(
        project_id=project.pk if project else None,
        kind=kind,
        text=text[:300],
        subject_type=subject._meta.model_name or "" if subject else "",
        subject_id=subject.pk if subject else None,
        by=by if by is not None and by.pk else None,
        data=dict(data or {}),
        created_at=now or Now(),
    )


def _named(subject: models.Model | None) -> dict[str, str]:
    """Return the subject by the name it has outside."""
    if subject is None:
        return {}
    ident = getattr(subject, "public_id", None) or subject.pk
    return {str(subject._meta.model_name): str(ident)}
