"""The second half of an import: everything that was prepared becomes rows, in one transaction."""

import hashlib
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple

from django.db import connection

from crowd.bulk import bulk_load, json_text, plain_text
from curation.models import (
    Asset,
    AssetPreview,
    Consensus,
    ConsensusBox,
    DataSource,
    Decision,
    Project,
    SourcedPicture,
    Stage,
)
from curation.services import assets, versions
from curation.services.import_spool import Prepared
from curation.services.imported_boxes import METHOD, NO_CONFIDENCE

LINES_AT_ONCE = 2_000
ASSET = ("storage_key", "sha256", "bytes", "name", "licence", "client_key", "label_class_id", "width", "height")
MEASURES = ("phash", "hash256", "hash256_trimmed", "sharpness", "brightness", "contrast")
BYTES = ("hash256", "hash256_trimmed")
BOX_SIDES = ("x", "y", "w", "h")
Line = Mapping[str, Any]
LOCK = "SELECT count(*) FROM (SELECT FROM curation_asset WHERE id = ANY(%s) ORDER BY id FOR NO KEY UPDATE) AS locked"
LICENCES = "SELECT id, licence FROM curation_asset WHERE id = ANY(%s)"
ALSO_IN = """
    SELECT d.name, count(*) FROM curation_sourcedpicture p JOIN curation_datasource d ON d.id = p.source_id
    WHERE p.asset_id = ANY(%s) AND p.source_id <> %s GROUP BY d.name
"""
STANDING = """
    SELECT DISTINCT ON (c.asset_id) c.asset_id, c.stage_id, c.method, c.settings ->> 'digest'
    FROM curation_consensus c JOIN curation_stage s ON s.id = c.stage_id
    WHERE c.asset_id = ANY(%s) AND c.is_current AND c.status <> ALL(%s)
    ORDER BY c.asset_id, s.position DESC, c.id DESC
"""
LAST_VERSIONS = """
    SELECT asset_id, stage_id, max(version) FROM curation_consensus WHERE asset_id = ANY(%s) GROUP BY 1, 2
"""
REPLACED = """
    UPDATE curation_consensus SET is_current = false WHERE is_current AND stage_id = %s AND asset_id = ANY(%s)
"""
VOTES = [one.value for one in Consensus.OF_VOTES]
_in_order = json.JSONEncoder(sort_keys=True).encode


@dataclass(slots=True)
class Written:
    """What the lines became: pictures, labels by what they were, boxes by class."""

    new: int = 0
    existing: int = 0
    labels: Counter[str] = field(default_factory=Counter)
    boxes: Counter[str] = field(default_factory=Counter)
    also_in: Counter[str] = field(default_factory=Counter)
    other_licence: int = 0


class _Standing(NamedTuple):
    """The boxes an asset has now."""

    stage_id: int
    method: str
    digest: str | None


class Writing:
    """Lines into rows, so many at once. The caller has a transaction open and an import alone."""

    def __init__(
        self, project: Project, stage: Stage, source: DataSource, prepared: Mapping[str, Prepared], now: datetime
    ) -> None:
        self._project, self._stage, self._source, self._now = project, stage, source, now
        self._prepared = prepared
        self._made: dict[str, int] = {}
        self.done = Written()

    def write(self, lines: Iterable[Line]) -> Written:
        for part in _parts(iter(lines)):
            self._write(part)
        if self.done.new:
            assets.wake_stage(self._stage)
        versions.bump(project_id=self._project.pk)
        return self.done

    def _write(self, lines: Sequence[Line]) -> None:
        made = self._enter(lines)
        self.done.new += len(made)
        self.done.existing += len(lines) - len(made)
        self._made |= made
        ids = [line["asset"] or self._made[line["sha256"]] for line in lines]
        self._note_sources(lines, ids, set(made.values()))
        labelled = [(asset_id, line) for asset_id, line in zip(ids, lines, strict=True) if line["boxes"] is not None]
        for once in _without_repeats(labelled):
            self._label(once)

    def _enter(self, lines: Sequence[Line]) -> dict[str, int]:
        """Insert the pictures that are new, and find those that somebody else has brought meanwhile."""
        fresh: dict[str, Line] = {}
        for line in lines:
            if line["asset"] is None and line["sha256"] not in self._made:
                fresh.setdefault(line["sha256"], line)
        if not fresh:
            return {}
        files = {digest: self._prepared[digest] for digest in fresh}
        rows = bulk_load(
            model=Asset,
            columns=[*ASSET, *MEASURES],
            rows=[_asset(files[digest], line) for digest, line in fresh.items()],
            conflict=["project_id", "sha256"],
            only_where="answer_id IS NULL AND parent_id IS NULL",
            same={
                "project_id": self._project.pk,
                "stage_id": self._stage.pk,
                "state": Asset.State.WAITING.value,
                "source": self._source.name,
                "media": Asset.Media.IMAGE.value,
                "created_at": self._now,
            },
            returning=["id", "sha256"],
        )
        made = {bytes(sha256).hex(): asset_id for asset_id, sha256 in rows}
        others = [bytes.fromhex(digest) for digest in fresh.keys() - made.keys()]
        same = Asset.objects.filter(project=self._project, sha256__in=others, answer=None, parent=None)
        self._made |= {bytes(sha256).hex(): asset_id for asset_id, sha256 in same.values_list("id", "sha256")}
        bulk_load(
            model=Decision,
            columns=["asset_id"],
            rows=[(asset_id,) for asset_id in made.values()],
            same={
                "project_id": self._project.pk,
                "stage_id": self._stage.pk,
                "verdict": Decision.Verdict.ENTERED.value,
                "by_kind": Decision.By.RULE.value,
                "created_at": self._now,
            },
        )
        self._preview({made[digest]: files[digest] for digest in made if files[digest].copies})
        return made

    def _preview(self, files: Mapping[int, Prepared]) -> None:
        names = ("thumb_key", "screen_key", "grey_key")
        rows = ((pk, *(one.copies[name] for name in names), json_text(one.camera)) for pk, one in files.items())
        columns, asset = ["asset_id", *names, "camera"], ["asset_id"]
        bulk_load(model=AssetPreview, columns=columns, rows=rows, conflict=asset, returning=asset)

    def _note_sources(self, lines: Sequence[Line], ids: Sequence[int], new: set[int]) -> None:
        """Say that the source has these pictures, and count which others have them too."""
        licences = dict(_found(LICENCES, [asset_id for asset_id in ids if asset_id not in new]))
        rows = bulk_load(
            model=SourcedPicture,
            columns=["asset_id", "reference", "licence"],
            rows=[
                (pk, plain_text(line["source"])[-300:], plain_text(line["licence"])[:120])
                for pk, line in zip(ids, lines, strict=True)
            ],
            conflict=["source_id", "asset_id"],
            same={"source_id": self._source.pk},
            returning=["asset_id", "licence"],
        )
        first_seen = {asset_id: licence for asset_id, licence in rows if asset_id in licences}
        if first_seen:
            self.done.also_in.update(dict(_found(ALSO_IN, list(first_seen), self._source.pk)))
        self.done.other_licence += sum(licence not in {"", licences[pk]} for pk, licence in first_seen.items())

    def _label(self, labelled: Mapping[int, Line]) -> None:
        """Add the boxes as versions; what people of ours have said, and what is the same, stays."""
        ids = list(labelled)
        _found(LOCK, ids)
        standing = {asset_id: _Standing(*told) for asset_id, *told in _found(STANDING, ids, VOTES)}
        rows = []
        for asset_id, line in labelled.items():
            digest = hashlib.sha256(_in_order(line["boxes"]).encode()).hexdigest()
            ours = standing.get(asset_id)
            if ours is not None and ours.method != METHOD:
                self.done.labels["kept"] += 1
            elif ours is not None and ours.digest == digest:
                self.done.labels["existing"] += 1
            else:
                self.done.labels["new" if ours is None else "changed"] += 1
                self.done.boxes.update(box["label"] for box in line["boxes"])
                rows.append((asset_id, ours.stage_id if ours else self._stage.pk, digest, line))
        self._store(rows)

    def _store(self, rows: Sequence[tuple[int, int, str, Line]]) -> None:
        if not rows:
            return
        ids = [asset_id for asset_id, *_ in rows]
        last = {(asset_id, stage_id): n for asset_id, stage_id, n in _found(LAST_VERSIONS, ids)}
        replaced = [(stage_id, asset_id) for asset_id, stage_id, *_ in rows if (asset_id, stage_id) in last]
        with connection.cursor() as cursor:
            for stage_id in {stage_id for stage_id, _ in replaced}:
                cursor.execute(REPLACED, [stage_id, [asset_id for at, asset_id in replaced if at == stage_id]])
        stored = bulk_load(
            model=Consensus,
            columns=["asset_id", "stage_id", "version", "settings", "confidence", "trace"],
            rows=[_consensus(row, last.get(row[:2], 0) + 1) for row in rows],
            same={
                "project_id": self._project.pk,
                "method": METHOD,
                "status": Consensus.Status.HARD.value,
                "n_answers": 1,
                "is_current": True,
                "created_at": self._now,
            },
            returning=["id", "asset_id"],
        )
        consensus_of = {asset_id: pk for pk, asset_id in stored}
        boxes = (
            (
                consensus_of[asset_id],
                seq,
                box["label"],
                *(box[side] for side in BOX_SIDES),
                box["confidence"],
                json_text(box.get("points", [])),
            )
            for asset_id, _, _, line in rows
            for seq, box in enumerate(line["boxes"])
        )
        bulk_load(
            model=ConsensusBox,
            columns=["consensus_id", "seq", "label", *BOX_SIDES, "confidence", "points"],
            rows=boxes,
        )


def _found(query: str, *values: Any) -> list[Any]:
    """Ask with arrays: a thousand values of their own cost more than what is found."""
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())


def _parts(lines: Iterator[Line]) -> Iterator[list[Line]]:
    while part := list(islice(lines, LINES_AT_ONCE)):
        yield part


def _without_repeats(labelled: Sequence[tuple[int, Line]]) -> Iterator[dict[int, Line]]:
    """Yield the lines in runs in which no picture occurs twice: the second is a version after the first."""
    run: dict[int, Line] = {}
    for asset_id, line in labelled:
        if asset_id in run:
            yield run
            run = {}
        run[asset_id] = line
    if run:
        yield run


def _asset(file: Prepared, line: Line) -> tuple[Any, ...]:
    told = {name: file.measures.get(name) for name in MEASURES}
    told |= {name: bytes.fromhex(str(told[name])) for name in BYTES if told[name] is not None}
    return (
        file.storage_key,
        bytes.fromhex(file.sha256),
        file.bytes,
        plain_text(line["name"])[-255:],
        plain_text(line["licence"])[:120],
        line["client_key"],
        line["label_class"],
        file.width,
        file.height,
        *told.values(),
    )


def _consensus(row: tuple[int, int, str, Line], version: int) -> tuple[Any, ...]:
    asset_id, stage_id, digest, line = row
    origin = {name: line[name] for name in ("file", "line", "source", "label")}
    boxes = line["boxes"]
    words = f"{len(boxes)} boxes from line {line['line']} of {line['file']}, “{line['label']}”."
    confidence = min((box["confidence"] for box in boxes), default=NO_CONFIDENCE)
    told = json_text({**origin, "digest": digest})
    return asset_id, stage_id, version, told, confidence, json_text([words])
