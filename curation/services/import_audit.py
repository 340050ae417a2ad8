"""A share of the pictures that came with boxes is boxed by our own people too, and what both say is compared."""

import hashlib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from django.db import transaction
from django.db.models import Exists, OuterRef, QuerySet

from crowd.errors import CrowdError
from curation.datasets.matching import Hits, LabelledBox, matched_boxes
from curation.datasets.scenarios import wilson
from curation.models import Asset, Consensus, Decision, Project, Stage
from curation.services import assets
from curation.services.assets import Move
from curation.services.imported_boxes import METHOD
from curation.services.version_items import ClassNames

REASON: Final = "import_audit"
MATCH_IOU: Final = 0.5
AT_ONCE: Final = 1_000
State = Asset.State


@dataclass(frozen=True, slots=True)
class Audit:
    """How the boxes of a source agree with those of our people: so many were `sent`, `hits` are those answered.

    `undecided` are those that our people answered and did not agree on.
    """

    source: str
    sent: int
    undecided: int
    hits: Hits

    @property
    def interval(self) -> tuple[float, float]:
        """Return Wilson's interval of the share of images on which both say the same."""
        return wilson(self.hits.right_images, self.hits.images)


def stage_of(project: Project) -> Stage:
    """Return where people box. Raises CrowdError where nobody does."""
    stage = project.stages.filter(kind="boxes").order_by("position").first()
    if stage is None:
        raise CrowdError(f"{project.name} has no stage in which people box, so nothing can be audited.")
    return stage


def send(*, project: Project, source: str, share: float, now: datetime) -> int:
    """Send a share of a source's pictures that wait with their boxes to be boxed again; drawn by a digest, each once.

    The imported boxes stay what the pictures hold until a person decides. Slice by slice, so that a large source locks
    few rows at a time; whoever breaks off sends the rest the next time. Returns how many were sent.
    """
    boxes = stage_of(project)
    rows = _not_sent(project, source, boxes).filter(state=State.WAITING)
    digests = rows.order_by("pk").values_list("pk", "sha256").iterator()
    drawn = [pk for pk, sha256 in digests if _is_drawn(bytes(sha256), share)]
    slices = (drawn[start : start + AT_ONCE] for start in range(0, len(drawn), AT_ONCE))
    return sum(_send_back(rows.filter(pk__in=some), boxes, {"share": share}, now) for some in slices)


def too_late(*, project: Project, source: str, share: float) -> int:
    """Return how many of the share were not sent because they do not wait any more."""
    rows = _not_sent(project, source, stage_of(project)).exclude(state__in=[State.WAITING, State.DROPPED])
    return sum(_is_drawn(bytes(one), share) for one in rows.order_by("pk").values_list("sha256", flat=True).iterator())


def _not_sent(project: Project, source: str, boxes: Stage) -> QuerySet[Asset]:
    """Return the pictures behind the stage that came with boxes and were not sent before."""
    held = Consensus.objects.filter(asset=OuterRef("pk"), is_current=True, method=METHOD)
    sent = Decision.objects.filter(asset=OuterRef("pk"), verdict=Decision.Verdict.RETURNED, reason=REASON)
    return Asset.objects.filter(
        Exists(held),
        ~Exists(sent),
        project=project,
        source=source,
        stage__position__gt=boxes.position,
    )


@transaction.atomic
def _send_back(rows: QuerySet[Asset], boxes: Stage, evidence: Mapping[str, float], now: datetime) -> int:
    locked = rows.select_for_update(of=("self",)).select_related("stage", "project").order_by("pk")
    moves = [Move(asset, Decision.Verdict.RETURNED, REASON, evidence, to_stage=boxes) for asset in locked]
    if moves:
        assets.decide_all(moves=moves, by_kind=Decision.By.RULE, now=now)
    return len(moves)


def _is_drawn(sha256: bytes, share: float) -> bool:
    """Draw by the picture's own bytes: a larger share holds the smaller one, and a second import draws the same."""
    digest = hashlib.sha256(b"import audit" + sha256).digest()
    return int.from_bytes(digest[:8], "big") < share * 2**64


def audits(project: Project) -> list[Audit]:
    """Return each source of which something was sent, with what our people's boxes say of it so far."""
    sent = Decision.objects.filter(project_id=project.pk, verdict=Decision.Verdict.RETURNED, reason=REASON)
    of_asset = dict(Asset.objects.filter(pk__in=sent.values("asset")).values_list("pk", "source"))
    names = ClassNames(project)
    theirs, ours = _boxes(sent, names, imported=True), _boxes(sent, names, imported=False)
    apart = Counter(of_asset[pk] for pk in _undecided(sent) - ours.keys())
    found = {source: Audit(source, n, apart[source], Hits()) for source, n in Counter(of_asset.values()).items()}
    for asset_id in theirs.keys() & ours.keys():
        before = found[of_asset[asset_id]]
        hits = matched_boxes(ours[asset_id], theirs[asset_id], iou=MATCH_IOU, confidence=0.0)
        found[before.source] = replace(before, hits=before.hits + hits)
    return [found[source] for source in sorted(found)]


def _boxes(sent: QuerySet[Decision], names: ClassNames, *, imported: bool) -> dict[int, Sequence[LabelledBox]]:
    """Return the boxes of each asset from the file, or those that people of ours agreed on."""
    rows = Consensus.objects.filter(
        asset__in=sent.values("asset"), is_current=True, stage__kind__in=("aggregate", "review", "publish")
    )
    rows = rows.filter(method=METHOD) if imported else rows.exclude(method=METHOD).exclude(status="drop")
    rows = rows.exclude(status__in=Consensus.OF_VOTES).order_by("stage__position")
    rows = rows.select_related("asset").prefetch_related("boxes")
    return {
        row.asset_id: [
            LabelledBox(_named(box.label, row.asset, names), box.x, box.y, box.w, box.h) for box in row.boxes.all()
        ]
        for row in rows
    }


def _undecided(sent: QuerySet[Decision]) -> set[int]:
    """Return the assets on which our people do not agree and for which no further answer is asked."""
    rows = Consensus.objects.filter(asset__in=sent.values("asset"), is_current=True, status=Consensus.Status.DROP)
    return set(rows.exclude(method=METHOD).exclude(next_step=Consensus.Next.BUY).values_list("asset_id", flat=True))


def _named(label: str, asset: Asset, names: ClassNames) -> str:
    """Return the class that a box's label means, as a version would name it; of none, the label as it stands."""
    try:
        return names.of_box(label, asset).name
    except CrowdError:
        return label
