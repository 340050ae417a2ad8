"""Pools are made: a pool with its batch, its known tasks and one task for every photo wanted."""

from collections.abc import Sequence

from django.db import transaction

from crowd.models import Batch, Task
from crowd.services import publishing, skills, tasks
from curation.models import Pool, Stage
from curation.services import instructions
from curation.services.pool_drafts import KnownTask, PoolDraft
from curation.services.pools.slots import fit_slots


@transaction.atomic
def ensure_pool(*, stage: Stage, account_id: int, draft: PoolDraft, known: Sequence[KnownTask]) -> tuple[Pool, bool]:
    """Find or make a pool with its batch and tasks; nothing that is there is changed."""
    pool, made = Pool.objects.get_or_create(
        stage=stage,
        kind=draft.kind,
        label_class=draft.label_class,
        account_id=account_id,
        condition=draft.condition,
        defaults={
            "project": stage.project,
            "title": draft.title,
            "wanted": draft.wanted,
            "price_micro": draft.price_micro,
            "price_table": [list(step) for step in draft.price_table],
            "overlap": draft.overlap,
        },
    )
    if made:
        batch = _make_batch(pool, draft)
        _add_known(batch, known)
        fit_slots(pool=pool)
    return pool, made


def _make_batch(pool: Pool, draft: PoolDraft) -> Batch:
    def skill(name: str) -> int | None:
        return skills.ensure_skill(account=pool.account, name=name).pk if name else None

    parts = [pool.project.slug, pool.stage.name, pool.kind, pool.label_class.name if pool.label_class else "all"]
    batch = Batch.objects.create(
        account=pool.account,
        key=":".join([*parts, str(pool.pk)]),
        project_id=pool.project_id,
        pool_id=pool.pk,
        stage_id=pool.stage_id,
        kind=draft.kind,
        interface=draft.interface,
        spec={**draft.spec, **instructions.in_spec(pool)},
        page_size=draft.page_size,
        control_per_page=draft.control_per_page,
        per_worker=draft.per_worker,
        overlap=draft.overlap,
        price_micro=draft.price_micro,
        price_table=[list(step) for step in draft.price_table],
        price_skill_id=skill(draft.price_skill),
        needs_skill_id=skill(draft.needs_skill),
        needs_value=draft.needs_value,
        grants_skill_id=skill(draft.grants_skill),
        auto_accept=draft.auto_accept,
        rules=draft.rules,
        assignment_seconds=draft.assignment_seconds,
        audience=draft.audience,
        review_days=draft.review_days,
        pays_whole_pages=draft.whole_pages,
        expires_at=draft.expires_at,
    )
    if publishing.is_local(batch):
        batch.remote_id = str(batch.pk)
        batch.save(update_fields=["remote_id"])
    return batch


def _add_known(batch: Batch, known: Sequence[KnownTask]) -> None:
    rows = [
        Task(
            batch=batch,
            key=f"known-{number}",
            project_id=batch.project_id,
            payload=task.payload,
            known_answer=task.answer,
            hint=task.hint,
            overlap=None,
        )
        for number, task in enumerate(known)
    ]
    tasks.add(batch=batch, tasks=rows)
