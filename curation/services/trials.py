"""A look at a task page before anybody works on it: under a signed link, for an hour."""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from django.core import signing
from django.core.files.storage import default_storage

from crowd.models import Batch, Task
from curation.models import PlanDraft, Pool

SECONDS = 3_600
MOST_TASKS = 4
SALT = "winnow.trial"
PAGE = "+page."  # in the fields of a draft: a page as it was when its link was made


@dataclass(frozen=True, slots=True)
class Trial:
    """A page as a worker would get it. Tasks without a picture of their own get a drawn one."""

    interface: str
    kind: str
    spec: dict[str, Any]
    price_micro: int
    tasks: Sequence[dict[str, Any]] = field(default_factory=list)
    currency: str = "USD"
    stage_id: int = 0
    pool_id: int = 0


def offer_plan(*, draft: PlanDraft, stage: str, trial: Trial) -> str:
    """Keep a page of a plan beside it, and return the token of its link."""
    draft.fields = {**draft.fields, f"{PAGE}{stage}": [json.dumps(asdict(trial))]}
    draft.save(update_fields=["fields"])
    return _token("plan", draft.pk, stage)


def offer_pool(*, pool: Pool) -> str:
    """Return the token of a link to a page of this pool."""
    return _token("pool", pool.pk, "")


def _token(kind: str, row: int, stage: str) -> str:
    return signing.dumps([kind, row, stage], salt=SALT)


def find(token: str) -> Trial | None:
    """Return the page a token stands for; None when the hour is over, or what it is of has gone."""
    try:
        kind, row, stage = signing.loads(token, salt=SALT, max_age=SECONDS)
    except signing.BadSignature:
        return None
    if kind == "pool":
        batch = Batch.objects.filter(pool_id=row).select_related("account").order_by("id").first()
        return _page_of(batch) if batch else None
    draft = PlanDraft.objects.filter(pk=row).first()
    kept = draft.fields.get(f"{PAGE}{stage}") if draft else None
    return Trial(**json.loads(kept[0])) if kept else None


def _page_of(batch: Batch) -> Trial:
    """Return a page of a pool's own tasks; the answers that are known do not come along."""
    rows = Task.objects.filter(batch=batch, cancelled=False).order_by("id")
    payloads = list(rows.values_list("payload", flat=True)[: min(batch.page_size, MOST_TASKS)])
    tasks = [payload for payload in payloads if _is_there(payload)]
    return Trial(
        interface=batch.interface,
        kind=batch.kind,
        spec=batch.spec,
        price_micro=batch.price_micro,
        tasks=tasks or [{}],
        currency=batch.account.currency,
        stage_id=batch.stage_id,
        pool_id=batch.pool_id,
    )


def _is_there(payload: dict[str, Any]) -> bool:
    key = payload.get("image_key")
    return not key or default_storage.exists(key)
