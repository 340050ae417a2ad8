"""People of a platform elsewhere on our own page: who they are, what they agreed to, what they do next.

What an address says of them is a claim. Nothing is paid for it before the platform shows the same (see `confirming`).
"""

from collections.abc import Callable
from datetime import datetime

from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from django.utils.translation import gettext_noop

from crowd.authored import told
from crowd.errors import CrowdError, NotYours, NoWork
from crowd.models import Account, Assignment, Batch, Worker
from crowd.models.worker import digest_of
from crowd.services import claims, offers, skills

State = Assignment.State
BEGUN = gettext_noop("This page was begun by somebody else.")


class BegunElsewhere(CrowdError):
    """The worker has a page of this batch in hand that began under another id of the platform."""

    def __init__(self, page: Assignment) -> None:
        self.page = page
        super().__init__(_("You have begun a page of this work in another place."))


def arrive(*, account: Account, worker_ext_id: str) -> Worker:
    """Return the worker of this id, made on first sight."""
    worker, _ = Worker.objects.get_or_create(
        account=account, ext_digest=digest_of(worker_ext_id), defaults={"ext_id": worker_ext_id}
    )
    return worker


@transaction.atomic
def agree(*, worker_id: int, consent_sha256: str, is_adult: bool, now: datetime) -> Worker:
    """Remember that somebody has agreed to this text. No consent or not of age: nothing is given out."""
    if not is_adult or not consent_sha256:
        raise CrowdError(_("Please confirm that you are 18 or older and that you agree to the text."))
    worker = Worker.objects.select_for_update().get(pk=worker_id)
    worker.consent_version, worker.consented_at, worker.is_adult = consent_sha256, now, True
    worker.save(update_fields=["consent_version", "consented_at", "is_adult"])
    return worker


def learn_score(*, batch: Batch, worker: Worker, ask: Callable[[str], int | None], now: datetime) -> None:
    """Take over, once, what somebody has reached on the platform itself. `ask` may use the network."""
    wanted = batch.needs_skill
    if wanted is None or skills.value_of(worker_id=worker.pk, skill_id=wanted.pk) is not None:
        return
    value = ask(wanted.name)
    if value is not None:
        skills.set_skill(
            worker_id=worker.pk, skill_id=wanted.pk, ok=value, n=100, reason="exam: taken on the platform", now=now
        )


def next_page(*, batch: Batch, worker: Worker, ext_id: str, now: datetime) -> Assignment:
    """Return the page to be worked on: a training or exam that is still needed, else the paid page of this id.

    Raises NoWork, NotYours, BudgetExceeded or BegunElsewhere, each with a sentence.
    """
    known = page_of(account_id=batch.account_id, ext_id=ext_id)
    if known is not None:
        return _own(known, batch, worker)
    step = _step(batch, worker)
    if step.pk != batch.pk:
        _require_work_behind(batch, worker, now)
        return claims.claim_page(batch_id=step.pk, worker_id=worker.pk, now=now)
    _require_nothing_begun(batch, worker, ext_id, now)
    try:
        page = claims.claim_page(batch_id=batch.pk, worker_id=worker.pk, now=now, ext_id=ext_id)
    except IntegrityError:  # somebody else came with the same id at the same moment
        raise NotYours(_(BEGUN)) from None
    if page.ext_id != ext_id:  # two windows at once: the other one won
        raise BegunElsewhere(page)
    return page


def page_of(*, account_id: int, ext_id: str) -> Assignment | None:
    found = Assignment.objects.select_related("batch__account")
    return found.filter(account_id=account_id, ext_digest=digest_of(ext_id)).first()


def _own(page: Assignment, batch: Batch, worker: Worker) -> Assignment:
    if page.worker_id != worker.pk or page.batch_id != batch.pk:
        raise NotYours(_(BEGUN))
    return page


def _require_nothing_begun(batch: Batch, worker: Worker, ext_id: str, now: datetime) -> None:
    page = claims.active_page(worker_id=worker.pk, batch_id=batch.pk)
    if page is not None and page.lease_until >= now and page.ext_id != ext_id:
        raise BegunElsewhere(page)


@transaction.atomic
def take_over(*, batch: Batch, worker: Worker, ext_id: str, now: datetime) -> Assignment | None:
    """Go on here with the page that was begun under another id; that one no longer stands for anything."""
    mine = Assignment.objects.select_for_update(of=("self",)).filter(batch=batch, worker=worker, state=State.ACTIVE)
    page = mine.filter(lease_until__gte=now).first()
    if page is None or page_of(account_id=batch.account_id, ext_id=ext_id) is not None:
        return None
    page.ext_id, page.ext_digest = ext_id, digest_of(ext_id)
    page.save(update_fields=["ext_id", "ext_digest"])
    return page


def _step(batch: Batch, worker: Worker) -> Batch:
    """Go back from what somebody came for to the first thing that is still missing."""
    step, seen = batch, set[int]()
    while step.needs_skill_id is not None and step.pk not in seen:
        if skills.value_of(worker_id=worker.pk, skill_id=step.needs_skill_id) is not None:
            break  # enough or not: taking a page will say
        seen.add(step.pk)
        step = _gate(step)
    return step


def _gate(batch: Batch) -> Batch:
    """Return the open training or exam that gives the skill a batch needs."""
    gates = Batch.objects.filter(
        account_id=batch.account_id, project_id=batch.project_id, grants_skill_id=batch.needs_skill_id
    )
    found = gates.filter(state=Batch.State.OPEN).exclude(kind=Batch.Kind.MAIN).order_by("id").first()
    if found is None:
        name = told(batch.needs_skill.name) if batch.needs_skill else ""
        raise NoWork(_("This needs “%(skill)s” first, and that cannot be got right now.") % {"skill": name})
    return found


def _require_work_behind(batch: Batch, worker: Worker, now: datetime) -> None:
    """Nobody is led through an unpaid training to find that there is no paid work behind it."""
    offer = offers.offer_of(batch=batch, worker=worker, now=now)
    if offer is None:
        raise NoWork(_("You cannot work in this pool."))
    if batch.state != Batch.State.OPEN or not offer.available:
        raise NoWork(_("Nothing to do here right now."))


def is_work_waiting(batch: Batch) -> bool:
    """Say whether anybody at all would find something to do, for those who only look."""
    return batch.state == Batch.State.OPEN and offers.tasks_to_give(batch).exists()
