"""Replays: what a campaign's authors printed, written as rows of a project, so that the product's reports read it."""

import time
from collections.abc import Callable
from dataclasses import asdict
from datetime import timedelta
from fractions import Fraction
from typing import Any

from django.db import connection, transaction

from crowd.services.patience import be_patient
from curation.engine import replay_rows
from curation.engine.rehearsal_setup import START
from curation.engine.replay_plan import Plan, plan_of
from curation.engine.report import WORKERS, cost_of, funnel_of, ledger_of
from curation.models import Asset, Crawl, LabelClass, Project, Stage
from curation.recipes.loading import Recipe, load
from curation.services import people
from curation.services.coverage.report import class_balance
from curation.services.crawling.funnel import funnel as steps_of
from curation.services.crawling.report import report as crawl_report


def replay(
    *,
    recipe: str,
    delivered: int | None = None,
    share: Fraction | None = None,
    progress: Callable[[int, int], None] | None = None,
) -> dict[str, Any]:
    """Write the published counts of a recipe as rows, all or none, and return the reports read from those rows.

    A replay of this size that is there already is read again. Raises BadRecipe.
    """
    started, found = time.monotonic(), load(recipe)
    plan = plan_of(found, delivered, share)
    with transaction.atomic():
        be_patient()
        project = _there(found, plan) or _written(found, plan, progress)
        document = _document(project, plan)
    took = {"virtual_hours": plan.hours, "wall_seconds": round(time.monotonic() - started, 1)}
    return {**document, "time": took}


def _slug(recipe: Recipe, plan: Plan) -> str:
    return f"replay-{recipe.name}-{plan.delivered}"


def _there(recipe: Recipe, plan: Plan) -> Project | None:
    return Project.objects.filter(slug=_slug(recipe, plan), is_rehearsal=True).first()


def _written(recipe: Recipe, plan: Plan, progress: Callable[[int, int], None] | None) -> Project:
    project = _project(recipe, plan)
    total, at, span = sum(group.n for group in plan.groups), 0, timedelta(hours=plan.hours)
    for group in plan.groups:
        at = replay_rows.write_group(project=project, group=group, first=at, start=START, span=span)
        if progress:
            progress(at, total)
    aggregate = project.stages.filter(kind="aggregate").first()
    for group in plan.groups:
        if group.boxes and aggregate is not None:
            replay_rows.write_boxes(project=project, group=group, stage=aggregate)
    if plan.addresses:
        replay_rows.write_addresses(project=project, addresses=plan.addresses)
    replay_rows.write_money(project=project, published=plan.published)
    with connection.cursor() as cursor:
        cursor.execute(f"ANALYZE {', '.join(replay_rows.TABLES)}")  # reports would be planned for the few rows before
    return project


def _project(recipe: Recipe, plan: Plan) -> Project:
    name = f"Replay of {recipe.name}, {plan.delivered:,} delivered"
    project = Project.objects.create(
        name=name,
        slug=_slug(recipe, plan),
        recipe=recipe.name,
        description=f"As published: {plan.source}. Counts and money; no pictures."[:300],
        is_rehearsal=True,
        archived_at=START,
        created_at=START,
    )
    Stage.objects.bulk_create(
        Stage(project=project, position=n, kind=one.kind, name=one.name, title=one.title, settings=one.settings)
        for n, one in enumerate(plan.stages)
    )
    LabelClass.objects.bulk_create(
        LabelClass(project=project, index=n, name=label, prompt=prompt)
        for n, (label, prompt) in enumerate(recipe.classes.items())
    )
    people.seat_operators(project=project)
    return project


def _document(project: Project, plan: Plan) -> dict[str, Any]:
    funnel = funnel_of(project)
    delivered = Asset.objects.filter(project=project, state=Asset.State.PUBLISHED).count()
    return {
        "recipe": project.recipe,
        "seed": 0,
        "size": delivered,
        "replay": "published",
        "project": project.slug,
        "source": plan.source,
        "funnel": funnel,
        **_found(project),
        **_classes(project),
        "cost": cost_of(project, funnel, delivered),
        "quality": {"delivered": delivered},
        "workers": {**dict.fromkeys(WORKERS, 0), "by_level": {}},
        "ledger": ledger_of(project),
    }


def _found(project: Project) -> dict[str, Any]:
    """Say what became of the addresses of a search, where there was one."""
    crawl = Crawl.objects.filter(project=project, name=replay_rows.CRAWL).first()
    if crawl is None:
        return {}
    told = crawl_report(crawl)
    steps = [
        {key: value for key, value in asdict(one).items() if key != "hours"} for one in steps_of(crawl, told["hours"])
    ]
    return {"crawl": {name: told[name] for name in ("addresses", "refused")}, "steps": steps}


def _classes(project: Project) -> dict[str, Any]:
    """Return the table of classes where the images have boxes."""
    rows = class_balance(project=project, among="published")
    if not any(row.boxes for row in rows):
        return {}
    return {
        "classes": [
            {"class": one.label.name, "images": one.images, "boxes": one.boxes, "flag": one.flag} for one in rows
        ]
    }
