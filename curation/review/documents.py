"""The review screen's JSON: images with everybody's boxes and with what was made of them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.urls import reverse

from crowd.models import Answer, SkillValue, Worker
from crowd.quality.wording import whole_percent
from curation.models import Annotation, Asset, Consensus
from curation.services import traces
from curation.services.consensus.skills import name_of
from curation.services.reviews import AsSeen

MOST_CHANGES = 2
LEAST_LOSS = 0.05
ROUNDING = 1e-6

HEADLINES = {
    "hard": "Everybody agrees",
    "soft": "Soft aggregation agreed",
    "drop": "No agreement",
    "label": "The votes agree",
    "undecided": "The votes tie",
}
WHY_HELD = {  # an image of the random sample does not say so: it is judged like the others
    "unsure": "The confidence is under the limit.",
    "disagree": "The annotators disagree.",
    "in_doubt": "It is still in doubt.",
    "no_consensus": "Nothing was aggregated for this image.",
    "undo": "You took your decision back.",
}
ASKS_A_PERSON = "All answers that may be bought are in: a person decides."


@dataclass(frozen=True, slots=True)
class Sources:
    """What the documents of one page of images are made from, fetched once for all."""

    consensus: Mapping[int, Consensus]
    reasons: Mapping[int, str]
    annotations: Mapping[int, list[Annotation]]
    workers: Mapping[int, Worker]
    skills: Mapping[tuple[int, int], int]
    skill_of_answer: Mapping[int, int | None]
    measured: Mapping[tuple[int, str], int]


def documents(images: Sequence[Asset], seen: Mapping[int, AsSeen] | None = None) -> list[dict[str, Any]]:
    """Return what the screen needs of each image: as it stands now, or as it was when it was `seen`."""
    sources = _sources([asset.pk for asset in images], seen or {})
    assets = Asset.objects.filter(pk__in=[asset.pk for asset in images]).select_related("label_class")
    rows = {asset.pk: asset for asset in assets}
    return [_document(rows[image.pk], sources) for image in images]


def _sources(asset_ids: Sequence[int], seen: Mapping[int, AsSeen]) -> Sources:
    annotations = _annotations(asset_ids)
    every = [row for rows in annotations.values() for row in rows]
    worker_ids = {row.worker_id for row in every}
    batches = Answer.objects.filter(pk__in=[row.answer_id for row in every]).values_list(
        "pk", "task__batch__needs_skill_id", "task__batch__grants_skill_id"
    )
    skill_of = {pk: needs or grants for pk, needs, grants in batches}
    values = SkillValue.objects.filter(worker_id__in=worker_ids, skill_id__in=set(skill_of.values()) - {None})
    return Sources(
        consensus=_results(asset_ids, seen),
        reasons={asset_id: one.reason for asset_id, one in seen.items()},
        annotations=annotations,
        workers=Worker.objects.in_bulk(list(worker_ids)),
        skills={(row.worker_id, row.skill_id): row.value for row in values},
        skill_of_answer=skill_of,
        measured=_measured(every),
    )


def _measured(rows: Sequence[Annotation]) -> dict[tuple[int, str], int]:
    """Return how well each worker agrees at the stage of the answers, where that was learnt."""
    names = {name_of(row.stage) for row in rows}
    values = SkillValue.objects.filter(worker_id__in={row.worker_id for row in rows}, skill__name__in=names)
    return {(worker_id, name): value for worker_id, name, value in values.values_list("worker", "skill__name", "value")}


def _results(asset_ids: Sequence[int], seen: Mapping[int, AsSeen]) -> dict[int, Consensus]:
    """Return by asset the consensus that was seen, else that of the latest stage."""
    now = [asset_id for asset_id in asset_ids if asset_id not in seen]
    rows = Consensus.objects.current().filter(asset_id__in=now).prefetch_related("boxes")
    found = {row.asset_id: row for row in rows.reverse()}
    if seen:
        ids = [one.consensus_id for one in seen.values() if one.consensus_id is not None]
        found |= {row.asset_id: row for row in Consensus.objects.filter(pk__in=ids).prefetch_related("boxes")}
    return found


def _annotations(asset_ids: Sequence[int]) -> dict[int, list[Annotation]]:
    """Return box answers, or the label answers of images that nobody boxed, in order of arrival."""
    rows = Annotation.objects.filter(asset_id__in=asset_ids, discarded_at=None).select_related("stage")
    found: dict[int, list[Annotation]] = {}
    for row in rows.order_by("id").prefetch_related("boxes"):
        found.setdefault(row.asset_id, []).append(row)
    return {asset_id: _boxes_first(rows) for asset_id, rows in found.items()}


def _boxes_first(rows: list[Annotation]) -> list[Annotation]:
    return [row for row in rows if row.kind == Annotation.Kind.BOXES] or rows


def _document(asset: Asset, sources: Sources) -> dict[str, Any]:
    consensus = sources.consensus.get(asset.pk)
    variants = [
        _variant(number, row, consensus, sources) for number, row in enumerate(sources.annotations.get(asset.pk, []))
    ]
    return {
        "id": str(asset.public_id),
        "asset": str(asset.public_id),
        "name": asset.name,
        "class": asset.label_class.name if asset.label_class else "",
        "image": {
            "url": reverse("media", args=[asset.public_id, "screen"]),
            "thumb": reverse("media", args=[asset.public_id, "thumb"]),
            "w": asset.width or 1600,
            "h": asset.height or 1200,
        },
        "seen": consensus.pk if consensus else 0,
        "status": consensus.status if consensus else "",
        "method": consensus.method if consensus else "",
        "label": consensus.label if consensus else "",
        "confidence": consensus.confidence if consensus else None,
        "expected_loss": consensus.expected_loss if consensus else None,
        "lowest_iou": consensus.lowest_iou if consensus else None,
        "headline": headline(consensus),
        "why": why(sources.reasons.get(asset.pk, asset.reason), consensus, variants),
        "consensus": _boxes_of(consensus),
        "variants": variants,
        "trace": traces.in_words(consensus.trace if consensus else []),
    }


def _variant(number: int, row: Annotation, consensus: Consensus | None, sources: Sources) -> dict[str, Any]:
    worker = sources.workers.get(row.worker_id)
    short_id = worker.short_id if worker else ""
    skill_id = sources.skill_of_answer.get(row.answer_id)
    gate = sources.skills.get((row.worker_id, skill_id)) if skill_id else None
    return {
        "letter": chr(ord("A") + number % 26),
        "worker": short_id,
        "skill": sources.measured.get((row.worker_id, name_of(row.stage)), gate),
        "used": not any(_is_of(name, short_id) for name in (consensus.dropped if consensus else [])),
        "label": row.label,
        "flags": list(row.flags),
        "boxes": [{"label": box.label, "box": _sides(box), "points": box.points} for box in row.boxes.all()],
    }


def _is_of(name: object, short_id: str) -> bool:
    """Aggregation names its annotators "A w_7f3a12": letter, then pseudonym."""
    return str(name).rsplit(" ", 1)[-1] == short_id


def _boxes_of(consensus: Consensus | None) -> list[dict[str, Any]]:
    if consensus is None:
        return []
    return [
        {
            "label": box.label,
            "box": _sides(box),
            "points": box.points,
            "confidence": round(box.confidence, 4),
            "support": [str(name) for name in box.support],
        }
        for box in consensus.boxes.all()
    ]


def _sides(box: Any) -> list[float]:
    return [round(side, 6) for side in (box.x, box.y, box.w, box.h)]


def headline(consensus: Consensus | None) -> str:
    if consensus is None:
        return "Not aggregated"
    if consensus.method == "person":
        return "Fixed by a person"
    dropped = [str(name).split(" ", 1)[0] for name in consensus.dropped]
    tail = f" after dropping {_listed(dropped)}" if dropped and consensus.status == "soft" else ""
    return HEADLINES.get(consensus.status, consensus.status) + tail


def _listed(names: Sequence[str]) -> str:
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def why(reason: str, consensus: Consensus | None, variants: Sequence[Mapping[str, Any]]) -> str:
    """Say what the annotators did, what was made of it, and why a person is asked."""
    parts = [_said(variants), *traces.changes(consensus.trace if consensus else [])[:MOST_CHANGES]]
    if consensus is not None and consensus.lowest_iou is not None:
        parts.append(f"Lowest IoU {consensus.lowest_iou:.2f}.")
    parts.append(WHY_HELD.get(reason, ""))
    if consensus is not None and consensus.next_step == Consensus.Next.REVIEW:
        parts.append(ASKS_A_PERSON)
    parts.append(_to_be_expected(consensus) if consensus is not None else "")
    return " ".join(part for part in parts if part)


def _to_be_expected(consensus: Consensus) -> str:
    """Say what is at stake: a count where the method has a model of misses, else the chance of any fault."""
    loss = consensus.expected_loss
    if loss < LEAST_LOSS:
        return ""
    if abs(loss - (1 - consensus.confidence)) < ROUNDING:
        return f"Something is wrong here with a chance of about {whole_percent(loss)}."
    return f"About {loss:.1f} wrong or missing boxes are to be expected."


def _said(variants: Sequence[Mapping[str, Any]]) -> str:
    labels = Counter(variant["label"] for variant in variants if variant["label"])
    if labels:
        return ", ".join(f"{n} said {label}" for label, n in labels.most_common()) + "."
    return f"{traces.drawn([len(variant['boxes']) for variant in variants])}." if variants else ""
