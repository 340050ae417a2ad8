"""The market inside our own database, shared by the in-house and the rehearsal platform.

Remote and local are the same rows here, so no outcome is ever unknown.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet

from crowd.errors import AuthFailed, Invalid, NotFound
from crowd.models import Account, Assignment, Batch, Bonus, Restriction, Task, Worker
from crowd.models.worker import digest_of
from crowd.platforms import base
from crowd.platforms.connecting import FILTERS
from crowd.services import judging, skills, trust

PULL_SIZE = 200
STILL_UNDER_WAY = timedelta(minutes=2)


class LocalMarket:
    capabilities = replace(
        base.FULL,
        pages="local",
        audience_filters=frozenset({"languages", "countries", "skills"}),
        interfaces=frozenset({"photo", "choice", "boxes", "outlines", "link", "pair", "text"}),
        platform_rules=True,
    )

    def check(self, account: Account) -> base.Health:
        workers = Worker.objects.filter(account=account).count()
        return base.Health(ok=True, sentence=f"{workers} workers are known.")

    def fee(self, account: Account, *, price_micro: int, overlap: int) -> int:
        """Return nothing: nobody stands between us and our own people."""
        return 0

    def quote(self, account: Account, *, pages: int, price_micro: int, overlap: int = 1) -> int:
        return pages * price_micro

    def lacks(self, account: Account, batch: base.BatchSpec) -> list[str]:
        asked = batch.audience.model_dump(exclude_defaults=True)
        deaf = [FILTERS[name] for name in asked if name not in self.capabilities.audience_filters]
        return [f"People cannot be chosen here by {', '.join(deaf)}: whoever else fits may work."] if deaf else []

    def ensure_batch(self, account: Account, batch: base.BatchSpec) -> str:
        row, _ = Batch.objects.get_or_create(
            key=batch.key,
            defaults={
                "account": account,
                "project_id": batch.project_id,
                "pool_id": batch.pool_id,
                "stage_id": batch.stage_id,
                "kind": batch.kind,
                "interface": batch.interface,
                "spec": {**batch.spec, "title": batch.title},
                "page_size": batch.page_size,
                "overlap": batch.overlap,
                "price_micro": batch.price_micro,
                "auto_accept": batch.auto_accept,
            },
        )
        return str(row.pk)

    def update_batch(self, account: Account, remote_id: str, batch: base.BatchSpec) -> None:
        self._batch(account, remote_id)  # our own row is the batch: there is nothing to tell anybody

    @transaction.atomic
    def push_tasks(
        self, account: Account, remote_id: str, tasks: Sequence[base.TaskSpec], key: str = ""
    ) -> base.Receipt:
        batch = self._batch(account, remote_id)
        keys = [task.key for task in tasks]
        known = set(Task.objects.filter(batch=batch, key__in=keys).values_list("key", flat=True))
        new = {task.key: task for task in tasks if task.key not in known}
        Task.objects.bulk_create(_row(batch, task) for task in new.values())
        ids = {row.key: str(row.pk) for row in Task.objects.filter(batch=batch, key__in=keys).only("key")}
        return base.Receipt(created=len(new), existing=len(tasks) - len(new), refused={}, ids=ids)

    def set_overlap(self, account: Account, remote_id: str, task_remote_id: str, overlap: int) -> None:
        rows = Task.objects.filter(batch=self._batch(account, remote_id), overlap__isnull=False)
        if not task_remote_id.isdecimal() or not rows.filter(pk=int(task_remote_id)).update(overlap=overlap):
            raise NotFound(f"Batch {remote_id} has no task {task_remote_id}.")

    def offer_pages(self, account: Account, remote_id: str, pages: int, key: str) -> None:
        self._batch(account, remote_id)  # our own people come by themselves

    def open(self, account: Account, remote_id: str, now: datetime) -> None:
        batch = self._batch(account, remote_id)
        if batch.state != Batch.State.OPEN:
            batch.move_to(Batch.State.OPEN)
            batch.opened_at = batch.opened_at or now
            batch.save(update_fields=["state", "opened_at"])

    def close(self, account: Account, remote_id: str, now: datetime) -> None:
        batch = self._batch(account, remote_id)
        if batch.state in {Batch.State.OPEN, Batch.State.PAUSED}:
            batch.move_to(Batch.State.CLOSED)
            batch.closed_at = now
            batch.save(update_fields=["state", "closed_at"])

    def archive(self, account: Account, remote_id: str, now: datetime) -> None:
        batch = self._batch(account, remote_id)
        if batch.state in {Batch.State.OPEN, Batch.State.PAUSED}:
            self.close(account, remote_id, now)
            batch.refresh_from_db()
        if batch.state != Batch.State.ARCHIVED:
            batch.move_to(Batch.State.ARCHIVED)
            batch.save(update_fields=["state"])

    def set_priority(self, account: Account, remote_id: str, priority: int) -> None:
        Batch.objects.filter(pk=self._batch(account, remote_id).pk).update(priority=priority)

    def pull(self, account: Account, remote_id: str, watermark: str) -> base.Pull:
        """Go by the time of handing in: an earlier page may come in after a later one.

        The last mark of a series lies a little back, for what was handed in then and committed since.
        """
        handed_in = Assignment.objects.filter(batch=self._batch(account, remote_id), submitted_at__isnull=False)
        rows = handed_in.order_by("submitted_at", "pk").select_related("worker")
        page = list(_after(rows, watermark)[: PULL_SIZE + 1])
        found, more = page[:PULL_SIZE], len(page) > PULL_SIZE
        mark = _mark(found[-1], back=timedelta() if more else STILL_UNDER_WAY) if found else watermark
        return base.Pull([_remote(row) for row in found], mark, more=more)

    def accept(self, account: Account, ext_id: str, now: datetime, comment: str = "") -> None:
        judging.accept(assignment_id=self._assignment(account, ext_id).pk, now=now)

    def reject(self, account: Account, ext_id: str, reason: str, now: datetime) -> None:
        judging.reject(assignment_id=self._assignment(account, ext_id).pk, reason=reason, now=now)

    def pay_bonus(self, account: Account, bonus: base.BonusSpec) -> str:
        """Our own ledger is the only book there is."""
        row = Bonus.objects.filter(account=account, key=bonus.key).first()
        if row is None:
            raise NotFound(f"Account {account.slug} has no bonus {bonus.key}.")
        return str(row.pk)

    def set_skill(self, account: Account, worker_ext_id: str, skill: str, value: int) -> None:
        self._worker(account, worker_ext_id)
        skills.ensure_skill(account=account, name=skill)  # the value is in our rows already

    def restrict(self, account: Account, remote_id: str, ban: base.Ban) -> None:
        batch, worker = self._batch(account, remote_id), self._worker(account, ban.worker_ext_id)
        where = _scope_id(batch, ban.scope)
        trust.restrict(worker_id=worker.pk, scope=ban.scope, scope_id=where, reason=ban.reason, until=ban.until)

    def unrestrict(self, account: Account, remote_id: str, ban: base.Ban, now: datetime) -> None:
        batch, worker = self._batch(account, remote_id), self._worker(account, ban.worker_ext_id)
        here = {"scope": ban.scope, "scope_id": _scope_id(batch, ban.scope)}
        for row in Restriction.objects.filter(worker=worker, lifted_at__isnull=True, **here):
            trust.lift(restriction_id=row.pk, now=now)

    def bans(self, account: Account, remote_id: str) -> Sequence[base.Ban]:
        return ()

    def message(self, account: Account, worker_ext_ids: Sequence[str], topic: str, text: str) -> None:
        for ext_id in worker_ext_ids:
            self._worker(account, ext_id)

    def fetch_file(self, account: Account, ref: str) -> Iterator[bytes]:
        raise NotFound(f"Files of {account.slug} are in our own storage; there is no {ref!r} elsewhere.")

    def parse_event(
        self, account: Account, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> list[base.EventNote]:
        raise AuthFailed("This market lies in our own database; nobody has to tell us what happens in it.")

    def books(self, account: Account, remote_id: str) -> base.RemoteBooks:
        pages = Assignment.objects.filter(batch=self._batch(account, remote_id))
        states = dict(pages.values_list("ext_id", "state"))
        spent = sum(pages.filter(state=Assignment.State.ACCEPTED).values_list("price_micro", flat=True))
        tasks = Task.objects.filter(batch_id=int(remote_id), cancelled=False).count()
        return base.RemoteBooks(dict(Counter(states.values())), tasks, spent, states)

    def _batch(self, account: Account, remote_id: str) -> Batch:
        row = Batch.objects.filter(account=account, pk=int(remote_id)).first() if remote_id.isdecimal() else None
        if row is None:
            raise NotFound(f"Account {account.slug} has no batch {remote_id}.")
        return row

    def _assignment(self, account: Account, ext_id: str) -> Assignment:
        row = Assignment.objects.filter(account=account, ext_digest=digest_of(ext_id)).first()
        if row is None:
            raise NotFound(f"Account {account.slug} has no assignment {ext_id}.")
        return row

    def _worker(self, account: Account, ext_id: str) -> Worker:
        row = Worker.objects.filter(account=account, ext_digest=digest_of(ext_id)).first()
        if row is None:
            raise NotFound(f"Account {account.slug} has no worker {ext_id}.")
        return row


def _scope_id(batch: Batch, scope: str) -> int:
    """Return what a ban in this scope is about; the scopes are those of Restriction."""
    return {"batch": batch.pk, "project": batch.project_id, "account": batch.account_id}[scope]


def _mark(row: Assignment, *, back: timedelta) -> str:
    if row.submitted_at is None:
        raise LookupError(f"{row} was not handed in.")
    return f"{(row.submitted_at - back).isoformat()} {0 if back else row.pk}"


def _after(rows: QuerySet[Assignment], watermark: str) -> QuerySet[Assignment]:
    if not watermark:
        return rows
    at, _, pk = watermark.partition(" ")
    try:
        moment, number = datetime.fromisoformat(at), int(pk)
    except ValueError:
        raise Invalid({"watermark": f"{watermark!r} was not given out here"}) from None
    return rows.filter(Q(submitted_at__gt=moment) | Q(submitted_at=moment, pk__gt=number))


def _row(batch: Batch, task: base.TaskSpec) -> Task:
    return Task(
        batch=batch,
        key=task.key,
        project_id=batch.project_id,
        item_id=task.item_id,
        payload=dict(task.payload),
        author_id=task.author_id,
        known_answer=dict(task.known_answer) if task.known_answer is not None else None,
        hint=task.hint,
        overlap=None if task.known_answer is not None else task.overlap,
    )


def _remote(row: Assignment) -> base.RemoteAssignment:
    answers = {answer.task.key: answer.raw.payload for answer in row.answers.select_related("task", "raw")}
    return base.RemoteAssignment(row.ext_id, row.worker.ext_id, row.state, row.price_micro, row.submitted_at, answers)
