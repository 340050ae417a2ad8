"""The market in our own database, as one simulated visitor meets it. What is `ref` elsewhere are rows here."""

from collections.abc import Hashable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import datetime
from operator import itemgetter
from typing import Any

from django.db.models import Count, F, QuerySet

from crowd.errors import NoWork
from crowd.models import AnswerRaw, Batch, SkillValue, Task, Worker
from crowd.models.worker import digest_of
from crowd.rehearsal import acting, answers, truths
from crowd.rehearsal.albums import Album, store, stored
from crowd.rehearsal.models import HiddenTruth
from crowd.rehearsal.pictures import Truth
from crowd.rehearsal.pictures.tricks import Sent
from crowd.services import claims, control, handing_in, trust
from crowd.services.rounds import Round
from crowd.services.standing import Learned

Files = Sequence[tuple[int, Mapping[str, Any]]]
"""What people sent, by answer: the latest first."""


@dataclass(slots=True)
class PhotoRound(Round):
    """A round in which photos are sent: what is written of them must be known by then."""

    album: Album = field(default_factory=Album)

    def write(self) -> None:
        self.album.develop()
        Round.write(self)


@dataclass(frozen=True, slots=True)
class Visitor:
    """Who is here, when."""

    worker: Worker
    now: datetime
    is_live: bool
    ring: tuple[str, ...] = ()  # ids of the others whose photos he sends


@dataclass(frozen=True, slots=True)
class OwnMarket:
    """Each page is taken and handed in by itself."""

    visitor: Visitor
    offered: list[acting.Stall]

    def is_barred(self) -> bool:
        """A restriction that covers the account's work is seen at any of its pools."""
        visitor = self.visitor
        return not self.offered or trust.is_restricted(
            worker=visitor.worker, batch=self.offered[0].ref, now=visitor.now
        )

    def stalls(self) -> list[acting.Stall]:
        return self.offered

    def skills(self) -> set[Hashable]:
        return set(SkillValue.objects.filter(worker=self.visitor.worker).values_list("skill_id", flat=True))

    def take(self, stall: acting.Stall) -> acting.Page:
        page = claims.claim_page(batch_id=stall.ref.pk, worker_id=self.visitor.worker.pk, now=self.visitor.now)
        tasks = [acting.StallTask(task.answer_id, task.payload) for task in claims.page_tasks(page)]
        return acting.Page(page, stall, tasks)

    def walk_away(self, page: acting.Page) -> None:
        """On a virtual clock the lease runs out; a live crowd is too fast for leases of minutes and says so."""
        if self.visitor.is_live:
            handing_in.skip_page(assignment_id=page.ref.pk, worker_id=self.visitor.worker.pk, now=self.visitor.now)

    def truth_of(self, task: acting.StallTask) -> Truth:
        return truth_of(task.payload)

    def template_of(self, task: acting.StallTask) -> bytes | None:
        return stored(task.payload.get("template_key", ""))

    def earlier_photo(self, back: int) -> Sent | None:
        return self._photo_back([self.visitor.worker.ext_id], back)

    def shared_photo(self, back: int) -> Sent | None:
        return self._photo_back(self.visitor.ring, back) if self.visitor.ring else None

    def _photo_back(self, people: Sequence[str], back: int) -> Sent | None:
        files = self.files_of(people, back + 1)
        return self.photo_of(*files[back]) if back < len(files) else None

    def files_of(self, people: Sequence[str], most: int) -> Files:
        """Return so many of the latest files that these people sent."""
        sent = _sent_by(self.visitor.worker.account_id, people)
        return [(pk, payload["file"]) for pk, payload in sent.values_list("pk", "payload")[:most]]

    def photo_of(self, _answer_id: int, file: Mapping[str, Any]) -> Sent | None:
        """Return the photo that was sent in an answer, with what it shows."""
        data = stored(file["key"])
        with suppress(HiddenTruth.DoesNotExist):
            return None if data is None else (data, truths.truth_of(bytes.fromhex(file["sha256"])))
        return None

    def keep_photo(self, task: acting.StallTask, photo: answers.Photo) -> dict[str, Any]:
        file, secret = store(task, photo)
        truths.write([secret])
        return {"file": file}

    def is_right(self, page: acting.Page, task: acting.StallTask, given: Mapping[str, Any]) -> bool:
        who = self.visitor.worker.pk
        return control.check_training(assignment_id=page.ref.pk, worker_id=who, answer_id=task.ref, payload=given).ok

    def hand_in(self, page: acting.Page, given: Mapping[Any, Mapping[str, Any]], duration_ms: int) -> None:
        handing_in.submit_page(
            assignment_id=page.ref.pk,
            worker_id=self.visitor.worker.pk,
            answers=given,
            duration_ms=duration_ms,
            now=self.visitor.now,
        )


@dataclass(frozen=True, slots=True)
class MarketTogether(OwnMarket):
    """Pages of real work are taken and handed in together with those of other visitors."""

    pages: PhotoRound

    @property
    def known(self) -> Learned:
        return self.pages.known(self.visitor.worker)

    def is_barred(self) -> bool:
        """The first thing that a visit asks."""
        self.pages.meet(self.visitor.worker)
        return not self.offered or self.known.is_restricted(self.offered[0].ref, self.visitor.now)

    def skills(self) -> set[Hashable]:
        return set(self.known.values)

    def take(self, stall: acting.Stall) -> acting.Page:
        batch, worker = stall.ref, self.visitor.worker
        if self.pages.has_nothing(batch, worker):
            raise NoWork
        if not self.pages.can_give(batch, worker):
            self.pages.stand_aside(worker=worker)
            return OwnMarket.take(self, stall)
        page, rows = self.pages.take(batch=batch, worker=worker, now=self.visitor.now)
        return acting.Page(page, stall, [acting.StallTask(row.pk, row.task.payload) for row in rows])

    def files_of(self, people: Sequence[str], most: int) -> Files:
        fresh = {pk: file for one in people for pk, file in self.pages.album.files_of(one).items()}
        sent = _sent_by(self.visitor.worker.account_id, people).exclude(pk__in=fresh)
        stored = [(pk, payload["file"]) for pk, payload in sent.values_list("pk", "payload")[:most]]
        return sorted([*fresh.items(), *stored], key=itemgetter(0), reverse=True)[:most]

    def photo_of(self, answer_id: int, file: Mapping[str, Any]) -> Sent | None:
        return self.pages.album.photo_of(answer_id) or OwnMarket.photo_of(self, answer_id, file)

    def keep_photo(self, task: acting.StallTask, photo: answers.Photo) -> dict[str, Any]:
        """Say so much of a photo as is known before it is drawn: the rest comes when its page is written."""
        file: dict[str, Any] = {"key": f"photo-{task.ref}", "sha256": "0" * 64, "bytes": 0}
        self.pages.album.take(file, task, photo)
        return {"file": file}

    def is_right(self, page: acting.Page, task: acting.StallTask, given: Mapping[str, Any]) -> bool:
        if not self.pages.holds(page.ref):
            return OwnMarket.is_right(self, page, task, given)
        return self.pages.check_training(page=page.ref, answer_id=task.ref, payload=given).ok

    def hand_in(self, page: acting.Page, given: Mapping[Any, Mapping[str, Any]], duration_ms: int) -> None:
        if self.pages.holds(page.ref):
            self.pages.hand_in(page=page.ref, answers=given, duration_ms=duration_ms, now=self.visitor.now)
        else:
            self.pages.album.develop()
            OwnMarket.hand_in(self, page, given, duration_ms)
        sent = {ref: payload["file"] for ref, payload in given.items() if "file" in payload}
        self.pages.album.add(self.visitor.worker.ext_id, sent)


def stalls_of(account_id: int) -> list[acting.Stall]:
    open_ones = Batch.objects.filter(account_id=account_id, state=Batch.State.OPEN)
    batches = list(open_ones.select_related("account", "needs_skill").order_by("id"))
    open_tasks = dict(
        Task.objects.filter(batch__in=batches, cancelled=False, issued__lt=F("overlap"))
        .values_list("batch_id")
        .annotate(n=Count("id"))
    )
    return [_stall(batch, open_tasks.get(batch.pk, 0)) for batch in batches]


def _stall(batch: Batch, open_tasks: int) -> acting.Stall:
    return acting.Stall(
        ref=batch,
        kind=batch.kind,
        interface=batch.interface,
        open_tasks=open_tasks,
        priority=batch.priority,
        needs_skill=batch.needs_skill_id,
        grants_skill=batch.grants_skill_id,
        options=[option["value"] for option in batch.spec.get("options", [])],
        labels=[label["name"] for label in batch.spec.get("labels", [])],
        flags=[flag["value"] for flag in batch.spec.get("flags", [])],
        media=batch.spec.get("media", "image"),
        price_micro=batch.price_micro,
        per_worker=batch.per_worker,
    )


def _sent_by(account_id: int, people: Sequence[str]) -> QuerySet[AnswerRaw]:
    """Return the photos of people, the latest first."""
    digests = [digest_of(one) for one in people]
    workers = Worker.objects.filter(account_id=account_id, ext_digest__in=digests)
    sent = AnswerRaw.objects.filter(answer__worker__in=workers, answer__assignment__batch__interface="photo")
    return sent.order_by("-pk")


def truth_of(payload: Any) -> Truth:
    """What the picture shows; about pictures nobody drew the crowd knows nothing and takes them as they are asked."""
    try:
        return truths.truth_of(bytes.fromhex(payload["sha256"]))
    except HiddenTruth.DoesNotExist:
        return Truth(payload["class"], (), int(payload["width"] or 1), int(payload["height"] or 1), "unknown")
