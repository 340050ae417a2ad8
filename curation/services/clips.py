"""What cameras and askers say of what they send: kept as tags of it and of each frame cut from it."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from typing import Any, Final

from django.db import transaction

from crowd.errors import CrowdError
from curation.models import Asset, AssetTag, TagRun
from curation.services import versions

CAMERA: Final = "camera"
ASKED: Final = "asked"
INHERITED: Final = (CAMERA, ASKED)
VERSION: Final = "1"
LONGEST: Final = 60
FIRST_YEAR, LAST_YEAR = 1970, 2200  # what a broken clock says beyond them is no time
DAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


class BadClip(CrowdError):
    """Something said of a clip that cannot be; the sentence names it."""


@dataclass(frozen=True, slots=True)
class Clip:
    """Which camera took it, where that stands, and when the clip begins, on the clock of that place."""

    camera: str = ""
    location: str = ""
    started_at: datetime | None = None

    @classmethod
    def read(cls, said: Mapping[str, Any]) -> "Clip | None":
        """Read what was sent beside a file; None = nothing was said. Raises BadClip."""
        camera, location = (_word(name, str(said.get(name) or "")) for name in ("camera", "location"))
        started = str(said.get("started_at") or "")
        clip = cls(camera, location, _moment(started) if started else None)
        return None if clip == cls() else clip

    def as_json(self) -> dict[str, str]:
        started = self.started_at.isoformat() if self.started_at else ""
        return {"camera": self.camera, "location": self.location, "started_at": started}

    def tags_at(self, ms: int) -> dict[str, str]:
        """Return the tags of what was seen so many milliseconds after the beginning."""
        found = {name: value for name, value in ((CAMERA, self.camera), ("location", self.location)) if value}
        if self.started_at is not None:
            moment = self.started_at + timedelta(milliseconds=ms)
            seen = {"hour": f"{moment:%H}", "day": DAYS[moment.weekday()], "date": f"{moment:%Y-%m-%d}"}
            found |= {"started": self.started_at.isoformat(), **seen}
        return found


def _word(name: str, text: str) -> str:
    word = text.strip()
    if len(word) > LONGEST or set(word) & set('",\\\0'):
        raise BadClip(f"{name} has at most {LONGEST} characters, without quotes, commas and backslashes.")
    return word


def _moment(text: str) -> datetime:
    wrong = BadClip(f"started_at is a time with its offset, such as 2026-01-05T08:10:00+01:00, not {text[:40]!r}.")
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        raise wrong from None
    if moment.tzinfo is None or not FIRST_YEAR <= moment.year <= LAST_YEAR:
        raise wrong
    return moment.replace(microsecond=0)


@transaction.atomic
def note(*, asset: Asset, clip: Clip) -> bool:
    """Keep what was said of a clip, once; frames that are there already get it too. Returns whether it was new."""
    Asset.objects.select_for_update().only("pk").get(pk=asset.pk)
    if TagRun.objects.filter(asset=asset, tagger=CAMERA, version=VERSION).exists():
        return False
    _keep([asset], CAMERA, lambda _: clip.tags_at(0))
    _keep(list(asset.frames.order_by("frame_index")), CAMERA, lambda frame: clip.tags_at(frame.frame_ms or 0))
    versions.bump(project_id=asset.project_id)
    return True


def note_condition(*, asset: Asset, key: str, value: str) -> None:
    """Keep under which condition a worker was asked for it. It is what was asked, not what was found."""
    if not TagRun.objects.filter(asset=asset, tagger=ASKED).exists():
        _keep([asset], ASKED, lambda _: {key: value})


def inherit(*, frame: Asset, video: Asset) -> None:
    """Give a new frame what is known of its video; the hour is that of the frame. Inside the caller's transaction."""
    said: dict[str, dict[str, str]] = {}
    tags = AssetTag.objects.filter(asset=video, run__tagger__in=INHERITED, run__is_current=True)
    for tagger, key, value in tags.values_list("run__tagger", "key", "value"):
        said.setdefault(tagger, {})[key] = value
    if CAMERA in said:
        known = said[CAMERA]
        started = datetime.fromisoformat(known["started"]) if "started" in known else None
        clip = Clip(known.get(CAMERA, ""), known.get("location", ""), started)
        said[CAMERA] = clip.tags_at(frame.frame_ms or 0)
    for tagger, words in said.items():
        _keep([frame], tagger, partial(_same, words))


def _same(words: Mapping[str, str], _asset: Asset) -> Mapping[str, str]:
    return words


def _keep(assets: Sequence[Asset], tagger: str, words_of: Callable[[Asset], Mapping[str, str]]) -> None:
    runs = TagRun.objects.bulk_create(
        TagRun(project_id=one.project_id, asset=one, tagger=tagger, version=VERSION) for one in assets
    )
    source = AssetTag.Source.RULE if tagger == CAMERA else AssetTag.Source.HEURISTIC
    AssetTag.objects.bulk_create(
        AssetTag(run=run, project_id=run.project_id, asset_id=run.asset_id, key=key, value=value, source=source)
        for one, run in zip(assets, runs, strict=True)
        for key, value in words_of(one).items()
    )
