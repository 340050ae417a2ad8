"""What a bulk change does to a slice of assets, and how it is undone. What may not be changed is left as it is."""

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import Q, QuerySet

from crowd.errors import CrowdError
from crowd.models import Assignment, Task
from curation.models import Asset, AssetTag, BulkChange, Decision, LabelClass, ReviewLease, Stage, TagRun
from curation.services import assets as moves
from curation.services import bulk_drops, held_out
from curation.services.assets import Move

ASKED: Final = "sent_to_review"
BY_HAND: Final = "by hand"
"""The tagger whose words are a person's."""
Before = dict[str, Any]
Row = tuple[Asset, Before]
State, Verdict = Asset.State, Decision.Verdict


@dataclass(frozen=True, slots=True)
class Does:
    """An action on locked assets: `apply` returns what each changed one was before; `undo` takes those back."""

    apply: Callable[[BulkChange, Sequence[Asset], datetime], dict[int, Before]]
    undo: Callable[[BulkChange, Sequence[Row], datetime], None]
    slice: int = 200


def locked(ids: Sequence[int]) -> QuerySet[Asset]:
    rows = Asset.objects.select_for_update(of=("self",)).select_related("stage", "project")
    return rows.filter(pk__in=ids).order_by("pk")


# --- class ------------------------------------------------------------------------------------------------------------
def _set_class(change: BulkChange, assets: Sequence[Asset], _now: datetime) -> dict[int, Before]:
    label = LabelClass.objects.filter(pk=change.settings["class_id"]).first()
    new = label.pk if label else None
    mine = [one for one in assets if one.label_class_id != new and one.media != Asset.Media.VIDEO]
    before = {one.pk: {"class": one.label_class_id} for one in mine}
    _put_class(mine, label)
    return before


def _class_back(change: BulkChange, rows: Sequence[Row], _now: datetime) -> None:
    """Give each the class it had; what somebody has set since then stays."""
    by_class: dict[int | None, list[Asset]] = defaultdict(list)
    for asset, before in rows:
        if asset.label_class_id == change.settings["class_id"]:
            by_class[before["class"]].append(asset)
    known = LabelClass.objects.in_bulk([pk for pk in by_class if pk is not None])
    for pk, mine in by_class.items():
        _put_class(mine, known.get(pk or 0))


def _put_class(mine: Sequence[Asset], label: LabelClass | None) -> None:
    """Set the class of assets and of the tasks about them, as one asset's page does."""
    ids = [asset.pk for asset in mine]
    Asset.objects.filter(pk__in=ids).update(label_class=label)
    tasks = list(Task.objects.select_for_update().filter(item_id__in=ids).order_by("pk"))
    for task in tasks:
        task.payload = {**task.payload, **moves.class_payload(label)}
    Task.objects.bulk_update(tasks, ["payload"])


# --- tags -------------------------------------------------------------------------------------------------------------
def _tag(change: BulkChange, assets: Sequence[Asset], _now: datetime) -> dict[int, Before]:
    key, value, ids = change.settings["key"], change.settings["value"], [asset.pk for asset in assets]
    there = AssetTag.objects.filter(asset__in=ids, run__tagger=BY_HAND, key=key, value=value)
    mine = sorted(set(ids) - set(there.values_list("asset_id", flat=True)))
    project_id = change.project_id
    TagRun.objects.bulk_create(
        (TagRun(project_id=project_id, asset_id=pk, tagger=BY_HAND, version="1") for pk in mine), ignore_conflicts=True
    )
    runs = dict(TagRun.objects.filter(asset__in=mine, tagger=BY_HAND, version="1").values_list("asset_id", "pk"))
    made = AssetTag.objects.bulk_create(_word(project_id, pk, runs[pk], key, value) for pk in mine)
    return {row.asset_id: {"tag": row.pk} for row in made}


def _word(project_id: int, asset_id: int, run_id: int, key: str, value: str) -> AssetTag:
    source = AssetTag.Source.PERSON
    return AssetTag(project_id=project_id, asset_id=asset_id, run_id=run_id, key=key, value=value, source=source)


def _tag_back(_change: BulkChange, rows: Sequence[Row], _now: datetime) -> None:
    AssetTag.objects.filter(pk__in=[before["tag"] for _, before in rows]).delete()


def _untag(change: BulkChange, assets: Sequence[Asset], _now: datetime) -> dict[int, Before]:
    """Take back what people have said; what a tagger measured stays on record."""
    said = AssetTag.objects.filter(asset__in=[asset.pk for asset in assets], run__tagger=BY_HAND)
    mine = said.filter(key=change.settings["key"], value=change.settings["value"])
    before = {row.asset_id: {"run": row.run_id} for row in mine}
    mine.delete()
    return before


def _untag_back(change: BulkChange, rows: Sequence[Row], _now: datetime) -> None:
    key, value = change.settings["key"], change.settings["value"]
    there = set(
        AssetTag.objects.filter(run__in=[before["run"] for _, before in rows], key=key, value=value).values_list(
            "asset_id", flat=True
        )
    )
    AssetTag.objects.bulk_create(
        _word(change.project_id, asset.pk, before["run"], key, value) for asset, before in rows if asset.pk not in there
    )


# --- out and back -----------------------------------------------------------------------------------------------------
def _drop(change: BulkChange, assets: Sequence[Asset], now: datetime) -> dict[int, Before]:
    return _take_out(change, assets, change.settings["reason"], now)


def _take_out(change: BulkChange, assets: Sequence[Asset], reason: str, now: datetime) -> dict[int, Before]:
    """Drop what waits for no verdict, is in nobody's hands and stands in no frozen version."""
    states = (*bulk_drops.TAKEN, State.HELD)
    mine = list(bulk_drops.withdrawn(list(bulk_drops.takeable((asset.pk for asset in assets), states))))
    before = {one.pk: {"stage": one.stage_id, "reason": reason} for one in mine}
    _decide(change, [Move(one, Verdict.DROPPED, reason, _evidence(change)) for one in mine], now)
    return before


def _drop_back(change: BulkChange, rows: Sequence[Row], now: datetime) -> None:
    """Bring back what still lies where this change has put it."""
    stages = Stage.objects.in_bulk({before["stage"] for _, before in rows})
    back = [
        Move(asset, Verdict.RESTORED, evidence=_evidence(change), to_stage=stages[before["stage"]])
        for asset, before in rows
        if asset.state == State.DROPPED and asset.reason == before["reason"] and before["stage"] in stages
    ]
    _decide(change, back, now)


def _restore(change: BulkChange, assets: Sequence[Asset], now: datetime) -> dict[int, Before]:
    """Bring each back as its own page does; what cannot come back stays where it is."""
    before: dict[int, Before] = {}
    for asset in assets:
        was = {"stage": asset.stage_id, "reason": asset.reason}
        if asset.state != State.DROPPED or change.by is None:
            continue
        try:
            with transaction.atomic():
                moves.bring_back(asset=asset, by=change.by, now=now)
        except CrowdError:
            continue
        before[asset.pk] = was
    return before


def _restore_back(change: BulkChange, rows: Sequence[Row], now: datetime) -> None:
    """Drop them again for the same reason. What was paid meanwhile stays paid."""
    before = {asset.pk: was for asset, was in rows}
    stages = Stage.objects.in_bulk({was["stage"] for was in before.values()})
    states = (*bulk_drops.TAKEN, State.HELD)
    mine = list(bulk_drops.withdrawn(list(bulk_drops.takeable(before, states))))
    for asset in mine:
        asset.stage = stages.get(before[asset.pk]["stage"], asset.stage)
    _decide(change, [Move(one, Verdict.DROPPED, before[one.pk]["reason"], _evidence(change)) for one in mine], now)


def _hold_out(change: BulkChange, assets: Sequence[Asset], now: datetime) -> dict[int, Before]:
    before = _take_out(change, assets, held_out.REASON, now)
    held_out.put_into(held_out_id=change.settings["held_out_id"], assets=[one for one in assets if one.pk in before])
    return before


# --- review -----------------------------------------------------------------------------------------------------------
def _to_review(change: BulkChange, assets: Sequence[Asset], now: datetime) -> dict[int, Before]:
    """Hold what is published or waits, and waits for no verdict on what was sent, at the review stage."""
    review = Stage.objects.get(pk=change.settings["stage_id"])
    ids = [asset.pk for asset in assets]
    submitted = Assignment.State.SUBMITTED
    sent = Q(answer__assignment__state=submitted) | Q(parent__answer__assignment__state=submitted)
    unjudged = set(Asset.objects.filter(sent, pk__in=ids).values_list("pk", flat=True))
    mine = [one for one in assets if _may_be_reviewed(one) and one.pk not in unjudged]
    before = {one.pk: {"stage": one.stage_id, "state": one.state} for one in mine}
    for asset in mine:
        asset.stage = review
    _decide(change, [Move(one, Verdict.HELD, ASKED, _evidence(change)) for one in mine], now)
    return before


def _may_be_reviewed(asset: Asset) -> bool:
    return asset.state in {State.PUBLISHED, State.WAITING} and asset.media != Asset.Media.VIDEO


def _review_back(change: BulkChange, rows: Sequence[Row], now: datetime) -> None:
    """Put back what no reviewer has decided on or looks at."""
    looked_at = set(
        ReviewLease.objects.filter(asset__in=[asset.pk for asset, _ in rows], until__gt=now).values_list(
            "asset_id", flat=True
        )
    )
    stages = Stage.objects.in_bulk({before["stage"] for _, before in rows})
    back = []
    for asset, before in rows:
        if asset.reason != ASKED or asset.pk in looked_at or before["stage"] not in stages:
            continue
        asset.stage = stages[before["stage"]]
        was_published = before["state"] == State.PUBLISHED
        verdict = Verdict.PASSED if was_published else Verdict.RETURNED
        back.append(Move(asset, verdict, evidence=_evidence(change), to_stage=None if was_published else asset.stage))
    _decide(change, back, now)


def _evidence(change: BulkChange) -> Mapping[str, Any]:
    note = change.settings.get("note")
    return {"bulk_change": change.pk, **({"note": note} if note else {})}


def _decide(change: BulkChange, wanted: Sequence[Move], now: datetime) -> None:
    if wanted:
        moves.decide_all(moves=wanted, by_kind=Decision.By.PERSON, by_id=change.by_id, now=now)


Action = BulkChange.Action
ACTIONS: Final[Mapping[str, Does]] = {
    Action.CLASS: Does(_set_class, _class_back),
    Action.TAG: Does(_tag, _tag_back),
    Action.UNTAG: Does(_untag, _untag_back),
    Action.DROP: Does(_drop, _drop_back),
    Action.RESTORE: Does(_restore, _restore_back, slice=1),
    Action.REVIEW: Does(_to_review, _review_back),
    Action.HOLD_OUT: Does(_hold_out, _drop_back),
}
