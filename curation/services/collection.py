"""Submissions whose acceptance was postponed, judged by a person: accepted, paid but not used, or rejected.

What the automatic checks found stands beside each; the one whose platform accepts first comes first.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import F, Q, QuerySet

from crowd.errors import CrowdError
from crowd.models import Assignment, Evidence, Task
from crowd.services import bonuses, dishonesty, judging, ledger, tasks
from crowd.services.bonuses import Wish
from curation.models import Asset, DatasetItem, Decision, Project, User
from curation.services import assets, events, suspicions, versions

ACCEPT, SOFT, REJECT = "accept", "soft", "reject"
VERDICTS: Final = (ACCEPT, SOFT, REJECT)
REASONS: Final[Mapping[str, str]] = {
    **{
        code: assets.SENTENCES[code]
        for code in (
            "incorrect",
            "third_party",
            "blurred",
            "too_dark",
            "low_resolution",
            "same_scene",
            "video_too_short",
        )
    },
    "not_needed": "Enough of this kind was sent already.",
}
MOST = 200
LONGEST_NOTE = 200
REASON_MISSING: Final = {
    SOFT: "Choose a reason: the project's record keeps it. The sender is only paid.",
    REJECT: "Choose a reason: whoever sent it reads it.",
}
JUDGED_MEANWHILE = "Some of these were judged meanwhile; look at the rest again."
State = Asset.State


@dataclass(frozen=True, slots=True)
class Judgement:
    """One person's word about some submissions. `reason` is needed unless they are accepted."""

    verdict: str
    reason: str = ""
    note: str = ""
    bonus_micro: int = 0

    @property
    def sentence(self) -> str:
        """Return what the sender reads."""
        return " ".join(text for text in (REASONS.get(self.reason, ""), self.note) if text)


def waiting(project: Project) -> QuerySet[Assignment]:
    """Return the submissions that are here and neither paid nor refused, the nearest deadline first."""
    collecting = project.stages.filter(kind="collect").values("pk")
    rows = Assignment.objects.filter(
        project_id=project.pk,
        state=Assignment.State.SUBMITTED,
        awaits_files=False,
        batch__auto_accept=False,
        batch__stage_id__in=collecting,
    )
    return rows.order_by(F("review_until").asc(nulls_last=True), F("submitted_at").asc(nulls_last=True), "id")


def judge(*, project: Project, page_ids: Iterable[int], judgement: Judgement, by: User, now: datetime) -> int:
    """Judge these submissions, all or none. Returns how many; CrowdError says what is wrong."""
    ids = sorted(set(page_ids))
    _check(judgement, ids)
    with transaction.atomic():
        pages = list(waiting(project).filter(pk__in=ids).select_related("batch__account", "worker", "account"))
        if len(pages) < len(ids):
            raise CrowdError(JUDGED_MEANWHILE)
        _require_one_currency(pages, judgement)
        dishonesty.lock(*{page.worker_id for page in pages})
        ledger.lock_project(project_id=project.pk)
        if waiting(project).filter(pk__in=ids).count() < len(ids):
            raise CrowdError(JUDGED_MEANWHILE)
        for page in sorted(pages, key=lambda page: page.pk):
            _judge_one(project, page, judgement, by, now)
    return len(pages)


@transaction.atomic
def pay_unjudged(*, project: Project, photos: QuerySet[Asset], now: datetime) -> None:
    """Accept what nobody has judged of the submissions with these photos: nobody will be able to look at it."""
    pages = waiting(project).filter(answers__pk__in=photos.values("answer_id")).order_by()
    workers = set(pages.values_list("worker_id", flat=True))
    if not workers:
        return
    dishonesty.lock(*workers)
    ledger.lock_project(project_id=project.pk)
    for page_id in sorted(set(pages.values_list("pk", flat=True))):
        judging.accept(assignment_id=page_id, now=now)


def _check(judgement: Judgement, ids: Sequence[int]) -> None:
    if judgement.verdict not in VERDICTS:
        raise CrowdError(f"{judgement.verdict[:20]!r} is no verdict; known are {', '.join(VERDICTS)}.")
    if not ids:
        raise CrowdError("Choose at least one submission.")
    if len(ids) > MOST:
        raise CrowdError(f"At most {MOST:,} submissions at once, not {len(ids):,}.")
    if judgement.verdict != ACCEPT and judgement.reason not in REASONS:
        raise CrowdError(REASON_MISSING[judgement.verdict])
    if judgement.verdict == REJECT and judgement.bonus_micro:
        raise CrowdError("What is rejected gets no bonus.")


def _require_one_currency(pages: Sequence[Assignment], judgement: Judgement) -> None:
    """One number typed for several pages is one amount: it cannot be so many dollars here and so many euro there."""
    currencies = sorted({page.account.currency for page in pages})
    if judgement.bonus_micro and len(currencies) > 1:
        raise CrowdError(f"These submissions are paid in {' and '.join(currencies)}; give a bonus to each apart.")


def _judge_one(project: Project, page: Assignment, judgement: Judgement, by: User, now: datetime) -> None:
    sent = Q(answer__assignment=page) | Q(parent__answer__assignment=page)
    rows = Asset.objects.select_for_update(of=("self",)).select_related("stage", "project").filter(sent)
    photos = list(rows.order_by("pk"))
    if judgement.verdict == ACCEPT:
        for photo in photos:
            _let_pass(photo, by, now)
    else:
        _take_out([photo for photo in photos if photo.state != State.DROPPED], judgement, by, now)
    if judgement.verdict == REJECT:
        judging.reject(assignment_id=page.pk, reason=judgement.sentence, now=now)
    else:
        judging.accept(assignment_id=page.pk, now=now)
    if judgement.bonus_micro:
        wish = Wish(page, judgement.bonus_micro, f"submission {page.pk}", judgement.note)
        bonuses.plan(wish=wish, by_id=by.pk)
    text = (
        f"{by.name} judged what {page.worker.short_id} sent: {WORDS[judgement.verdict]}. {judgement.sentence}".strip()
    )
    events.record(kind=f"submission.{judgement.verdict}", text=text, project=project, subject=page, by=by, now=now)
    versions.bump(project_id=project.pk)


WORDS: Final[Mapping[str, str]] = {ACCEPT: "accepted", SOFT: "paid, but not used", REJECT: "rejected"}


def _let_pass(photo: Asset, by: User, now: datetime) -> None:
    """What the checks have held goes on; what they said against its sender no longer counts."""
    if photo.state != State.HELD:
        return
    against = Evidence.objects.filter(item_id=photo.pk, project_id=photo.project_id, overturned_at__isnull=True)
    for evidence in against.order_by("pk"):
        suspicions.clear(evidence_id=evidence.pk, by=by, now=now)
    photo.refresh_from_db()
    if photo.state == State.HELD:
        person = Decision.By.PERSON
        assets.decide(asset=photo, verdict=Decision.Verdict.PASSED, by_kind=person, by_id=by.pk, now=now)


def _take_out(photos: Sequence[Asset], judgement: Judgement, by: User, now: datetime) -> None:
    frozen = DatasetItem.objects.filter(asset__in=photos).select_related("dataset")
    first = frozen.first()
    if first is not None:
        raise CrowdError(f"A picture of it is frozen in data set version {first.dataset}; it can only be accepted.")
    withdraw(photos)
    evidence = {"note": judgement.note, "paid": judgement.verdict == SOFT}
    moves = [assets.Move(photo, Decision.Verdict.DROPPED, judgement.reason, evidence) for photo in photos]
    assets.decide_all(moves=moves, by_kind=Decision.By.PERSON, by_id=by.pk, now=now)


def withdraw(photos: Sequence[Asset]) -> None:
    """Offer nobody what is taken out; who has it in hand already is paid for it."""
    working = [photo.pk for photo in photos if photo.state == State.WORKING]
    places = Task.objects.filter(item_id__in=working, overlap__isnull=False, issued__lt=F("overlap"))
    ids = list(places.order_by("pk").values_list("pk", flat=True))
    Task.objects.filter(pk__in=ids, issued=0).update(cancelled=True)
    Task.objects.filter(pk__in=ids, issued__gt=0).update(overlap=F("issued"))
    tasks.mark_changed(ids)
