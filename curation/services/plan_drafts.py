"""Plans that are still being written: what was typed is kept, right or wrong, until it is a project or thrown away."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction

from crowd.errors import CrowdError
from curation.models import PlanDraft, User
from curation.services.trials import PAGE

MOST_BYTES = 256 * 1024
MOST_DRAFTS = 50
Fields = Mapping[str, Sequence[str]]


@transaction.atomic
def keep(*, by: User, fields: Fields, name: str, now: datetime, draft_id: UUID | None = None) -> PlanDraft:
    """Keep what was typed, under the draft it belongs to or a new one; of too many the oldest goes."""
    if len(json.dumps(fields)) > MOST_BYTES:
        raise CrowdError(f"A plan holds at most {MOST_BYTES // 1024} KB of text.")
    draft = PlanDraft.objects.of(by).select_for_update().filter(public_id=draft_id).first() if draft_id else None
    if draft is None:
        _make_room(by)
        draft = PlanDraft(owner=by, created_at=now)
    pages = {key: values for key, values in draft.fields.items() if key.startswith(PAGE)}
    draft.fields = {**{key: list(values) for key, values in fields.items() if not key.startswith(PAGE)}, **pages}
    draft.name, draft.updated_at = name, now
    draft.save()
    draft.refresh_from_db(fields=["public_id"])
    return draft


def _make_room(by: User) -> None:
    open_ones = PlanDraft.objects.of(by).filter(project_slug="").order_by("-updated_at")
    old = list(open_ones.values_list("pk", flat=True)[MOST_DRAFTS - 1 :])
    PlanDraft.objects.filter(pk__in=old).delete()


def launched(*, draft: PlanDraft, slug: str) -> None:
    """Remember which project a plan has become."""
    draft.project_slug = slug
    draft.save(update_fields=["project_slug"])


def discard(*, draft_id: UUID, by: User) -> None:
    """Throw a plan away that is no project."""
    PlanDraft.objects.of(by).filter(public_id=draft_id, project_slug="").delete()
