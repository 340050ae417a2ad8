"""A search's pictures before the filter by names again: the model is asked first, then only what changed moves."""

from datetime import datetime
from typing import Final

from curation.models import Crawl, Job, Stage
from curation.services.assets import Move
from curation.services.crawling import rounds
from curation.services.jobs import Again
from curation.stages import tag

A_SLICE: Final = 200
RESTS: Final = 30.0


def run_round(job: Job, now: datetime) -> Again | None:
    """Job: ask about the next pictures of a search and settle them; while the stage is paused it waits.

    In the trash and in the archive it ends.
    """
    there = Crawl.objects.filter(project__trashed_at=None, project__archived_at=None)
    crawl = there.select_related("project").filter(pk=int(job.key)).first()
    stage = rounds.filter_of(crawl) if crawl else None
    if crawl is None or stage is None:
        return None
    if stage.state != Stage.State.RUNNING:
        return Again(after=RESTS, cursor=job.cursor)
    after = job.cursor.get("after", 0)
    pictures = list(rounds.decided(crawl).filter(pk__gt=after).order_by("pk")[:A_SLICE])
    if not pictures:
        return None
    words = tag.words_of(stage=stage, pictures=pictures, now=now)
    if not words:  # the first picture takes longer than a slice: what was asked of it is kept
        return Again(cursor=job.cursor)
    by_id = {picture.pk: picture for picture in pictures}
    moves = {one.asset_id: Move(by_id[one.asset_id], one.verdict, one.reason, one.evidence) for one in words}
    rounds.settle(crawl=crawl, moves=moves, now=now)
    done = job.cursor.get("done", 0) + len(words)
    return Again(cursor={"after": words[-1].asset_id, "done": done}, done_n=done)
