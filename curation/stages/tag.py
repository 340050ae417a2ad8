"""Tag: measurements, detectors and models describe pictures; in layers, costly ones see what cheap ones left."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from time import monotonic, process_time
from typing import Any, ClassVar, Literal, Self

from django.core.files.storage import default_storage
from django.db import transaction
from pydantic import Field, model_validator

from curation.models import Asset, Decision, Stage
from curation.preprocessing.cascade import Interval, Layer, NameFilter, Step, run
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import shared_pool
from curation.preprocessing.taggers import registry
from curation.preprocessing.taggers.base import Tag
from curation.preprocessing.taggers.looking import Picture
from curation.services import assets, tagging
from curation.stages.base import Done, NoCrowd, StageSettings, Work

CALLS_A_SLICE = 500
SECONDS_A_SLICE = 20.0  # a slice must end well before its lease
QUIET_SECONDS = 10.0
State = Asset.State
Verdict = Decision.Verdict


class TagSettings(NameFilter, StageSettings):
    taggers: list[str] = Field(default=list(registry.USUAL), description="what describes a picture that is kept")
    layers: list[Layer] = Field(default=[], max_length=20, description="each sees what the one before let through")
    otherwise: Literal["drop", "hold"] = Field(
        default="drop",
        description="what becomes of pictures a layer stops; what workers sent always waits for a person",
    )

    @model_validator(mode="after")
    def _are_known(self) -> Self:
        known = registry.names(tagging.setups())
        for name in (*self.taggers, *([self.model] if self.model else []), *(layer.tagger for layer in self.layers)):
            if name not in known:
                raise ValueError(f"{name!r} is not a tagger; known are {', '.join(known)}")
        return self

    @property
    def names(self) -> list[str]:
        return list(dict.fromkeys([*(layer.tagger for layer in self.cascade), *self.taggers]))

    @property
    def cascade(self) -> list[Layer]:
        """Return all layers: the filter by names stands behind the others."""
        return [*self.layers, *self.naming]


class Tagging(NoCrowd):
    slug: ClassVar[str] = "tag"
    does: ClassVar[Work] = "machine"
    Settings: ClassVar[type[StageSettings]] = TagSettings

    def work(self, stage: Stage, now: datetime, limit: int) -> Done:
        """Tag single pictures one by one and the frames of a video in a row, as soon as all of them are here."""
        settings = TagSettings.model_validate(stage.settings)
        waiting = Asset.objects.filter(stage=stage, state=State.WAITING).exclude(media=Asset.Media.VIDEO)
        singles = list(waiting.filter(parent=None).order_by("id")[: limit + 1])
        budget = _Budget(CALLS_A_SLICE, monotonic() + SECONDS_A_SLICE)
        finished = [_Row([asset], stage, settings, now).work(budget) for asset in singles[:limit]]
        if singles:
            return Done(sum(finished), more=True)
        parents = list(waiting.order_by("parent_id").values_list("parent_id", flat=True).distinct())
        for parent_id in parents:
            if settings.cascade and not _is_complete(parent_id, stage, now):
                continue
            frames = list(waiting.filter(parent_id=parent_id).order_by("frame_index"))
            return Done(len(frames) if _Row(frames, stage, settings, now).work(budget) else 0, more=True)
        return Done(0, again_after=QUIET_SECONDS if parents else 0)


def _is_complete(parent_id: int, stage: Stage, now: datetime) -> bool:
    """Whether no frame of the video is on its way here: an interval must not end where a slice of frames ends."""
    video = Asset.objects.get(pk=parent_id)
    ahead = Asset.objects.filter(parent=video, stage__position__lt=stage.position)
    if video.state == State.WAITING or ahead.filter(state__in=[State.WAITING, State.WORKING]).exists():
        return False
    newest = Asset.objects.filter(parent=video).order_by("-pk").values_list("storage_key", flat=True)[0]
    try:
        age = (now - default_storage.get_modified_time(newest)).total_seconds()
    except FileNotFoundError:
        return True
    return not 0 <= age < QUIET_SECONDS


class _OutOfCalls(Exception):
    """The slice has asked taggers often enough; what they said is kept, the next slice goes on."""


@dataclass(slots=True)
class _Budget:
    """How many calls of taggers are left in a slice, and until when (monotonic seconds) they may begin."""

    calls: int
    until: float

    def take(self) -> None:
        if self.calls <= 0 or monotonic() > self.until:
            raise _OutOfCalls
        self.calls -= 1


@dataclass(frozen=True, slots=True)
class Word:
    """What a stage says of one picture; `verdict` is passed, dropped or held."""

    asset_id: int
    verdict: str
    reason: str
    evidence: Mapping[str, Any]


def words_of(*, stage: Stage, pictures: Sequence[Asset], now: datetime) -> list[Word]:
    """Say of single pictures, wherever they stand, what the stage as it is set now would decide; nothing moves.

    What was not asked about a picture is asked and kept. Ends early when a slice's budget is used up, perhaps before it
    can say anything of the first picture.
    """
    settings = TagSettings.model_validate(stage.settings)
    budget = _Budget(CALLS_A_SLICE, monotonic() + SECONDS_A_SLICE)
    words: list[Word] = []
    for picture in pictures:
        said = _Row([picture], stage, settings, now).words(budget)
        if said is None:
            break
        words += said
    return words


class _Row:
    """The frames of one video, or one picture."""

    def __init__(self, row: Sequence[Asset], stage: Stage, settings: TagSettings, now: datetime) -> None:
        self.row, self.stage, self.settings, self.now = row, stage, settings, now
        self._known = tagging.known(asset_ids=[asset.pk for asset in row], taggers=settings.names)
        self._places = {asset.pk: place for place, asset in enumerate(row)}
        self._pictures: dict[int, Picture] = {}
        self._budget = _Budget(0, 0)

    def work(self, budget: _Budget) -> bool:
        """Tag, then decide on all of them; False when the budget did not suffice and nothing is decided yet."""
        words = self.words(budget)
        for word in words or ():
            self._decide(word)
        return words is not None

    def words(self, budget: _Budget) -> list[Word] | None:
        """Tag, and say what is to be decided on each; None when the budget did not suffice."""
        self._budget = budget
        found: list[Interval] = []
        steps = (Step(asset, asset.frame_index or 0, (asset.frame_ms or 0) / 1000) for asset in self.row)
        try:
            ended = [self._described(step) for step in run(steps, self.settings.cascade, self._said, found)]
        except _OutOfCalls:
            return None
        return [self._word(step, found) for step in ended]

    def _described(self, step: Step[Asset]) -> Step[Asset]:
        for name in self.settings.taggers if step.stopped_at < 0 else ():
            self._said(name, step.subject)
        return step

    def _said(self, name: str, asset: Asset) -> Sequence[Tag]:
        if (asset.pk, name) not in self._known:
            self._known[asset.pk, name] = self._ask(name, asset)
        return self._known[asset.pk, name]

    def _ask(self, name: str, asset: Asset) -> list[Tag]:
        self._budget.take()
        tagger = tagging.tagger(name)
        place = self._places[asset.pk]
        before = self._picture(self.row[place - 1]) if place else None
        try:
            views = self._picture(asset).views(tagger.needs, before=before, is_frame=asset.parent_id is not None)
        except (Unreadable, FileNotFoundError):
            return []  # the checks say so; a picture that is lost has no tags
        started = process_time()
        tags = list(tagger.tags(views))
        tagging.keep(asset=asset, name=name, tags=tags, seconds=process_time() - started)
        return tags

    def _picture(self, asset: Asset) -> Picture:
        """Return a picture that is decoded once; of a long video only the last few are held."""
        if asset.pk not in self._pictures:
            self._pictures = dict(list(self._pictures.items())[-_held(self.settings.cascade) :])
            self._pictures[asset.pk] = Picture(partial(_read, asset.storage_key), shared_pool().run)
        return self._pictures[asset.pk]

    def _word(self, step: Step[Asset], intervals: Sequence[Interval]) -> Word:
        """Let go on, drop, or hold: what somebody sent in is never rejected by a guess."""
        evidence = {"layer": step.stopped_at, **self._evidence(step, intervals)}
        if step.stopped_at < 0:
            return Word(step.subject.pk, Verdict.PASSED, "", evidence)
        is_held = step.subject.worker_id is not None or self.settings.otherwise == "hold"
        return Word(step.subject.pk, Verdict.HELD if is_held else Verdict.DROPPED, tagging.NOT_SELECTED, evidence)

    @transaction.atomic
    def _decide(self, word: Word) -> None:
        asset = assets.locked(word.asset_id)
        if asset.state != State.WAITING or asset.stage_id != self.stage.pk:
            return
        assets.decide(
            asset=asset,
            verdict=word.verdict,
            reason=word.reason,
            evidence=word.evidence,
            by_kind=Decision.By.RULE,
            now=self.now,
        )

    def _evidence(self, step: Step[Asset], intervals: Sequence[Interval]) -> dict[str, object]:
        if step.stopped_at >= 0:
            layer = self.settings.cascade[step.stopped_at]
            return {"tagger": layer.tagger, "wanted": layer.keep.any_of}
        inside = [one for one in _last(intervals) if one.first <= step.index <= one.last]
        return {"interval": [inside[0].start, inside[0].end]} if step.subject.parent_id and inside else {}


def _held(layers: Sequence[Layer]) -> int:
    return 2 + sum(layer.min_length + layer.max_gap for layer in layers)


def _last(intervals: Sequence[Interval]) -> Iterator[Interval]:
    deepest = max((one.layer for one in intervals), default=0)
    return (one for one in intervals if one.layer == deepest)


def _read(key: str) -> bytes:
    with default_storage.open(key, "rb") as file:
        return bytes(file.read())
