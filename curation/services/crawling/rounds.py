"""Another round of a search's pictures through the filter by names: a better model, the same addresses."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Exists, OuterRef, Q, QuerySet

from crowd.errors import CrowdError
from curation.models import Asset, AssetTag, Crawl, CrawlLink, Decision, Event, Job, Stage, User
from curation.services import assets, events, jobs, tagging
from curation.services.assets import Move
from curation.services.crawling import spot_checks
from curation.services.turns import take_turns

KIND: Final = "filter_again"
AGAIN: Final = "filter_again"
EVENT: Final = "crawl.filtered_again"
STANDS: Final[Mapping[str, str]] = {
    Decision.Verdict.PASSED: Asset.State.PUBLISHED,
    Decision.Verdict.DROPPED: Asset.State.DROPPED,
    Decision.Verdict.HELD: Asset.State.HELD,
}
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


def filter_of(crawl: Crawl) -> Stage | None:
    """Return the stage that filters by names, if the project has one with a model."""
    stages = Stage.objects.filter(project_id=crawl.project_id, kind="tag").order_by("position")
    return next((stage for stage in stages if stage.settings.get("model")), None)


def stage_of(crawl: Crawl) -> Stage:
    """Return the stage that filters by names. Raises CrowdError where the project has none with a model."""
    found = filter_of(crawl)
    if found is None:
        raise CrowdError("No stage of this project filters by the names of a model, so there is nothing to do again.")
    return found


@transaction.atomic
def begin(*, crawl: Crawl, by: User | None, now: datetime) -> int:
    """Let a job put what the filter has decided about before it again. Returns how many pictures. Raises CrowdError.

    What people said a word about, and what is in work further on, stays.
    """
    take_turns(project=crawl.project, what="filter round")
    if under_way(crawl) is not None:
        raise CrowdError(f"The pictures of “{crawl.name}” are going through the filter already.")
    stage, n = stage_of(crawl), decided(crawl).count()
    if not n:
        raise CrowdError(f"The filter has decided about no picture of “{crawl.name}” that could go through it again.")
    last = Decision.objects.order_by("-pk").values_list("pk", flat=True).first() or 0
    told = {name: stage.settings.get(name) for name in ("model", "terms", "top")} | {"after": last, "pictures": n}
    text = f"{n:,} pictures of “{crawl.name}” go through {stage.title} again, with the model {told['model']}."
    events.record(kind=EVENT, text=text, project=crawl.project, subject=crawl, by=by, data=told, now=now)
    jobs.wake(kind=KIND, key=str(crawl.pk), project_id=crawl.project_id)
    return n


def under_way(crawl: Crawl) -> Job | None:
    """Return the job that puts the pictures of a search before the filter again, while it has something to do."""
    return Job.objects.filter(kind=KIND, key=str(crawl.pk)).exclude(state=Job.State.DONE).first()


def decided(crawl: Crawl) -> QuerySet[Asset]:
    """Return the pictures of which the filter alone has said where they stand."""
    stage, said = stage_of(crawl), Decision.objects.filter(asset=OuterRef("pk"))
    out = Q(state__in=[Asset.State.DROPPED, Asset.State.HELD], stage=stage, reason=tagging.NOT_SELECTED)
    mine = Asset.objects.filter(out | Q(state=Asset.State.PUBLISHED))
    mine = mine.filter(Exists(CrawlLink.objects.filter(asset=OuterRef("pk"), crawl=crawl)))
    seen = AssetTag.objects.filter(asset=OuterRef("pk"), run__tagger=spot_checks.TAGGER, run__is_current=True)
    right = Q(Exists(seen.filter(value=spot_checks.RIGHT)), state=Asset.State.PUBLISHED)
    word = Exists(said.filter(by_kind__in=WORDS_OF_PEOPLE))
    return mine.filter(Exists(said.filter(stage=stage))).exclude(word).exclude(right)


@transaction.atomic
def settle(*, crawl: Crawl, moves: Mapping[int, Move], now: datetime) -> None:
    """Keep what the filter says now of pictures, by id, and move those of which it says something else than before.

    People may have said a word since the filter was asked: what they have decided stays.
    """
    stage = stage_of(crawl)
    locked = list(Asset.objects.select_for_update().filter(pk__in=moves).order_by("pk").values_list("pk", flat=True))
    rows = decided(crawl).filter(pk__in=locked).select_related("stage", "project").order_by("pk")
    said = [replace(moves[asset.pk], asset=asset) for asset in rows]
    same = [move for move in said if STANDS[move.verdict] == move.asset.state]
    assets.repeat_all(stage=stage, moves=same, by_kind=Decision.By.RULE, now=now)
    others = [move for move in said if STANDS[move.verdict] != move.asset.state]
    if others:
        back = [Move(move.asset, _way_back(move.asset), AGAIN, to_stage=stage) for move in others]
        assets.decide_all(moves=back, by_kind=Decision.By.RULE, now=now)
        assets.decide_all(moves=others, by_kind=Decision.By.RULE, now=now)


def _way_back(asset: Asset) -> str:
    is_out = asset.state == Asset.State.DROPPED
    return Decision.Verdict.RESTORED if is_out else Decision.Verdict.RETURNED


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
    stage = filter_of(crawl)
    if stage is None:
        return
    with connection.cursor() as cursor:
        cursor.execute(query, {"stage": stage.pk, "crawl": crawl.pk, "begins": _begins(crawl)})
        yield from cursor.fetchall()
