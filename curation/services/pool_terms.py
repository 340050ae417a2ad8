"""The terms of a pool, changed by a lead: all of them while it is a draft, later only what may change any time."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from crowd.audience import audience
from crowd.errors import CrowdError
from crowd.models import Batch
from crowd.money import exact_text
from crowd.services import skills
from curation.models import Pool, Stage, User
from curation.services import events, pools, versions

State = Pool.State


@dataclass(frozen=True, slots=True)
class Terms:
    """What a pool asks of people and pays them. Prices are in the account's currency."""

    price_micro: int
    price_table: Sequence[tuple[int, int, int]]
    price_skill: str
    overlap: int
    audience: Mapping[str, Any]
    review_days: int
    assignment_seconds: int
    expires_at: datetime | None
    whole_pages: bool


ONLY_IN_DRAFTS = {
    "price_table": "the price by skill",
    "overlap": "the number of answers",
    "review_days": "the days to judge",
    "assignment_seconds": "the time for a page",
    "whole_pages": "what a short page costs",
}


def terms_of(*, pool: Pool) -> Terms:
    """Return the terms as they are."""
    batch = _batch(pool)
    return Terms(
        price_micro=pool.price_micro,
        price_table=tuple((int(low), int(high), int(price)) for low, high, price in batch.price_table),
        price_skill=batch.price_skill.name if batch.price_skill else "",
        overlap=pool.overlap,
        audience=batch.audience,
        review_days=batch.review_days,
        assignment_seconds=batch.assignment_seconds,
        expires_at=batch.expires_at,
        whole_pages=batch.pays_whole_pages,
    )


@transaction.atomic
def set_terms(
    *, pool_id: int, terms: Terms, by: User | None, now: datetime, accept_differences: bool = False
) -> list[str]:
    """Change the terms, tell the platform, and put on record what was changed. Returns that in words.

    Raises Differences when an open pool would ask for what its platform cannot do and nobody has agreed to that.
    """
    pool = pools.locked(pool_id)
    if pool.state == State.DONE:
        raise CrowdError(f"{pool.title} is closed. Open it again, then change it.")
    changes = _changes(pool, terms_of(pool=pool), terms)
    if not changes:
        return []
    _check(pool, terms, changes)
    _store(pool, terms)
    if "overlap" in changes:
        _set_overlap(pool, terms.overlap)
    if pool.state != State.DRAFT:
        pools.agree_to_differences(pool, accepted=accept_differences)
        pools.tell_of_changes(pool)
    said = list(changes.values())
    who = f"{by.name} changed {pool.title}" if by else f"{pool.title} was changed"
    text = f"{who}: {', '.join(said)}."
    events.record(kind="pool.changed", text=text, project=pool.project, subject=pool, by=by, now=now)
    versions.bump(project_id=pool.project_id)
    return said


def _changes(pool: Pool, old: Terms, new: Terms) -> dict[str, str]:
    """Return what differs, in words."""
    currency = pool.account.currency
    words = {
        "price_micro": f"price {exact_text(new.price_micro, currency)} a page",
        "price_table": f"price by skill in {len(new.price_table)} steps" if new.price_table else "no price by skill",
        "overlap": f"{new.overlap} answers each",
        "audience": f"who may work: {_audience_words(new.audience)}",
        "review_days": f"{new.review_days} days to judge",
        "assignment_seconds": f"{new.assignment_seconds:,} seconds for a page",
        "expires_at": f"open until {new.expires_at:%-d %b %Y}" if new.expires_at else "no last day",
        "whole_pages": "short pages cost as much" if new.whole_pages else "short pages cost their share",
    }
    differ = {
        "price_table": list(old.price_table) != list(new.price_table)
        or bool(new.price_table and old.price_skill != new.price_skill),
        "audience": audience(dict(old.audience)) != audience(dict(new.audience)),
    }
    return {name: text for name, text in words.items() if differ.get(name, getattr(old, name) != getattr(new, name))}


def _audience_words(asked: Mapping[str, Any]) -> str:
    return "; ".join(f"{name.replace('_', ' ')} {_plain(value)}" for name, value in asked.items()) or "everybody"


def _plain(value: Any) -> str:
    if not isinstance(value, list):
        return str(value)
    return ", ".join(
        f"{one['skill']} {one.get('low', 0)} to {one.get('high', 100)}" if isinstance(one, dict) else str(one)
        for one in value
    )


def _check(pool: Pool, terms: Terms, changes: Mapping[str, str]) -> None:
    if terms.price_micro < 0:
        raise CrowdError(f"A price cannot be negative: {exact_text(terms.price_micro, pool.account.currency)}.")
    pools.require_no_trial(pool)
    fixed = [words for name, words in ONLY_IN_DRAFTS.items() if name in changes]
    if fixed and pool.state != State.DRAFT:
        raise CrowdError(f"{pool.title} has been opened: {' and '.join(fixed)} cannot change any more.")


def _store(pool: Pool, terms: Terms) -> None:
    table = [list(step) for step in terms.price_table]
    pool.price_micro, pool.price_table = terms.price_micro, table
    pool.save(update_fields=["price_micro", "price_table"])
    has_table = bool(terms.price_table and terms.price_skill)
    skill = skills.ensure_skill(account=pool.account, name=terms.price_skill) if has_table else None
    Batch.objects.filter(pool_id=pool.pk).update(
        price_micro=terms.price_micro,
        price_table=table,
        price_skill=skill,
        audience=dict(terms.audience),
        review_days=terms.review_days,
        assignment_seconds=terms.assignment_seconds,
        expires_at=terms.expires_at,
        pays_whole_pages=terms.whole_pages,
    )


def _set_overlap(pool: Pool, overlap: int) -> None:
    """The stage counts the answers of all its platforms together, so their number is one for the whole stage."""
    mine = Pool.objects.filter(stage_id=pool.stage_id, kind=Pool.Kind.MAIN)
    if pool.label_class_id is not None or pool.kind != Pool.Kind.MAIN:
        raise CrowdError(f"{pool.title} takes one answer to each task.")
    if mine.exclude(state=State.DRAFT).exists():
        raise CrowdError("Another pool of this stage has been opened: the number of answers cannot change any more.")
    stage = Stage.objects.select_for_update().get(pk=pool.stage_id)
    stage.settings = {**stage.settings, "overlap": overlap}
    stage.save(update_fields=["settings"])
    mine.update(overlap=overlap)
    Batch.objects.filter(pool_id__in=mine.values("pk")).update(overlap=overlap)


def _batch(pool: Pool) -> Batch:
    found = Batch.objects.filter(pool_id=pool.pk).select_related("price_skill").order_by("id").first()
    if found is None:
        raise CrowdError(f"{pool.title} has no tasks yet.")
    return found
