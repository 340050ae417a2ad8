"""Pools: drafting, opening, pausing, changing. Opening is written to the outbox and carried out on the platform."""

from collections import Counter
from collections.abc import Sequence
from datetime import datetime

from django.db import transaction
from django.db.models import F

from crowd.errors import BudgetExceeded, CrowdError, Differences
from crowd.models import Assignment, Batch, Budget, OutboxCommand, Task
from crowd.models.tally import Of
from crowd.money import money_text
from crowd.platforms.registry import fee_is_unknown, platform
from crowd.services import outbox, publishing, skills, tallies, tasks
from crowd.services.answers import COLLECTS
from crowd.services.tallies import Key
from curation.models import Pool, Project, Stage, User
from curation.services import events, instructions, jobs, versions
from curation.services.pool_drafts import KnownTask, PoolDraft

State = Pool.State
ACCEPTED_PAGES = "pages.accepted"
NO_COMMISSION = (
    "What the platform takes on top of each page is not known, so the budget could be passed. "
    "Enter the commission of “{label}” under Platform accounts, then open the pool; 0 is a commission too."
)


@transaction.atomic
def ensure_pool(*, stage: Stage, account_id: int, draft: PoolDraft, known: Sequence[KnownTask]) -> tuple[Pool, bool]:
    """Find or make a pool with its batch and tasks; nothing that is there is changed."""
    pool, made = Pool.objects.get_or_create(
        stage=stage,
        kind=draft.kind,
        label_class=draft.label_class,
        account_id=account_id,
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
        add_slots(pool=pool)
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


@transaction.atomic
def add_slots(*, pool: Pool) -> int:
    """A collecting pool has one task for every photo wanted; a raised target adds some. Returns how many."""
    batch = Batch.objects.filter(pool_id=pool.pk, interface__in=COLLECTS).first()
    if batch is None or pool.label_class is None:
        return 0
    slots = Task.objects.filter(batch=batch)
    missing = max(0, pool.wanted - slots.filter(cancelled=False).count())
    withdrawn = list(slots.filter(cancelled=True).order_by("id").values_list("id", flat=True)[:missing])
    slots.filter(pk__in=withdrawn).update(cancelled=False)
    tasks.mark_changed(withdrawn)
    label, made = pool.label_class, slots.count()
    payload = {"class": label.name, "prompt": label.prompt, "template_key": label.example_key}
    new = range(made, made + missing - len(withdrawn))
    rows = [Task(batch=batch, key=f"slot-{n}", project_id=pool.project_id, payload=payload, overlap=1) for n in new]
    tasks.add(batch=batch, tasks=rows)
    return missing


def most_expensive(*, pool: Pool) -> int:
    """Return what the pool can cost at most for what is wanted: pages still to come at the highest price.

    Pages in work or under judgement hold their money already, so they do not count a second time.
    """
    batch = Batch.objects.filter(pool_id=pool.pk).first()
    if batch is None or pool.wanted == 0:
        return 0
    price = max([batch.price_micro, *(int(amount) for _, _, amount in batch.price_table)])
    covered = [Assignment.State.ACTIVE, Assignment.State.SUBMITTED, Assignment.State.ACCEPTED]
    here = Assignment.objects.filter(batch=batch, state__in=covered).count()
    pages = max(0, -(-pool.wanted * pool.overlap // batch.page_size) - here)
    return platform(pool.account.platform).quote(pool.account, pages=pages, price_micro=price, overlap=pool.overlap)


def differences(*, pool: Pool) -> list[str]:
    """Return in sentences what of this pool its platform cannot do."""
    adapter, batches = platform(pool.account.platform), _batches(pool)
    return [text for batch in batches for text in adapter.lacks(pool.account, publishing.spec_of(batch))]


def not_open(*, project: Project) -> list[Pool]:
    """Return the pools that “Open all” opens."""
    waiting = Pool.objects.filter(project=project, state__in=[State.DRAFT, State.PAUSED])
    waiting = waiting.exclude(stage__state=Stage.State.PAUSED)
    return list(waiting.select_related("account", "stage", "label_class").order_by("id"))


def budget_of(*, project_id: int, currency: str) -> Budget:
    """Return the project's budget in the currency of an account."""
    found = Budget.objects.of_project(project_id).filter(currency=currency).first()
    if found is None:
        raise CrowdError(f"The project has no budget in {currency} yet. Give it one under Money, then open the pool.")
    return found


def agree_to_differences(pool: Pool, *, accepted: bool) -> None:
    """Refuse a plan that would not be carried out as it stands, until somebody has said that this is fine."""
    sentences = differences(pool=pool)
    known = [text for batch in _batches(pool) for text in batch.remote.get("differences", [])]
    if not set(sentences) - set(known):
        return
    if not accepted:
        raise Differences(pool.account.label, sentences)
    for batch in _batches(pool):
        batch.remote = {**batch.remote, "differences": sentences}
        batch.save(update_fields=["remote"])


@transaction.atomic
def open_pool(*, pool_id: int, by: User | None, now: datetime, accept_differences: bool = False) -> Pool:
    """Open a draft or paused pool: the budget must be able to carry it; the platform follows through the outbox.

    Raises Differences when the platform cannot do all of it and nobody has agreed to that.
    """
    pool = locked(pool_id)
    if pool.state in {State.OPEN, State.OPENING}:
        return pool
    pool.require(State.DRAFT, State.PAUSED, State.DONE)
    if pool.stage.state == Stage.State.PAUSED:
        raise CrowdError(f"The stage {pool.stage.title} is paused. Resume the stage first.")
    if not pool.account.is_active:
        raise CrowdError(f"The account {pool.account.label} is switched off. Switch it on under Accounts first.")
    if fee_is_unknown(pool.account):
        raise CrowdError(NO_COMMISSION.format(label=pool.account.label))
    agree_to_differences(pool, accepted=accept_differences)
    needed = most_expensive(pool=pool)
    holds_itself = platform(pool.account.platform).capabilities.pages == "remote"  # publishing holds all it may cost
    if needed and not holds_itself:
        free = budget_of(project_id=pool.project_id, currency=pool.account.currency).free_micro
        if needed > free:
            raise BudgetExceeded(needed, free, currency=pool.account.currency)
    pool.move_to(State.OPENING)
    pool.revision += 1
    pool.note = ""
    pool.started_at = pool.started_at or now
    pool.save(update_fields=["state", "revision", "note", "started_at"])
    for batch in _batches(pool):
        publishing.publish(batch=batch)
        outbox.withdraw(kind="close_batch", batch_id=batch.pk)
        _command(batch, "open_batch", f"open-{batch.key}-{pool.revision}")
    events.record(
        kind="pool.opened", text=f"{pool.title} was opened.", project=pool.project, subject=pool, by=by, now=now
    )
    _wake_crowd(pool)
    versions.bump(project_id=pool.project_id)
    return pool


@transaction.atomic
def pause_pool(*, pool_id: int, by: User | None, now: datetime, note: str = "") -> Pool:
    """Stop giving out work; pages already in hands may be finished."""
    pool = locked(pool_id)
    if pool.state == State.PAUSED:
        return pool
    pool.move_to(State.PAUSED)
    pool.note = note
    pool.save(update_fields=["state", "note"])
    _close_batches(pool)
    events.record(
        kind="pool.paused",
        text=f"{pool.title} was paused. {note}".strip(),
        project=pool.project,
        subject=pool,
        by=by,
        now=now,
    )
    versions.bump(project_id=pool.project_id)
    return pool


@transaction.atomic
def close_pool(*, pool_id: int, by: User | None, now: datetime) -> Pool:
    """End a pool; it can be opened again with a higher target."""
    pool = locked(pool_id)
    if pool.state == State.DONE:
        return pool
    pool.move_to(State.DONE)
    pool.finished_at, pool.note = now, ""
    pool.save(update_fields=["state", "finished_at", "note"])
    _close_batches(pool)
    reached = by is None and pool.wanted > 0
    text = f"{pool.title} reached {pool.wanted:,} and closed." if reached else f"{pool.title} was closed."
    events.record(kind="pool.closed", text=text, project=pool.project, subject=pool, by=by, now=now)
    versions.bump(project_id=pool.project_id)
    return pool


@transaction.atomic
def change_pool(
    *,
    pool_id: int,
    by: User | None,
    now: datetime,
    wanted: int | None = None,
    price_micro: int | None = None,
    priority: int | None = None,
) -> Pool:
    """Change target, price or priority at any time; pages already issued keep their price."""
    pool = locked(pool_id)
    changes = []
    if wanted is not None and wanted != pool.wanted:
        _check_wanted(pool, wanted)
        pool.wanted = wanted
        _fit_slots(pool)
        changes.append(f"target {wanted:,}")
    if price_micro is not None and price_micro != pool.price_micro:
        if price_micro < 0:
            raise CrowdError(f"A price cannot be negative: {money_text(price_micro)}.")
        pool.price_micro, pool.price_table = price_micro, []
        Batch.objects.filter(pool_id=pool.pk).update(price_micro=price_micro, price_table=[])
        changes.append(f"price {money_text(price_micro)} a page")
    if priority is not None and priority != pool.priority:
        if not 0 <= priority <= 100:
            raise CrowdError(f"Priority {priority} is outside of 0 to 100.")
        pool.priority = priority
        Batch.objects.filter(pool_id=pool.pk).update(priority=priority)
        changes.append(f"priority {priority}")
    if changes:
        pool.save(update_fields=["wanted", "price_micro", "price_table", "priority"])
        tell_of_changes(pool)
        text = f"{pool.title}: {', '.join(changes)}."
        events.record(kind="pool.changed", text=text, project=pool.project, subject=pool, by=by, now=now)
        versions.bump(project_id=pool.project_id)
    return pool


def _check_wanted(pool: Pool, wanted: int) -> None:
    if wanted < 1:
        raise CrowdError(f"The target must be at least 1, not {wanted}.")
    accepted = accepted_count(pool_id=pool.pk)
    if wanted < accepted:
        raise CrowdError(f"{accepted:,} are accepted already; the target cannot be {wanted:,}.")


def _fit_slots(pool: Pool) -> None:
    """Bring the number of open places to the target: add some, or withdraw those nobody has taken."""
    add_slots(pool=pool)
    slots = Task.objects.filter(batch__pool_id=pool.pk, overlap__isnull=False, cancelled=False, item_id=None)
    surplus = slots.count() - pool.wanted
    if surplus > 0:
        free = list(slots.filter(issued=0).order_by("-id").values_list("id", flat=True)[:surplus])
        Task.objects.filter(pk__in=free).update(cancelled=True)
        tasks.mark_changed(free)


def accepted_count(*, pool_id: int) -> int:
    return Assignment.objects.filter(batch__pool_id=pool_id, state=Assignment.State.ACCEPTED).count()


def settle_openings(*, project_id: int | None = None) -> int:
    """Take note of what the platforms have done: opening pools become open, refused ones go back with the reason."""
    pools = Pool.objects.filter(state=State.OPENING)
    if project_id is not None:
        pools = pools.filter(project_id=project_id)
    return sum(_settle_opening(pool_id) for pool_id in pools.order_by("id").values_list("id", flat=True))


@transaction.atomic
def _settle_opening(pool_id: int) -> int:
    pool = locked(pool_id)
    if pool.state != State.OPENING:
        return 0
    batches = Batch.objects.filter(pool_id=pool.pk)
    if not batches.exclude(state=Batch.State.OPEN).exists():
        pool.move_to(State.OPEN)
        pool.save(update_fields=["state"])
        versions.bump(project_id=pool.project_id)
        return 1
    lost = [OutboxCommand.State.REFUSED, OutboxCommand.State.DEAD]
    refused = OutboxCommand.objects.filter(
        batch_id__in=batches.values("id"), kind="open_batch", state__in=lost, key__endswith=f"-{pool.revision}"
    ).first()
    if refused is None:
        return 0
    pool.move_to(State.PAUSED)
    pool.note = refused.last_error[:200]
    pool.save(update_fields=["state", "note"])
    versions.bump(project_id=pool.project_id)
    return 1


def close_finished(*, project_id: int, now: datetime) -> int:
    """Close collecting pools that have what was wanted."""
    found = list(Pool.objects.filter(project_id=project_id, state=State.OPEN, wanted__gt=0).order_by("id"))
    accepted = _accepted_pages([pool.pk for pool in found])
    done = [pool.pk for pool in found if accepted[pool.pk] >= pool.wanted]
    for pool_id in done:
        close_pool(pool_id=pool_id, by=None, now=now)
    return len(done)


def _accepted_pages(pool_ids: Sequence[int]) -> Counter[int]:
    """Return how many pages of each pool are accepted, from counts that are kept."""
    pool_of = dict(Batch.objects.filter(pool_id__in=pool_ids).values_list("pk", "pool_id"))
    totals = tallies.totals(Key(Of.BATCH, pk, ACCEPTED_PAGES) for pk in pool_of)
    found = Counter[int]()
    for (_, batch_id), words in totals.items():
        found[pool_of[batch_id]] += words[ACCEPTED_PAGES]
    return found


def _close_batches(pool: Pool) -> None:
    for batch in _batches(pool):
        outbox.withdraw(kind="open_batch", batch_id=batch.pk)
        _command(batch, "close_batch", f"close-{batch.key}-{pool.revision}")
    # What an own market can do at once: no new page is issued from this moment on.
    Batch.objects.filter(pool_id=pool.pk, state=Batch.State.OPEN).update(
        state=Batch.State.PAUSED, version=F("version") + 1
    )


def _batches(pool: Pool) -> list[Batch]:
    found = Batch.objects.filter(pool_id=pool.pk).order_by("id")
    return list(found.select_related("account", "price_skill", "needs_skill", "grants_skill"))


def _command(batch: Batch, kind: str, key: str) -> None:
    outbox.enqueue(kind=kind, key=key, account=batch.account, batch_id=batch.pk, lane=f"state:{batch.pk}")


def tell_of_changes(pool: Pool) -> None:
    """Let the platforms know of a new price or priority. Pages already issued keep theirs."""
    for batch in _batches(pool):
        if publishing.is_local(batch) or batch.published_at is None:
            continue
        publishing.fit_hold(batch=batch)
        for kind in ("update_batch", "set_priority"):
            number = OutboxCommand.objects.filter(kind=kind, batch_id=batch.pk).count()
            _command(batch, kind, f"{kind}-{batch.pk}-{number}")


def _wake_crowd(pool: Pool) -> None:
    if pool.account.platform == "rehearsal":
        jobs.wake(
            kind="rehearse",
            key=str(pool.account_id),
            project_id=pool.project_id,
            payload={"account_id": pool.account_id},
        )


def locked(pool_id: int) -> Pool:
    return (
        Pool.objects.select_for_update(of=("self",))
        .select_related("project", "account", "stage", "label_class")
        .get(pk=pool_id)
    )
