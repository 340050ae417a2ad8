"""Publish filters: what may not be published is suggested by taggers and people, and a person says the last word."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction
from django.db.models import Count, Q, QuerySet

from crowd.errors import CrowdError
from curation.models import Asset, Decision, Project, PublishFinding, User
from curation.services import assets as moves
from curation.services import bulk_drops, events, versions
from curation.services.assets import Move

Filter, Word, Source = PublishFinding.Filter, PublishFinding.Word, PublishFinding.Source
TAG: Final = "publish"
"""The key of a tag that a tagger of the operator's says: `publish: children`."""
REASONS: Final = {name: f"publish_{name}" for name in Filter.values}
LONGEST_NOTE: Final = 300
PAGE: Final = 24


INTO: Final = """
    INSERT INTO curation_publishfinding
        (project_id, asset_id, filter, source, said_by, score, word, note, created_at)
    SELECT %(project)s, told.asset_id, told.filter, told.source, told.said_by, told.score, 'open', '', %(now)s
    FROM ({told}) told JOIN curation_asset a ON a.id = told.asset_id AND a.state <> 'dropped' AND a.media <> 'video'
    ORDER BY told.asset_id, told.filter ON CONFLICT (asset_id, filter) DO NOTHING
"""
FROM_TAGS: Final = INTO.format(
    told="""
    SELECT t.asset_id, t.value AS filter, max(t.score) AS score,
           (array_agg(CASE WHEN t.source <> 'person' THEN 'tagger' WHEN r.tagger = 'by hand' THEN 'person'
                           ELSE 'crowd' END ORDER BY t.score DESC))[1] AS source,
           (array_agg(left(r.tagger, 120) ORDER BY t.score DESC))[1] AS said_by
    FROM curation_assettag t JOIN curation_tagrun r ON r.id = t.run_id AND r.is_current
    WHERE t.project_id = %(project)s AND t.key = %(key)s AND t.value = ANY(%(filters)s) GROUP BY 1, 2
"""
)
FROM_VOTES: Final = INTO.format(
    told="""
    SELECT DISTINCT ON (1, 2) v.asset_id, word AS filter, count(*) * 1.0 / whole.n AS score, 'crowd' AS source,
           count(*) || ' of ' || whole.n || ' workers' AS said_by
    FROM curation_annotation v CROSS JOIN LATERAL regexp_split_to_table(v.label, '[^a-z]+') word
    JOIN (SELECT asset_id, stage_id, count(*) AS n FROM curation_annotation
          WHERE project_id = %(project)s AND kind = 'label' AND discarded_at IS NULL GROUP BY 1, 2) whole
      ON whole.asset_id = v.asset_id AND whole.stage_id = v.stage_id
    WHERE v.project_id = %(project)s AND v.kind = 'label' AND v.discarded_at IS NULL AND word = ANY(%(filters)s)
    GROUP BY v.asset_id, word, v.stage_id, whole.n ORDER BY 1, 2, 3 DESC
"""
)
"""A crowd question whose options are called like the filters: every worker who says so counts."""


@dataclass(frozen=True, slots=True)
class Queue:
    """One filter: how many wait for a word, were kept, were removed."""

    filter: str
    title: str
    open: int
    kept: int
    removed: int


def queues(project: Project) -> list[Queue]:
    rows = (
        PublishFinding.objects.filter(project=project)
        .values_list("filter")
        .annotate(
            open=Count("pk", filter=Q(word=Word.OPEN)),
            kept=Count("pk", filter=Q(word=Word.KEPT)),
            removed=Count("pk", filter=Q(word=Word.REMOVED)),
        )
    )
    found = {name: counts for name, *counts in rows}
    return [Queue(name, str(label), *found.get(name, (0, 0, 0))) for name, label in Filter.choices]


def waiting(project: Project, name: str) -> QuerySet[PublishFinding]:
    """Return what waits in one queue, the surest first."""
    rows = PublishFinding.objects.filter(project=project, filter=name, word=Word.OPEN)
    return rows.select_related("asset__preview").order_by("-score", "id")


def log(project: Project, name: str = "") -> QuerySet[PublishFinding]:
    """Return what people have said, the newest first."""
    rows = PublishFinding.objects.filter(project=project).exclude(word=Word.OPEN)
    rows = rows.filter(filter=name) if name else rows
    return rows.select_related("asset", "decided_by").order_by("-decided_at", "-id")


@transaction.atomic
def suggest(*, project: Project, by: User | None, now: datetime) -> int:
    """Open a finding for each image that has a tag `publish: FILTER`, or of which workers say so; count the new ones.

    One that a person has decided on is not opened again.
    """
    told: dict[str, Any] = {"project": project.pk, "now": now, "key": TAG, "filters": list(Filter.values)}
    with connection.cursor() as cursor:
        cursor.execute(FROM_TAGS, told)
        found = int(cursor.rowcount)
        cursor.execute(FROM_VOTES, told)
        found += int(cursor.rowcount)
    if found:
        text = f"{found:,} images were suggested by the publish filters."
        events.record(kind="publish.suggested", text=text, project=project, by=by, now=now)
        versions.bump(project_id=project.pk)
    return found


@transaction.atomic
def report(*, asset: Asset, name: str, note: str = "", by: User, now: datetime) -> PublishFinding:
    """A person says that an image may not be published: it waits for a word, also where one was said before."""
    _known(name)
    note = _note(note)
    row, is_new = PublishFinding.objects.select_for_update().get_or_create(
        asset=asset,
        filter=name,
        defaults={
            "project": asset.project,
            "source": Source.PERSON,
            "said_by": by.name[:120],
            "note": note,
            "created_at": now,
        },
    )
    if row.word == Word.REMOVED and Asset.objects.filter(pk=asset.pk, state=Asset.State.DROPPED).exists():
        raise CrowdError(_said_before(row))
    if not is_new and row.word != Word.OPEN:
        row.word, row.decided_at, row.decided_by, row.note = Word.OPEN, None, None, note
        row.source, row.said_by = Source.PERSON, by.name[:120]
        row.save()
    text = f"{by.name} reported {Filter(name).label} in {asset}."
    events.record(kind="publish.reported", text=text, project=asset.project, subject=asset, by=by, now=now)
    versions.bump(project_id=asset.project_id)
    return row


@transaction.atomic
def decide(*, finding: PublishFinding, remove: bool, note: str = "", by: User, now: datetime) -> PublishFinding:
    """A person keeps or removes an image; said once. A removed one is dropped with the reason, and can be restored."""
    row = PublishFinding.objects.select_for_update(of=("self",)).select_related("project").get(pk=finding.pk)
    wanted = Word.REMOVED if remove else Word.KEPT
    if row.word == wanted:
        return row
    if row.word != Word.OPEN:
        raise CrowdError(_said_before(row))
    if remove:
        _drop(row, by, now)
    row.word, row.decided_by, row.decided_at = wanted, by, now
    row.note = _note(note) or row.note
    row.save(update_fields=["word", "decided_by", "decided_at", "note"])
    text = f"{by.name} {wanted} an image: {Filter(row.filter).label}."
    data: dict[str, Any] = {"filter": row.filter, "source": row.source, "said_by": row.said_by, "note": row.note}
    events.record(
        kind=f"publish.{wanted}", text=text, project=row.project, subject=row.asset, by=by, data=data, now=now
    )
    versions.bump(project_id=row.project_id)
    return row


def _drop(row: PublishFinding, by: User, now: datetime) -> None:
    asset = moves.locked(row.asset_id)
    if asset.state == Asset.State.DROPPED:
        return
    if asset.state == Asset.State.WORKING or not list(bulk_drops.withdrawn([asset])):
        raise CrowdError("Somebody is at work on this image; say it again when the page has come back.")
    evidence = {"filter": row.filter, "source": row.source, "said_by": row.said_by}
    moves.decide_all(
        moves=[Move(asset, Decision.Verdict.DROPPED, REASONS[row.filter], evidence)],
        by_kind=Decision.By.PERSON,
        by_id=by.pk,
        now=now,
    )


def waiting_and_removed(wanted: QuerySet[Asset]) -> tuple[int, int]:
    """Count images among these that wait for a word, and those that were removed since."""
    removed = Q(word=Word.REMOVED, asset__state=Asset.State.DROPPED)
    rows = PublishFinding.objects.filter(asset__in=wanted.order_by().values("pk"), word__in=[Word.OPEN, Word.REMOVED])
    counted = rows.aggregate(
        waiting=Count("asset", distinct=True, filter=Q(word=Word.OPEN)),
        removed=Count("asset", distinct=True, filter=removed),
    )
    return counted["waiting"], counted["removed"]


def require_decided(wanted: QuerySet[Asset], project_id: int) -> None:
    """Refuse to freeze images that wait for a word. Raises CrowdError."""
    if not PublishFinding.objects.filter(project=project_id, word=Word.OPEN).exists():
        return
    found, _removed = waiting_and_removed(wanted)
    if found:
        what = "1 image waits" if found == 1 else f"{found:,} images wait"
        raise CrowdError(f"{what} for a person in the publish filters; nothing of them is frozen before.")


def _said_before(row: PublishFinding) -> str:
    who = row.decided_by.name if row.decided_by else "Somebody"
    return f"{who} has {row.get_word_display().lower()} this image already."


def _known(name: str) -> None:
    if name not in Filter.values:
        raise CrowdError(f"{name[:20]!r} is no publish filter; there are {', '.join(Filter.values)}.")


def _note(text: str) -> str:
    text = text.strip()
    if len(text) > LONGEST_NOTE or "\0" in text:
        raise CrowdError(f"A note has at most {LONGEST_NOTE} ordinary characters.")
    return text


def decide_many(*, findings: Sequence[PublishFinding], remove: bool, by: User, now: datetime) -> int:
    """Say one word about several; what cannot be changed now stays open. Returns how many were decided."""
    done = 0
    for finding in findings:
        try:
            with transaction.atomic():
                decide(finding=finding, remove=remove, by=by, now=now)
        except CrowdError:
            continue
        done += 1
    return done
