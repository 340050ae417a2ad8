"""The simulated crowd of a rehearsal: in our own market, or in an emulator of a platform behind its adapter."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Protocol

from django.core.files.storage import default_storage

from crowd.clock import database_now
from crowd.emulators.toloka import TolokaEmulator, VirtualClock
from crowd.emulators.toloka.visitors import Visitors
from crowd.links import key_of
from crowd.models import Account, Batch, OutboxCommand, RemoteFile, Task
from crowd.rehearsal import visits
from crowd.rehearsal.arrivals import Coming
from crowd.rehearsal.darkrooms import DRAWN, Darkroom
from crowd.rehearsal.models import HiddenTruth, PlayedTrick, RehearsalCrowd
from crowd.rehearsal.people import CrowdMix
from crowd.rehearsal.pictures import Truth
from crowd.secrets import Secrets
from crowd.services import dispatch, files, handing_in, publishing, pulling

STEP = timedelta(hours=1)
AT_ONCE = 1_000  # visits in a transaction
BALANCE = Decimal(1_000_000)


class Crowd(Protocol):
    """What the driver of a rehearsal needs of its crowd."""

    account: Account

    def row(self) -> RehearsalCrowd: ...

    def visit(self, visitors: int) -> int:
        """Let so many people come by; return how many of them handed a page in."""
        ...

    def settle(self) -> None:
        """Let everything happen that is due between the market and us."""
        ...


@dataclass
class OwnCrowd:
    """The crowd in our own market. All of its state is in the database, so an interrupted rehearsal goes on."""

    account: Account
    darkroom: Darkroom = DRAWN

    def row(self) -> RehearsalCrowd:
        return RehearsalCrowd.objects.get(account=self.account)

    def visit(self, visitors: int) -> int:
        found: list[visits.Visit] = []
        while len(found) < visitors:
            some = min(AT_ONCE, visitors - len(found))
            found += visits.visit_some(account_id=self.account.pk, visitors=some, darkroom=self.darkroom)
        return sum(one.outcome == "page" for one in found)

    def settle(self) -> None:
        """The outbox keeps real time: its rows are due by the database's clock."""
        handing_in.expire_leases(now=self.row().clock, account_id=self.account.pk)
        dispatch.drain(now=database_now(), account_id=self.account.pk)


@dataclass
class EmulatedCrowd:
    """The crowd in an emulator: everything goes over HTTP and through the adapter, nothing waits for the wall clock."""

    account: Account
    visitors: Visitors
    _later: timedelta = timedelta(0)
    _busy: set[str] = field(default_factory=set)

    def row(self) -> RehearsalCrowd:
        return RehearsalCrowd.objects.get(account=self.account)

    def visit(self, visitors: int) -> int:
        return sum(self._visit() for _ in range(visitors))

    def _visit(self) -> bool:
        outcome, pool_id = self.visitors.visit()
        self._busy.add(pool_id)
        self._keep_truths()
        now = self.visitors.market.clock.now()
        RehearsalCrowd.objects.filter(account=self.account).update(step=self.visitors.step, clock=now)
        return outcome == "page"

    def _keep_truths(self) -> None:
        """Keep what new photos show where the report looks for it."""
        while self.visitors.fresh:
            sha256, truth = self.visitors.fresh.pop()
            HiddenTruth.objects.get_or_create(sha256=sha256, defaults={"truth": truth.to_json()})

    def settle(self) -> None:
        self._pull()
        self._push()

    def _push(self) -> None:
        """Send what is planned. Pauses between tries are for a platform that is busy; this one answers at once."""
        fresh = Task.objects.filter(to_push=True, batch__account=self.account, batch__published_at__isnull=False)
        for batch_id in sorted(set(fresh.values_list("batch_id", flat=True))):
            publishing.plan_pushes(batch=Batch.objects.select_related("account").get(pk=batch_id))
        waiting = -1
        while waiting != (waiting := self._unsent()):
            self._later += STEP
            dispatch.drain(now=database_now() + self._later, account_id=self.account.pk)

    def _unsent(self) -> int:
        return OutboxCommand.objects.filter(account=self.account, state=OutboxCommand.State.PLANNED).count()

    def _pull(self) -> None:
        """Pull the pools where somebody has been since the last time."""
        now = self.visitors.market.clock.now()
        for batch in Batch.objects.filter(account=self.account).exclude(remote_id="").order_by("id"):
            if batch.remote_id.removeprefix("training-") not in self._busy:
                continue
            while pulling.pull_batch(batch_id=batch.pk, now=now).more:
                pass
        self._busy.clear()
        while files.fetch_due(now=database_now() + self._later, account_id=self.account.pk):
            pass
        self._note_tricks()

    def _note_tricks(self) -> None:
        """Remember what was done to which photo, for the report alone."""
        refs = list(self.visitors.tricks)
        for file in RemoteFile.objects.filter(ref__in=refs, assignment__account=self.account):
            trick = self.visitors.tricks.pop(file.ref)
            PlayedTrick.objects.get_or_create(answer_id=file.answer_id, defaults={"trick": trick})


def _stored_picture(url: str) -> bytes | None:
    """Read the picture of a task from our storage: in a rehearsal no web server need be running."""
    key = key_of(url.rsplit("/x/media/", 1)[-1])
    with default_storage.open(key, "rb") as file:
        data: bytes = file.read()
    return data


def _hidden_truth(sha256: bytes) -> Truth | None:
    row = HiddenTruth.objects.filter(sha256=sha256).first()
    return Truth.from_json(row.truth) if row else None


@contextmanager
def emulated(*, slug: str, seed: str, population: int, start: datetime, coming: Coming) -> Iterator[EmulatedCrowd]:
    """Serve a Toloka emulator with the rehearsal's people in it, and connect an account to it."""
    emulator = TolokaEmulator(
        seed=seed, clock=VirtualClock(start), commission=Decimal(0), balance=BALANCE, quotas=False
    )
    with emulator.serve() as served:
        account = Account.objects.create(
            slug=slug,
            platform="toloka",
            label="Toloka emulator",
            base_url=served.url,
            commission_percent=0,
            secrets=Secrets(token=served.token),  # type: ignore[misc]  # the plugin does not know the field
        )
        visits.ensure_crowd(
            account=account,
            seed=seed,
            population=population,
            start=start,
            visits_per_second=0,
            follows_wall_clock=False,
        )
        mix = CrowdMix(coming=coming)
        visitors = Visitors(served.market, seed, population, mix, pictures=_stored_picture, truths=_hidden_truth)
        yield EmulatedCrowd(account, visitors)
