"""The report of a rehearsal, read from rows alone: funnel, money, quality against the truth, who was caught."""

from collections import Counter, defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from django.db import connection
from django.db.models import Sum

from aggregation.core.geometry import best_matching, iou_matrix
from crowd.models import Account, Assignment, Batch, Evidence, LedgerEntry, Restriction, Worker
from crowd.money import plain
from crowd.rehearsal import truths
from crowd.rehearsal.answers import THIRD_PARTY
from crowd.rehearsal.models import PlayedTrick, RehearsalCrowd
from crowd.rehearsal.people import Person
from crowd.rehearsal.pictures import Truth
from crowd.rehearsal.population import LEVELS, Kind
from crowd.rehearsal.visits import person_of
from crowd.services import ledger
from curation.engine.wish import Wish
from curation.models import Asset, Consensus, Pool, Project, Stage
from curation.services.overview import CUT

MATCH_IOU = 0.5
READ_AT_ONCE = 500
DUPLICATE_TRICKS = ("resent", "resaved", "shared")
TEMPLATE_TRICK = "template"
WORKERS = ("honest", "dishonest", "caught", "missed", "wrongly_accused")
DUPLICATE_REASONS = ("same_file", "same_photo")


REACHED: Final = """
WITH reached AS (
    SELECT stage_id, asset_id FROM curation_decision WHERE project_id = %(project)s
     UNION
    SELECT stage_id, id FROM curation_asset WHERE project_id = %(project)s
     UNION
    SELECT stage.id, asset.id
      FROM curation_stage stage JOIN curation_asset asset USING (project_id)
     WHERE project_id = %(project)s AND stage.kind = 'collect'
)
SELECT here.id, stands.position, asset.state, asset.reason, count(*)
  FROM reached
  JOIN curation_asset asset ON asset.id = reached.asset_id
  JOIN curation_stage here ON here.id = reached.stage_id
  JOIN curation_stage stands ON stands.id = asset.stage_id AND stands.position >= here.position
 WHERE here.kind <> 'collect' OR asset.parent_id IS NULL
 GROUP BY 1, 2, 3, 4
"""


@dataclass(frozen=True, slots=True)
class Standing:
    """So many assets stand at the stage of this position in this state, for this reason."""

    position: int
    state: str
    reason: str
    n: int


def report(*, project: Project, wish: Wish) -> dict[str, Any]:
    """Return the document of `rehearse` without its times."""
    funnel = funnel_of(project)
    delivered = Asset.objects.filter(project=project, state=Asset.State.PUBLISHED).count()
    return {
        "recipe": wish.recipe,
        "seed": wish.seed,
        "size": wish.size,
        "funnel": funnel,
        "cost": cost_of(project, funnel, delivered),
        "quality": quality_of(project),
        "workers": workers_of(project),
        "planted": planted_of(project),
        "ledger": ledger_of(project),
    }


def funnel_of(project: Project) -> list[dict[str, Any]]:
    """Count distinct assets by stage: what came, what passed, what was dropped and why.

    An image counts by where it stands now: one that was dropped and brought back passed, one taken out later did not.
    """
    reached = _reached(project)
    return [_row_of(stage, reached[stage.pk]) for stage in project.stages.order_by("position")]


def _reached(project: Project) -> dict[int, list[Standing]]:
    """Return for each stage where all stand now that stand there, or were decided about there and stand beyond it."""
    found: dict[int, list[Standing]] = defaultdict(list)
    with connection.cursor() as cursor:
        cursor.execute(REACHED, {"project": project.pk})
        for stage_id, *row in cursor.fetchall():
            found[stage_id].append(Standing(*row))
    return found


def _row_of(stage: Stage, reached: Sequence[Standing]) -> dict[str, Any]:
    """Count one stage. A video that was cut has passed: `frames` says how many came of the videos cut there."""
    here = [one for one in reached if one.position == stage.position and one.state == Asset.State.DROPPED]
    cut = sum(one.n for one in here if one.reason == CUT)
    reasons = {one.reason: one.n for one in sorted(here, key=lambda one: one.reason) if one.reason != CUT}
    on = [one for one in reached if one.position > stage.position or one.state == Asset.State.PUBLISHED]
    row = {
        "stage": stage.name,
        "in": sum(one.n for one in reached),
        "passed": sum(one.n for one in on) + cut,
        "dropped": sum(reasons.values()),
        "reasons": reasons,
    }
    return {**row, "frames": _frames_cut(stage)} if cut else row


def _frames_cut(stage: Stage) -> int:
    return Asset.objects.filter(parent__stage=stage, parent__reason=CUT, parent__state=Asset.State.DROPPED).count()


def cost_of(project: Project, funnel: list[dict[str, Any]], delivered: int) -> dict[str, Any]:
    """Sum the ledger by stage; a stage that costs nothing stays as a row."""
    spent = dict(
        LedgerEntry.objects.spent()
        .filter(project_id=project.pk)
        .values_list("stage_id")
        .annotate(total=Sum("spent_micro"))
    )
    stages = {stage.name: stage.pk for stage in Stage.objects.filter(project=project)}
    per_stage = [
        {"stage": row["stage"], "n": row["in"], "usd": plain(int(spent.get(stages[row["stage"]], 0)))} for row in funnel
    ]
    total = int(sum(spent.values()))
    units = sum(int(spent.get(stages[row["stage"]], 0)) / row["in"] for row in funnel if row["in"])
    return {
        "total_usd": plain(total),
        "per_stage": per_stage,
        "unit_sum_usd": plain(round(units)),
        "per_delivered_usd": plain(round(total / delivered)) if delivered else None,
    }


def truth_of(asset: Asset) -> Truth | None:
    digest = bytes(asset.sha256)
    return truths.truths_of({digest}).get(digest)


def quality_of(project: Project) -> dict[str, Any]:
    """Compare the boxes of what was delivered with what was drawn, one to one at an IoU of at least 0.5."""
    found = wanted = hits = right = signs = 0
    ious: list[float] = []
    published = Asset.objects.filter(project=project, state=Asset.State.PUBLISHED).order_by("id")
    delivered = list(published.prefetch_related("label_class"))
    for asset, truth, consensus in with_truth(delivered):
        if truth is None or consensus is None:
            continue
        pairs = matched(consensus, truth)
        found += len(consensus.boxes.all())
        wanted += len(truth.boxes)
        hits += len(pairs)
        right += sum(same for _, same in pairs)
        ious += [iou for iou, _ in pairs]
        signs += asset.label_class is not None and truth.sign == asset.label_class.name
    return {
        "precision": _share(hits, found),
        "recall": _share(hits, wanted),
        "mean_iou": round(float(np.mean(ious)), 4) if ious else None,
        "label_accuracy": _share(right, hits),
        "sign_accuracy": _share(signs, len(delivered)),
        "delivered": len(delivered),
    }


def with_truth(found: Sequence[Asset]) -> Iterator[tuple[Asset, Truth | None, Consensus | None]]:
    """Yield each with the truth about it and its current boxes, where there are any, read some hundred at a time."""
    for start in range(0, len(found), READ_AT_ONCE):
        some = found[start : start + READ_AT_ONCE]
        shown = truths.truths_of({bytes(asset.sha256) for asset in some})
        current = Consensus.objects.current().of_boxes().filter(asset__in=some).prefetch_related("boxes")
        boxes: dict[int, Consensus] = {}
        for row in current:
            boxes.setdefault(row.asset_id, row)
        for asset in some:
            yield asset, shown.get(bytes(asset.sha256)), boxes.get(asset.pk)


def matched(consensus: Consensus, truth: Truth) -> list[tuple[float, bool]]:
    """Return (IoU, same label) of each matched pair of a consensus box and a true box."""
    boxes = list(consensus.boxes.all())
    if not boxes or not truth.boxes:
        return []
    ours = np.array([[box.x, box.y, box.x + box.w, box.y + box.h] for box in boxes])
    scale = np.array([truth.width, truth.height, truth.width, truth.height], dtype=float)
    theirs = np.array([[box.x, box.y, box.x + box.w, box.y + box.h] for box in truth.boxes]) / scale
    table = iou_matrix(ours, theirs)
    return [
        (float(table[i, j]), boxes[i].label == truth.boxes[j].label)
        for i, j in best_matching(table)
        if table[i, j] >= MATCH_IOU
    ]


def shows_the_truth(truth: Truth | None, consensus: Consensus) -> bool:
    """Whether every hand has its box with the right label, and nothing else has one."""
    if truth is None:
        return consensus.status != Consensus.Status.DROP
    pairs = matched(consensus, truth)
    return len(pairs) == len(truth.boxes) == len(consensus.boxes.all()) and all(same for _, same in pairs)


def workers_of(project: Project) -> dict[str, Any]:
    """Say which simulated cheats were caught and who was accused without a cause."""
    account = Account.objects.filter(pk__in=Pool.objects.filter(project=project).values("account")).first()
    if account is None:
        return {**dict.fromkeys(WORKERS, 0), "by_level": {}, "banned": {"dishonest": 0, "honest": 0}}
    crowd = RehearsalCrowd.objects.get(account=account)
    people = {worker.pk: person_of(worker, crowd) for worker in Worker.objects.filter(account=account).order_by("id")}
    ever = Restriction.objects.no_work().filter(worker_id__in=people, lifted_at=None)
    banned = set(ever.in_force(crowd.clock).values_list("worker_id", flat=True))
    tricks = _tricks(project)
    cheated = {pk for pk, trick in tricks.values() if _is_cheating(people[pk], trick)} | _clicked(project, people)
    accused, falsely = set(), set()
    for evidence in Evidence.objects.filter(project_id=project.pk, overturned_at=None):
        accused.add(evidence.worker_id)
        if evidence.item_id not in tricks or _sort_of(tricks[evidence.item_id][1]) is None:
            falsely.add(evidence.worker_id)
    were_banned = set(ever.values_list("worker_id", flat=True))
    suspects = accused | were_banned
    cheats = {pk for pk, person in people.items() if not person.honest}
    levels = Counter(Evidence.objects.filter(project_id=project.pk, overturned_at=None).values_list("level", flat=True))
    return {
        "honest": len(people) - len(cheats),
        "dishonest": len(cheats),
        "caught": len(cheats & suspects),
        "missed": len((cheats & cheated) - suspects),
        "wrongly_accused": len((falsely | were_banned) - cheats),
        "by_level": {str(level): levels.get(level, 0) for level in Evidence.Level.values},
        "banned": {"dishonest": len(cheats & banned), "honest": len(banned - cheats)},
    }


def _is_cheating(person: Person, trick: str) -> bool:
    """Whether a picture was meant to deceive: somebody else's may be an honest slip."""
    return _sort_of(trick) is not None or (trick == THIRD_PARTY and person.cheat_level == LEVELS[Kind.SYNTHETIC])


def _clicked(project: Project, people: Mapping[int, Person]) -> set[int]:
    """Return who handed in real work and never looked."""
    clickers = [pk for pk, person in people.items() if person.kind == Kind.CLICKER]
    pages = Assignment.objects.filter(project_id=project.pk, batch__kind=Batch.Kind.MAIN, submitted_at__isnull=False)
    return set(pages.filter(worker_id__in=clickers).values_list("worker_id", flat=True))


def _tricks(project: Project) -> dict[int, tuple[int, str]]:
    """Return (worker, trick) of every photo that was not simply taken, by asset."""
    played = PlayedTrick.objects.filter(answer__task__project_id=project.pk)
    by_answer = {pk: (worker, trick) for pk, worker, trick in played.values_list("pk", "answer__worker_id", "trick")}
    rows = Asset.objects.filter(project=project, answer_id__in=by_answer).values_list("pk", "answer_id")
    return {pk: by_answer[answer_id] for pk, answer_id in rows if answer_id is not None}


def planted_of(project: Project) -> dict[str, Any]:
    """Count the dishonest pictures by sort, and how many of them the checks took out."""
    reasons = dict(Asset.objects.filter(project=project).values_list("pk", "reason"))
    counts: dict[str, dict[str, int]] = {
        name: {"planted": 0, "caught": 0} for name in ("duplicates", "templates", "processed_templates")
    }
    for asset_id, (_, trick) in _tricks(project).items():
        name = _sort_of(trick)
        if name is None:
            continue
        wanted = DUPLICATE_REASONS if name == "duplicates" else ("template_copy",)
        counts[name]["planted"] += 1
        counts[name]["caught"] += reasons[asset_id] in wanted
    return counts


def _sort_of(trick: str) -> str | None:
    if trick in DUPLICATE_TRICKS:
        return "duplicates"
    if trick == TEMPLATE_TRICK:
        return "templates"
    return "processed_templates" if trick.startswith("template_") else None


def ledger_of(project: Project) -> dict[str, str]:
    """Put what was charged beside the work that was accepted: both are sums over rows and must be equal."""
    totals = ledger.totals(project_id=project.pk)
    accepted = Assignment.objects.filter(project_id=project.pk, state=Assignment.State.ACCEPTED)
    work = accepted.aggregate(total=Sum("price_micro"))["total"] or 0
    return {
        "charged_usd": plain(totals.paid_micro),
        "accepted_work_usd": plain(int(work)),
        "reserved_usd": plain(totals.reserved_micro),
    }


def _share(part: int, whole: int) -> float | None:
    return round(part / whole, 4) if whole else None
