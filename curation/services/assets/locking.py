"""Rows are locked before they move."""

from collections.abc import Iterable

from django.db.models import Q, QuerySet

from crowd.services import ledger
from curation.models import Asset, Stage


def lock_purse(*asset_ids: int) -> None:
    """Take the locks of the budgets that pay what was sent, if any, before one of these assets is locked.

    Whoever may move money and wake stages in one transaction locks in this order: the worker, the budget, evidence and
    pictures, pages, jobs.
    """
    was_sent = Q(answer__isnull=False) | Q(parent__answer__isnull=False)
    sent = Asset.objects.filter(was_sent, pk__in=asset_ids).order_by("project_id")
    for project_id in sent.values_list("project_id", flat=True).distinct():
        ledger.lock_project(project_id=project_id)


def next_waiting(*, stage: Stage, limit: int) -> list[Asset]:
    """Lock the next assets that wait at a stage, in the order in which they came."""
    rows = Asset.objects.select_for_update().order_by("id")
    return at_stage(stage, rows.filter(state=Asset.State.WAITING), limit)


def at_stage(stage: Stage, rows: QuerySet[Asset], limit: int | None = None) -> list[Asset]:
    """Return those of the assets that are at a stage, which is known: it need not be read with each."""
    found = list(rows.filter(stage=stage)[:limit])
    for asset in found:
        asset.stage, asset.project = stage, stage.project
    return found


def all_locked(asset_ids: Iterable[int]) -> dict[int, Asset]:
    """Lock assets in the order of their ids, and return them by these with what they were sent as.

    Those of one stage share it: it is not read with each.
    """
    rows = Asset.objects.select_for_update(of=("self",)).select_related("answer").order_by("id")
    found = {asset.pk: asset for asset in rows.filter(pk__in=list(asset_ids))}
    stages = Stage.objects.select_related("project").in_bulk({asset.stage_id for asset in found.values()})
    for asset in found.values():
        asset.stage = stages[asset.stage_id]
        asset.project = asset.stage.project
    return found


def locked(asset_id: int) -> Asset:
    return Asset.objects.select_for_update(of=("self",)).select_related("stage", "project").get(pk=asset_id)
