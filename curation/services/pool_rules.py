"""Quality rules of a pool as leads change them. Every change is on record with the sentence that says the rule."""

import hashlib
import json
from collections.abc import Callable
from datetime import datetime

from django.db import transaction

from crowd import rules
from crowd.errors import CrowdError
from crowd.models import Batch
from crowd.platforms.registry import elsewhere
from crowd.quality.wording import counted
from crowd.rules import Rule
from crowd.services import control_stock, outbox
from crowd.services.exam_ending import ENDING, WAYS, Ending, options_of
from crowd.services.retrying import RETRIES, Retries
from curation.models import Pool, User
from curation.services import events, versions


def batch_of(pool: Pool) -> Batch | None:
    return Batch.objects.select_related("account", "needs_skill").filter(pool_id=pool.pk).order_by("id").first()


def rules_of(pool: Pool) -> list[Rule]:
    batch = batch_of(pool)
    return rules.read(batch.rules) if batch else []


def mark_of(found: list[Rule]) -> str:
    """Return what changes with any rule: two people must not undo each other's changes unseen."""
    return hashlib.sha256(json.dumps(rules.plain(found), sort_keys=True).encode()).hexdigest()[:16]


def put(*, pool: Pool, number: int | None, rule: Rule, mark: str, by: User, now: datetime) -> None:
    """Add a rule, or put it in the place of the one with this number (from 0)."""

    def changed(found: list[Rule]) -> tuple[list[Rule], str]:
        if number is None:
            return [*found, rule], f"rule added. {rule.says()}"
        _require(found, number)
        return [*found[:number], rule, *found[number + 1 :]], f"rule changed. {rule.says()}"

    _change(pool, mark, changed, by, now)


def remove(*, pool: Pool, number: int, mark: str, by: User, now: datetime) -> None:
    def changed(found: list[Rule]) -> tuple[list[Rule], str]:
        _require(found, number)
        return [*found[:number], *found[number + 1 :]], f"rule removed. {found[number].says()}"

    _change(pool, mark, changed, by, now)


def _require(found: list[Rule], number: int) -> None:
    if not 0 <= number < len(found):
        raise CrowdError(f"There is no rule {number + 1} in this pool.")


@transaction.atomic
def _change(
    pool: Pool, mark: str, changed: Callable[[list[Rule]], tuple[list[Rule], str]], by: User, now: datetime
) -> None:
    batches = list(
        Batch.objects.select_for_update(of=("self",), no_key=True).select_related("account").filter(pool_id=pool.pk)
    )
    if not batches:
        raise CrowdError("This pool is not set up yet.")
    before = rules.read(batches[0].rules)
    if mark_of(before) != mark:
        raise CrowdError("Somebody has changed the rules meanwhile. Look at them again, then change what you want.")
    after, text = changed(before)
    rules.read(rules.plain(after))  # as many as are allowed
    for batch in batches:
        batch.rules = rules.plain(after)
        batch.version += 1
        batch.save(update_fields=["rules", "version"])
        _tell(batch)
    data = {"before": rules.plain(before), "after": rules.plain(after)}
    events.record(
        kind="pool.rules", text=f"{pool.title}: {text}", project=pool.project, subject=pool, by=by, data=data, now=now
    )
    versions.bump(project_id=pool.project_id)


def _tell(batch: Batch) -> None:
    """A platform that keeps some of the rules itself gets them anew."""
    if batch.account.platform in elsewhere() and batch.remote_id:
        key = f"rules-{batch.pk}-{batch.version}"
        lane = f"tasks:{batch.pk}"
        outbox.enqueue(kind="update_batch", key=key, account=batch.account, batch_id=batch.pk, lane=lane)


@transaction.atomic
def set_retries(*, pool: Pool, retries: Retries, by: User, now: datetime) -> None:
    """Say how often and after how many days those who failed may sit this exam again."""
    wanted = retries.checked()
    for batch in Batch.objects.select_for_update(of=("self",), no_key=True).filter(pool_id=pool.pk):
        if batch.kind == Batch.Kind.MAIN:
            raise CrowdError("Only a training or an exam can be sat again.")
        batch.spec = {**{name: value for name, value in batch.spec.items() if name != RETRIES}, **wanted.spec()}
        batch.version += 1
        batch.save(update_fields=["spec", "version"])
    text = f"{by.name} set how often {pool.title} may be sat again: {retries_in_words(wanted)}."
    events.record(kind="pool.rules", text=text, project=pool.project, subject=pool, by=by, now=now)
    versions.bump(project_id=pool.project_id)


@transaction.atomic
def set_ending(*, pool: Pool, ending: Ending, by: User, now: datetime) -> None:
    """Say when this exam ends. Who sits it now goes on by the new way; results stay as they are."""
    for batch in Batch.objects.select_for_update(of=("self",), no_key=True).filter(pool_id=pool.pk):
        if batch.kind != Batch.Kind.EXAM:
            raise CrowdError("Only an exam can end early: a training is there to be finished.")
        wanted = ending.checked(options=options_of(batch))
        batch.spec = {**{name: value for name, value in batch.spec.items() if name != ENDING}, **wanted.spec()}
        batch.version += 1
        batch.save(update_fields=["spec", "version"])
    text = f"{by.name} set when {pool.title} ends: {WAYS[ending.how]}."
    events.record(kind="pool.rules", text=text, project=pool.project, subject=pool, by=by, now=now)
    versions.bump(project_id=pool.project_id)


def retries_in_words(retries: Retries) -> str:
    if not retries.times:
        return "not at all"
    return f"{counted(retries.times, 'time')}, {counted(retries.days, 'day')} after the last"


@transaction.atomic
def retire_control(*, pool: Pool, task_id: int, by: User, now: datetime) -> None:
    """Give a control task that good workers fail to nobody any more."""
    batch = batch_of(pool)
    if batch is None:
        raise CrowdError(f"{pool.title} is not made yet.")
    control_stock.retire(batch=batch, task_id=task_id)
    text = f"{by.name} retired a control task of {pool.title}."
    events.record(kind="pool.control", text=text, project=pool.project, subject=pool, by=by, now=now)
    versions.bump(project_id=pool.project_id)
