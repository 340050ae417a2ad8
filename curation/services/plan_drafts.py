"""Plans that are still being written: what was typed is kept, right or wrong, until it is a project or thrown away."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from crowd.errors import CrowdError
from curation.models import PlanDraft, User
from curation.services.trials import PAGE

MOST_BYTES = 256 * 1024
MOST_DRAFTS = 50
Fields = Mapping[str, Sequence[str]]


class PlanTooLong(CrowdError):
    """More text than a plan may hold; nothing of it was kept."""


@transaction.atomic
def keep(*, by: User, fields: Fields, name: str, now: datetime, draft_id: UUID | None = None) -> PlanDraft:
    """Keep what was typed, under the draft it belongs to or a new one; of too many the oldest goes."""
    if len(json.dumps(fields)) > MOST_BYTES:
        raise PlanTooLong(f"A plan holds at most {MOST_BYTES // 1024} KB of text.")
    draft = _begun(by, draft_id, now)
    pages = {key: values for key, values in draft.fields.items() if key.startswith(PAGE)}
    draft.fields = {**{key: list(values) for key, values in fields.items() if not key.startswith(PAGE)}, **pages}
    draft.name, draft.updated_at = name, now
    draft.save()
    return draft


def _begun(by: User, draft_id: UUID | None, now: datetime) -> PlanDraft:
    """Lock the draft of this id, or begin it. A form has its id from the first, so that no haste makes two of one."""
    known = PlanDraft.objects.filter(public_id=draft_id).first() if draft_id else None
    if known is None:
        _make_room(by)
    ours = draft_id if draft_id and (known is None or known.owner_id == by.pk) else uuid4()
    draft, _ = PlanDraft.objects.get_or_create(public_id=ours, owner=by, defaults={"created_at": now})
    return PlanDraft.objects.select_for_update().get(pk=draft.pk)


def _make_room(by: User) -> None:
    open_ones = PlanDraft.objects.of(by).filter(project_slug="").order_by("-updated_at")
    old = list(open_ones.values_list("pk", flat=True)[MOST_DRAFTS - 1 :])
    PlanDraft.objects.filter(pk__in=old).delete()


def launched(*, draft: PlanDraft, slug: str) -> None:
    """Remember which project a plan has become."""
    draft.project_slug = slug
    draft.save(update_fields=["project_slug"])


def completed(*, draft: PlanDraft) -> None:
    """After a pilot all of the plan is collected: nothing is left to do about it."""
    draft.fields = {**draft.fields, "start": ["all"]}
    draft.save(update_fields=["fields"])


def discard(*, draft_id: UUID, by: User) -> None:
    """Throw a plan away that is no project."""
    PlanDraft.objects.of(by).filter(public_id=draft_id, project_slug="").delete()
