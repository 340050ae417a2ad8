"""Checks that the crowd could not settle: votes that tie, pages refused for that, appeals. A person decides.

What is held pays or refuses the page behind it; what was refused comes back and is paid, or stays out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal
from uuid import UUID

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet

from crowd.errors import CrowdError
from crowd.models import Appeal
from curation.models import Asset, CheckVerdict, Decision, Project, ReviewLease, Stage, User
from curation.services import appeals, assets, events, submissions, versions
from curation.services.reviews.queue import take_leases

UNDECIDED = "undecided"
KIND = "validate"
Why = Literal["undecided", "refused", "appeal"]
State = Asset.State


@dataclass(frozen=True, slots=True)
class Dispute:
    """One photo with a question about it. `appeal` is what its sender says against the refusal."""

    asset: Asset
    why: Why
    appeal: Appeal | None = None


@dataclass(frozen=True, slots=True)
class Word:
    """A person's answer as a browser sends it. `key` makes it happen once."""

    key: UUID
    asset: UUID
    answer: str
    ms: int | None = None


def options_of(stage: Stage) -> list[dict[str, Any]]:
    """Return the answers a check offers: value, label, tone, and whether the photo goes on with it."""
    return [dict(option) for option in stage.settings.get("options", [])]


def held(project: Project) -> QuerySet[Asset]:
    """Return photos whose votes tie and that wait for a person, unpaid so far; the nearest deadline comes first."""
    return (
        _tied(project)
        .filter(state=State.HELD)
        .order_by(F("answer__assignment__review_until").asc(nulls_last=True), "id")
    )


def _tied(project: Project) -> QuerySet[Asset]:
    return Asset.objects.filter(project=project, stage__kind=KIND, reason=UNDECIDED)


def _unseen() -> Q:
    return ~Q(Exists(CheckVerdict.objects.filter(asset=OuterRef("pk"), stage=OuterRef("stage"))))


def refused(project: Project) -> QuerySet[Asset]:
    """Return photos that were refused because the votes tied, and that nobody has looked at since."""
    return _tied(project).filter(_unseen(), state=State.DROPPED).order_by("id")


def appealed(project: Project) -> QuerySet[Appeal]:
    """Return open appeals against a page whose one photo was refused by a check."""
    sent = Asset.objects.filter(answer__assignment=OuterRef("assignment"))
    checked = sent.filter(stage__kind=KIND, state=State.DROPPED)
    return appeals.open_in(project=project).filter(
        Exists(checked), ~Exists(sent.exclude(stage__kind=KIND, state=State.DROPPED))
    )


def waiting(*, project: Project, leads: bool) -> int:
    """Count what this person may decide: what costs money that was refused before is for leads."""
    if not leads:
        return held(project).count()
    open_ones = Q(state=State.HELD) | (Q(state=State.DROPPED) & _unseen())
    return _tied(project).filter(open_ones).count() + appealed(project).count()


def next_disputes(*, project: Project, user: User, leads: bool, n: int, now: datetime) -> list[Dispute]:
    """Lease the next photos to a person: those that hold up a payment, then appeals, then what was refused."""
    found = [Dispute(asset, "undecided") for asset in _free(held(project), user, now)[:n]]
    if leads:
        found += list(_appeals(project, user, now, n - len(found)))
        found += [Dispute(asset, "refused") for asset in _free(refused(project), user, now)[: max(0, n - len(found))]]
    known: dict[int, Dispute] = {}
    for one in found:
        known.setdefault(one.asset.pk, one)
    mine = take_leases(list(known), user=user, now=now)
    return [one for pk, one in known.items() if pk in mine]


def _free(rows: QuerySet[Asset], user: User, now: datetime) -> QuerySet[Asset]:
    others = ReviewLease.objects.filter(asset=OuterRef("pk"), until__gt=now).exclude(user=user)
    return rows.filter(~Exists(others), preview__isnull=False)


def _appeals(project: Project, user: User, now: datetime, n: int) -> Sequence[Dispute]:
    found = {row.assignment_id: row for row in appealed(project)[: max(0, n)]}
    photos = Asset.objects.filter(answer__assignment__in=list(found)).select_related("answer")
    of_page = {photo.answer.assignment_id: photo for photo in _free(photos, user, now) if photo.answer}
    return [Dispute(of_page[page], "appeal", appeal) for page, appeal in found.items() if page in of_page]


@transaction.atomic
def settle(*, project: Project, user: User, leads: bool, word: Word, now: datetime) -> None:
    """Do what a person says of a disputed photo, once. Raises CrowdError with a sentence when it cannot be done."""
    photo = Asset.objects.select_related("stage").filter(project=project, public_id=word.asset).first()
    if photo is None:
        raise CrowdError("This photo is not in this project.")
    said = CheckVerdict.objects.filter(key=word.key).first()
    if said is not None:
        if said.by_id != user.pk or said.asset_id != photo.pk:
            raise CrowdError("This key belongs to another answer; make a new one.")
        return
    keeps = _keeps(photo.stage, word.answer)
    _must_be_free(photo, user, now)
    if photo.state == State.HELD:
        _settle_held(photo, word.answer, keeps=keeps, user=user, now=now)
    elif leads:
        _settle_refused(project, photo, word.answer, keeps=keeps, user=user, now=now)
    else:
        raise CrowdError("This photo is no longer in dispute.")
    CheckVerdict.objects.create(
        project_id=project.pk,
        key=word.key,
        asset=photo,
        stage=photo.stage,
        by=user,
        answer=word.answer,
        duration_ms=None if word.ms is None else min(max(word.ms, 0), 86_400_000),
        created_at=now,
    )
    ReviewLease.objects.filter(asset=photo, user=user).delete()
    versions.bump(project_id=project.pk)


def _keeps(stage: Stage, answer: str) -> bool:
    known = {option["value"]: bool(option.get("keeps")) for option in options_of(stage)}
    if answer not in known:
        raise CrowdError(f"{answer[:40]!r} is no answer here; known are {', '.join(known)}.")
    return known[answer]


def _must_be_free(photo: Asset, user: User, now: datetime) -> None:
    other = ReviewLease.objects.filter(asset=photo, until__gt=now).exclude(user=user).select_related("user").first()
    if other is not None:
        raise CrowdError(f"{other.user.name} is looking at this photo until {other.until:%H:%M} UTC.")


def _settle_held(photo: Asset, answer: str, *, keeps: bool, user: User, now: datetime) -> None:
    assets.lock_purse(photo.pk)
    asset = assets.locked(photo.pk)
    if asset.state != State.HELD or asset.reason != UNDECIDED or asset.stage.kind != KIND:
        raise CrowdError("This photo is no longer in dispute.")
    verdict = Decision.Verdict.PASSED if keeps else Decision.Verdict.DROPPED
    by = Decision.By.REVIEWER
    assets.decide(asset=asset, verdict=verdict, reason="" if keeps else answer[:40], by_kind=by, by_id=user.pk, now=now)
    if keeps:
        submissions.accept(asset=asset, now=now)
    else:
        submissions.reject(asset=asset, reason=answer, now=now)


def _settle_refused(project: Project, photo: Asset, answer: str, *, keeps: bool, user: User, now: datetime) -> None:
    """An appeal is answered; a photo refused for a tie comes back and is paid, or stays where it is."""
    appeal = appealed(project).filter(assignment__answers=photo.answer_id).first() if photo.answer_id else None
    if appeal is not None and keeps:
        appeals.uphold(appeal_id=appeal.pk, by=user, reply="", takes_back=True, now=now)
    elif appeal is not None:
        sentence = assets.SENTENCES.get(answer, assets.SENTENCES["incorrect"])
        appeals.deny(appeal_id=appeal.pk, by=user, reply=f"A person has looked at it again. {sentence}", now=now)
    elif not refused(project).filter(pk=photo.pk).exists():
        raise CrowdError("This photo is no longer in dispute.")
    elif keeps:
        asset = assets.restore(asset_id=photo.pk, by=user, note="votes tied, a person decided", now=now)
        if not assets.is_judged_later(asset):
            submissions.accept(asset=asset, now=now)
    else:
        text = f"{user.name} left a photo out on which the votes tied: {answer}."
        events.record(kind="check.settled", text=text, project=project, subject=photo, by=user, now=now)
