"""One picture of each group is kept, the others are taken out; if asked, look-alikes that come later, too."""

from collections.abc import Iterator
from datetime import datetime

from crowd.errors import CrowdError
from curation.models import BulkDrop, Project, User
from curation.preprocessing.verify import SAME_PHOTO
from curation.services import bulk_drops, ingest
from curation.services.bulk_drops import Planned
from curation.services.lookalikes import groups
from curation.services.lookalikes.arrays import STOPS

REASON = "near_duplicate"
SETTING = "near_distance"


def apply(*, project: Project, stop: int, also_new: bool, by: User, now: datetime) -> BulkDrop:
    """Start to take out all but one picture of each group at this distance. Raises CrowdError in words."""
    if stop not in STOPS:
        raise CrowdError(f"A distance is one of {', '.join(map(str, STOPS))} bits, not {stop}.")
    if groups.search_of(project) is None:
        raise CrowdError("The pictures have not been compared yet; let that be done first.")
    settings: dict[str, object] = {"distance": stop}
    stage = ingest.entry_stage(project)
    if also_new and stage.kind == ingest.ENTRY_KIND:
        before = stage.settings.get(SETTING)
        settings |= {"stage_id": stage.pk, "stage_settings": {SETTING: {"before": before, "after": stop}}}
    return bulk_drops.start(project=project, kind="near_duplicates", settings=settings, by=by, now=now)


def plan(drop: BulkDrop) -> Iterator[Planned]:
    search = groups.search_of(drop.project)
    if search is None:
        return
    for one in groups.losers(search, int(drop.settings["distance"])):
        proof = {"verdict": SAME_PHOTO} if one.is_proven else {}
        yield Planned(one.picture, REASON, one.kept, {"distance": one.distance, **proof})
