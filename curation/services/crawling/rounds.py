"""Another round of a search's pictures through the filter by names: a better model, the same addresses."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery

from crowd.errors import CrowdError
from curation.models import Asset, AssetTag, Crawl, CrawlLink, Decision, Event, Project, Stage, User
from curation.services import assets, events, tagging
from curation.services.assets import Move
from curation.services.crawling import spot_checks

A_SLICE: Final = 500
AGAIN: Final = "filter_again"
EVENT: Final = "crawl.filtered_again"
WORDS_OF_PEOPLE: Final = (Decision.By.PERSON, Decision.By.REVIEWER, Decision.By.CROWD)
DECIDED: Final = """
WITH decided AS (
    SELECT DISTINCT ON (asset_id, round) asset_id, verdict = 'passed' AS kept,
           1 + width_bucket(id, %(begins)s::bigint[]) AS round
      FROM curation_decision
     WHERE stage_id = %(stage)s AND by_kind = 'rule' AND verdict IN ('passed', 'dropped', 'held')
       AND asset_id IN (SELECT asset_id FROM curation_crawllink WHERE crawl_id = %(crawl)s)
     ORDER BY asset_id, round, id DESC
) {then}
"""
COUNTED: Final = DECIDED.format(
    then="SELECT round, count(*), count(*) FILTER (WHERE kept) FROM decided GROUP BY 1 ORDER BY 1"
)
CHANGED: Final = DECIDED.format(
    then=""", beside AS (
    SELECT asset_id, round, kept, lag(kept) OVER (PARTITION BY asset_id ORDER BY round) AS before FROM decided
)
SELECT asset.public_id, beside.kept FROM beside JOIN curation_asset asset ON asset.id = beside.asset_id
 WHERE beside.round = (SELECT max(round) FROM decided) AND beside.kept <> beside.before ORDER BY asset.id
"""
)


@dataclass(frozen=True, slots=True)
class Round:
    """What the filter decided between one sending and the next: of so many pictures so many were kept."""

    number: int
    came: int
    kept: int


def stage_of(crawl: Crawl) -> Stage:
    """Return the stage that filters by names. Raises CrowdError where the project has none with a model."""
    stages = Stage.objects.filter(project_id=crawl.project_id, kind="tag").order_by("position")
    found = next((stage for stage in stages if stage.settings.get("model")), None)
    if found is None:
        raise CrowdError("No stage of this project filters by the names of a model, so there is nothing to do again.")
    return found


def filter_again(*, crawl: Crawl, by: User | None, now: datetime) -> int:
    """Send what the filter has decided about back to it, some hundred at a time. Returns how many were sent.

    What people said a word about, and what is in work further on, stays. Pictures the model has named are not asked
    about again.
    """
    stage, sent = stage_of(crawl), 0
    last = Decision.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    ids = iter(list(_decided(crawl, stage).order_by("pk").values_list("pk", flat=True)))
    while some := list(islice(ids, A_SLICE)):
        sent += _send(crawl, stage, some, now)
    told = {name: stage.settings.get(name) for name in ("model", "terms", "top")} | {"after": last}
    text = f"{sent:,} pictures of “{crawl.name}” go through {stage.title} again, with the model {told['model']}."
    events.record(kind=EVENT, text=text, project=crawl.project, subject=crawl, by=by, data=told, now=now)
    return sent


def _decided(crawl: Crawl, stage: Stage) -> QuerySet[Asset]:
    said = Decision.objects.filter(asset=OuterRef("pk"))
    out = Q(state__in=[Asset.State.DROPPED, Asset.State.HELD], stage=stage, reason=tagging.NOT_SELECTED)
    mine = Asset.objects.filter(out | Q(state=Asset.State.PUBLISHED))
    mine = mine.filter(Exists(CrawlLink.objects.filter(asset=OuterRef("pk"), crawl=crawl)))
    seen = AssetTag.objects.filter(asset=OuterRef("pk"), run__tagger=spot_checks.TAGGER, run__is_current=True)
    right = Q(Exists(seen.filter(value=spot_checks.RIGHT)), state=Asset.State.PUBLISHED)
    word = Exists(said.filter(by_kind__in=WORDS_OF_PEOPLE))
    return mine.filter(Exists(said.filter(stage=stage))).exclude(word).exclude(right)


@transaction.atomic
def _send(crawl: Crawl, stage: Stage, ids: Sequence[int], now: datetime) -> int:
    """Send what is still as it was when the ids were listed: people may have said a word since."""
    locked = list(Asset.objects.select_for_update().filter(pk__in=ids).order_by("pk").values_list("pk", flat=True))
    rows = _decided(crawl, stage).filter(pk__in=locked).select_related("stage", "project").order_by("pk")
    moves = [Move(asset, _verdict(asset), AGAIN, to_stage=stage) for asset in rows]
    if moves:
        assets.decide_all(moves=moves, by_kind=Decision.By.RULE, now=now)
    return len(moves)


def _verdict(asset: Asset) -> str:
    is_out = asset.state == Asset.State.DROPPED
    return Decision.Verdict.RESTORED if is_out else Decision.Verdict.RETURNED


def under_way(project: Project, among: QuerySet[Asset]) -> bool:
    """Return whether some of these were published and wait for what the filter says now."""
    if not Event.objects.filter(project_id=project.pk, kind=EVENT).exists():
        return False
    last = Decision.objects.filter(asset=OuterRef("pk")).order_by("-id")
    waiting = among.filter(state=Asset.State.WAITING, stage__kind="tag")
    waiting = waiting.alias(last=Subquery(last.values("verdict")[:1]), why=Subquery(last.values("reason")[:1]))
    return waiting.filter(last=Decision.Verdict.RETURNED, why=AGAIN).exists()


def rounds(crawl: Crawl) -> list[Round]:
    """Return what the filter kept each time; one round where it was never repeated, none without a model."""
    return [Round(*row) for row in _rows(crawl, COUNTED)]


def changed(crawl: Crawl) -> dict[str, list[str]]:
    """Return the pictures on which the last round differs from the one before: `came` in, `left` out."""
    found: dict[str, list[str]] = {"came": [], "left": []}
    if not _begins(crawl):
        return found
    for public_id, kept in _rows(crawl, CHANGED):
        found["came" if kept else "left"].append(str(public_id))
    return found


def _begins(crawl: Crawl) -> list[int]:
    """Return the numbers of the decisions that each round after the first begins behind."""
    told = Event.objects.filter(kind=EVENT, subject_type="crawl", subject_id=crawl.pk).order_by("id")
    return [after + 1 for after in told.values_list("data__after", flat=True)]


def _rows(crawl: Crawl, query: str) -> Iterator[Any]:
    try:
        stage = stage_of(crawl)
    except CrowdError:
        return
    with connection.cursor() as cursor:
        cursor.execute(query, {"stage": stage.pk, "crawl": crawl.pk, "begins": _begins(crawl)})
        yield from cursor.fetchall()
