"""Pools and trainings: their forms, finding or making them by our key, their life."""

import logging
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from crowd.clock import database_now
from crowd.errors import NotFound, OutOfFunds, StateConflict
from crowd.models import Batch
from crowd.money import dollars
from crowd.platforms.base import BatchSpec
from crowd.platforms.toloka import filters, quality, stops
from crowd.platforms.toloka.client import Client, Json, is_yandex
from crowd.platforms.toloka.specs import LONGEST_NAME, project_form
from crowd.platforms.toloka.stops import CLOSED, OPEN

MOST_LISTED = 300
LONGEST_DELAY = 259_200  # a pool stays open so long after its last page: we say when it is over
USUAL_LIFE = timedelta(days=365)
TRAINING_PREFIX = "training-"
REMOTE_ID = re.compile(r"(training-)?([0-9]{1,20})")
OPTIONAL = ("filter", "speed_quality_balance", "dynamic_pricing_config")  # left out = not wanted any more
log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Place:
    """A pool or a training on Toloka. Our remote id of a training begins with `training-`."""

    id: str
    is_training: bool

    @property
    def path(self) -> str:
        return f"{'/trainings' if self.is_training else '/pools'}/{self.id}"

    @property
    def remote_id(self) -> str:
        return f"{TRAINING_PREFIX if self.is_training else ''}{self.id}"


def place(remote_id: str) -> Place:
    found = REMOTE_ID.fullmatch(remote_id)
    if found is None or not remote_id.isascii():
        raise NotFound(f"{remote_id!r} is no pool or training on Toloka.")
    return Place(found[2], is_training=found[1] is not None)


def view(client: Client, where: Place) -> Json:
    """Return a pool or training as it is there. Raises NotFound."""
    found: Json = client.get(where.path)
    return found


def written(moment: datetime) -> str:
    """Return a time as Toloka takes it: UTC, whole seconds, no zone."""
    return moment.astimezone(UTC).replace(tzinfo=None, microsecond=0).isoformat()


def _tags(batch: BatchSpec) -> Json:
    return {"private_comment": f"winnow:{batch.key}", "metadata": {"winnow_key": [batch.key]}}


def training_form(batch: BatchSpec, project_id: str) -> Json:
    return {
        "project_id": project_id,
        "private_name": _name(batch),
        "may_contain_adult_content": batch.audience.adult_content,
        "inherited_instructions": True,
        "assignment_max_duration_seconds": batch.assignment_seconds,
        "training_tasks_in_task_suite_count": batch.page_size,
        "task_suites_required_to_pass": 1,
        "mix_tasks_in_creation_order": True,
        "shuffle_tasks_in_task_suite": True,
        "metadata": {"winnow_key": [batch.key]},
    }


def pool_form(batch: BatchSpec, project_id: str, skill_ids: Mapping[str, str], expires_at: datetime) -> Json:
    """Return the pool of a batch; `skill_ids` has Toloka's id for every skill in `skills_of`."""
    form: Json = {
        "project_id": project_id,
        "private_name": _name(batch),
        **_tags(batch),
        "may_contain_adult_content": batch.audience.adult_content,
        "will_expire": written(expires_at),
        "reward_per_assignment": dollars(batch.price_micro),
        "assignment_max_duration_seconds": batch.assignment_seconds,
        "auto_accept_solutions": False,
        "auto_accept_period_day": batch.review_days,
        "auto_close_after_complete_delay_seconds": LONGEST_DELAY,
        "priority": batch.priority,
        "defaults": {
            "default_overlap_for_new_task_suites": batch.overlap,
            "default_overlap_for_new_tasks": batch.overlap,
        },
        "assignments_issuing_config": {"issue_task_suites_in_creation_order": True},
        "mixer_config": mixer(batch),
        "quality_control": _quality_control(batch, skill_ids),
    }
    optional = (
        filters.filter_of(_lines(batch, skill_ids)),
        filters.balance_of(batch.audience),
        _prices(batch, skill_ids),
    )
    return {**form, **{name: value for name, value in zip(OPTIONAL, optional, strict=True) if value is not None}}


def _name(batch: BatchSpec) -> str:
    return f"{batch.title or batch.key} · {batch.kind}"[:LONGEST_NAME]


def mixer(batch: BatchSpec) -> Json:
    """Return how pages are mixed: an exam has control tasks alone."""
    control = batch.page_size if batch.kind == "exam" else min(batch.control_per_page, batch.page_size - 1)
    real = batch.page_size - control
    return {
        "real_tasks_count": real,
        "golden_tasks_count": control,
        "training_tasks_count": 0,
        "min_real_tasks_count": min(1, real),
        "force_last_assignment": True,
        "mix_tasks_in_creation_order": True,
        "shuffle_tasks_in_task_suite": True,
    }


def skills_of(batch: BatchSpec) -> list[str]:
    """Return the skills that must be on Toloka before this batch can be."""
    wanted = [
        *filters.skills_in(batch.audience),
        *quality.skills_in(batch),
        batch.price_skill if batch.price_table else "",
        "" if _training_of(batch) else batch.needs_skill,
        batch.grants_skill if batch.kind == "exam" else "",
    ]
    return sorted({name for name in wanted if name})


def _training_of(batch: BatchSpec) -> Place | None:
    """Return the training that lets people in, when it is one of Toloka's own."""
    where = place(batch.needs_batch) if batch.needs_batch else None
    return where if where and where.is_training else None


def _lines(batch: BatchSpec, skill_ids: Mapping[str, str]) -> list[Json]:
    lines = filters.lines_of(batch.audience, skill_ids)
    if batch.needs_skill and not _training_of(batch):
        lines.append(filters.has_at_least(skill_ids[batch.needs_skill], batch.needs_value))
    if batch.kind == "exam" and batch.grants_skill:
        lines.append(filters.has_not(skill_ids[batch.grants_skill]))
    return lines


def _quality_control(batch: BatchSpec, skill_ids: Mapping[str, str]) -> Json:
    training = _training_of(batch)
    configs = quality.configs_of(batch, skill_ids)
    if batch.kind == "exam" and batch.grants_skill:
        configs.append(quality.exam(skill_ids[batch.grants_skill], batch.page_size))
    gate = {"training_pool_id": training.id, "training_passing_skill_value": batch.needs_value} if training else None
    return {"configs": configs, **({"training_requirement": gate} if gate else {})}


def _prices(batch: BatchSpec, skill_ids: Mapping[str, str]) -> Json | None:
    if not batch.price_table or not batch.price_skill:
        return None
    steps = [
        {"from": low, "to": high, "reward_per_assignment": dollars(amount)} for low, high, amount in batch.price_table
    ]
    return {"type": "SKILL", "skill_id": skill_ids[batch.price_skill], "intervals": steps}


def ensure(client: Client, batch: BatchSpec, skill_ids: Mapping[str, str]) -> Place:
    """Find or create a batch by its key, inside its project."""
    is_training = batch.kind == "training"
    project_id = _ensure_project(client, batch)
    noun = "trainings" if is_training else "pools"
    found = _by_key(client, f"/{noun}", batch.key, project_id=project_id)
    if found is None:
        form = (
            training_form(batch, project_id)
            if is_training
            else pool_form(batch, project_id, skill_ids, batch.expires_at or database_now() + USUAL_LIFE)
        )
        found = client.send("post", f"/{noun}", form, quota=noun)
    return Place(found["id"], is_training)


def _ensure_project(client: Client, batch: BatchSpec) -> str:
    """A pool goes where its training is; else the project is found by its words and fields."""
    training = _training_of(batch)
    if training is not None:
        return str(view(client, training)["project_id"])
    form = project_form(batch)
    key = form["metadata"]["winnow_key"][0]
    found = _by_key(client, "/projects", key, status="ACTIVE")
    if found is None:
        found = client.send("post", "/projects", form, quota="projects")
    return str(found["id"])


def _by_key(client: Client, path: str, key: str, **where: str) -> Json | None:
    for page in client.pages(path, MOST_LISTED, **where):
        for one in page:
            if key in (one.get("metadata") or {}).get("winnow_key", ()):
                return one
    return None


def update(client: Client, where: Place, batch: BatchSpec, skill_ids: Mapping[str, str]) -> None:
    """Bring a pool to its spec; an open one is closed for it and opened again."""
    there = view(client, where)
    form = (
        training_form(batch, there["project_id"])
        if where.is_training
        else pool_form(batch, there["project_id"], skill_ids, batch.expires_at or moment(there["will_expire"]))
    )
    if _says(there, {**dict.fromkeys(OPTIONAL), **form}):
        _reopen_after_update(client, where, there)
        return
    if there["status"] == OPEN:
        client.ended(client.send("post", f"{where.path}/close-for-update"), "closing for an update")
        there = view(client, where)
    changes_overlap = not where.is_training and there["defaults"] != form["defaults"]
    quota = "overlap" if changes_overlap else ""
    client.send("put", where.path, form, quota=quota)
    _reopen_after_update(client, where, there)


def _reopen_after_update(client: Client, where: Place, there: Json) -> None:
    if there["status"] == CLOSED and there.get("last_close_reason") == "FOR_UPDATE":
        client.ended(client.send("post", f"{where.path}/open"), "opening after an update")


def _says(there: Any, form: Any) -> bool:
    """Whether all of a form is there already; the platform adds fields of its own."""
    if isinstance(form, Mapping):
        return isinstance(there, Mapping) and all(_says(there.get(name), value) for name, value in form.items())
    if isinstance(form, list):
        same_length = isinstance(there, list) and len(there) == len(form)
        return same_length and all(_says(one, other) for one, other in zip(there, form, strict=True))
    if isinstance(form, str) and isinstance(there, str):
        return there.removesuffix(".000") == form
    return bool(there == form)


def moment(text: str) -> datetime:
    """Read a time as Toloka writes it."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def open_place(client: Client, where: Place) -> None:
    if is_yandex(client.account) and not where.is_training:
        _ask_moderation(client, where)
    try:
        client.ended(client.send("post", f"{where.path}/open"), "opening")
    except StateConflict as error:
        raise stops.for_good(view(client, where)) or error from None


def _ask_moderation(client: Client, where: Place) -> None:
    """Yandex Tasks looks at a pool before it lets it open."""
    client.get(f"/new/requester/pools/{where.id}/validate")
    client.send("put", f"/new/requester/poolModeration/{where.id}")


def close_place(client: Client, where: Place) -> None:
    client.ended(client.send("post", f"{where.path}/close"), "closing")


def archive_place(client: Client, where: Place) -> None:
    there = view(client, where)
    if there["status"] == OPEN:
        close_place(client, where)
    client.ended(client.send("post", f"{where.path}/archive"), "archiving")


def set_priority(client: Client, where: Place, priority: int) -> None:
    if where.is_training:
        view(client, where)  # trainings have none
        return
    client.send("patch", where.path, {"priority": priority})


def wake(client: Client, where: Place, there: Json) -> None:
    """Open a pool again that Toloka closed for want of work, now that there is some; not one that we have closed."""
    if there["status"] != CLOSED or there.get("last_close_reason") != "COMPLETED" or _is_closed_here(client, where):
        return
    try:
        client.send("post", f"{where.path}/open")
    except (OutOfFunds, StateConflict) as error:  # what it was woken for is done; the pool waits for a person
        log.warning("pool %s of %s stays closed: %s", where.id, client.account.slug, error)


def _is_closed_here(client: Client, where: Place) -> bool:
    mine = Batch.objects.filter(account=client.account, remote_id=where.remote_id).first()
    return mine is not None and mine.state != Batch.State.OPEN
