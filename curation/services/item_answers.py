"""What people answered about a picture besides boxes, as a version freezes it: chosen labels, and texts as written."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from crowd.models import AnswerRaw
from curation.models import Annotation, Consensus, Project, Stage


def answers_of(project: Project, asset_ids: Sequence[int]) -> dict[int, dict[str, str]]:
    """Return by asset what each question came to, under the name of its stage; several texts are lines."""
    asked = Stage.objects.filter(project=project, kind__in=["validate", "describe"])
    telling = [stage for stage in asked if stage.kind == "describe" or _tells(stage.settings)]
    if not telling:
        return {}
    found: dict[int, dict[str, str]] = defaultdict(dict)
    votes = Consensus.objects.current().filter(status=Consensus.Status.LABEL, stage__in=telling)
    for asset_id, name, label in votes.filter(asset_id__in=asset_ids).values_list("asset_id", "stage__name", "label"):
        found[asset_id].setdefault(name, label)
    for asset_id, name, text in _texts(telling, asset_ids):
        found[asset_id][name] = "\n".join(filter(None, (found[asset_id].get(name), text)))
    return dict(found)


def _tells(settings: Mapping[str, Any]) -> bool:
    """Whether more than one answer lets a picture go on: a gate says the same of all that passed it."""
    return sum(bool(option.get("keeps")) for option in settings.get("options", [])) > 1


def _texts(stages: Sequence[Stage], asset_ids: Sequence[int]) -> list[tuple[int, str, str]]:
    kept = Annotation.objects.filter(kind=Annotation.Kind.TEXT, stage__in=stages, discarded_at__isnull=True)
    rows = kept.filter(asset_id__in=asset_ids).order_by("id").values_list("asset_id", "stage__name", "answer_id")
    answers = list(rows)
    raw = AnswerRaw.objects.filter(answer_id__in=[answer_id for *_, answer_id in answers])
    written = {answer_id: payload["text"] for answer_id, payload in raw.values_list("answer_id", "payload")}
    return [(asset_id, name, written[answer_id]) for asset_id, name, answer_id in answers if answer_id in written]
