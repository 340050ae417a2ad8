"""A pool of the same project for what a data set lacks: some platform asks for one class under one condition."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from crowd.errors import CrowdError
from crowd.platforms.registry import elsewhere
from curation.engine import campaigns, gap_plan
from curation.engine.market_accounts import LABELS, account_for
from curation.models import Pool, Project, Stage, User
from curation.services import accounts, events, pools
from curation.services.coverage import Factor
from curation.services.coverage.plan import RANGES, WORDS
from curation.stages.registry import stage_kind

HERE: Final = "inhouse"


def offered(*, project: Project, by: User) -> list[tuple[str, str]]:
    """Return name and label of the crowds that may be asked, our own people first."""
    if _collecting(project) is None:
        return []
    mine = accounts.visible_to(by).filter(is_active=True, platform__in=elsewhere())
    rows = mine.order_by("label", "slug")
    return [(HERE, LABELS[HERE])] + [(one.slug, one.label or one.slug) for one in rows]


def _collecting(project: Project) -> Stage | None:
    return project.stages.filter(kind="collect").select_related("project").order_by("position").first()


@transaction.atomic
def make(
    *, project: Project, factors: Sequence[Factor], asked: str, crowd: str, by_links: bool, by: User, now: datetime
) -> Pool:
    """Draft a pool of the collecting stage that says the condition and keeps it with what comes. Raises CrowdError."""
    stage = _collecting(project)
    if stage is None:
        raise CrowdError("This project collects nothing, so no pool can be made for a gap.")
    label, factor, place, missing = gap_plan.read_gap(project, factors, asked)
    if crowd not in dict(offered(project=project, by=by)):
        raise CrowdError("Choose one of the platforms that are offered.")
    value = factor.wishes[place].value
    stage.settings = _said(stage.settings, factor, value, by_links=by_links)  # for this pool alone: never saved
    (draft,) = stage_kind(stage.kind).pools(stage, [label], gap_plan.results_for_gap(project, missing))
    kept = {} if factor.name in WORDS | RANGES else {"condition": [factor.name, value]}
    title = f"{draft.title}, {factor.name} {value}"[:80]
    draft = campaigns.on_terms(
        stage, replace(draft, title=title, condition=factor.condition(value), spec={**draft.spec, **kept})
    )
    account = account_for(project, crowd)
    pool, made = pools.ensure_pool(stage=stage, account_id=account.pk, draft=draft, known=[])
    if not made:
        raise CrowdError(f"{pool.full_name} on {crowd} asks for this already: raise its target there.")
    text = f"{by.name} drafted a pool for what lacks: {missing:,} of {label.name}, {factor.name} {value}."
    events.record(kind="pool.drafted", text=text, project=project, subject=pool, by=by, now=now)
    return pool


def _said(settings: dict[str, Any], factor: Factor, value: str, *, by_links: bool) -> dict[str, Any]:
    conditions = [*settings.get("conditions", []), f"{factor.name.capitalize()}: {value}"]
    return {**settings, "conditions": conditions, **({"sends": "link"} if by_links else {})}
