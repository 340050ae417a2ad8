"""What the automatic checks say of a submission, as chips: green, red, or not known yet."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

from curation.models import Asset, Decision
from curation.services.assets import SENTENCES
from curation.services.cuts import CUTS

Tone = Literal["ok", "bad", "warn", "none"]
REPEATS: Final = ("same_file", "same_photo", "same_scene", "scene_again", "near_duplicate")
POOR: Final = tuple(cut.reason for cut in CUTS)
VIDEO: Final = ("video_too_short", "video_too_long", "video_too_small", "unreadable_video")


@dataclass(frozen=True, slots=True)
class Chip:
    """One check: what it is about, what it found, and the picture that proves it if there is one."""

    title: str
    tone: Tone
    value: str = ""
    other: str = ""


def last_words(photos: Sequence[Asset]) -> dict[int, Decision]:
    """Return the latest verdict of a machine about each picture."""
    rule = Decision.By.RULE
    rows = Decision.objects.filter(asset__in=photos, by_kind=rule).exclude(verdict=Decision.Verdict.ENTERED)
    return {row.asset_id: row for row in rows.order_by("asset_id", "-id").distinct("asset_id")}


def chips(photo: Asset, said: Decision | None) -> list[Chip]:
    if photo.media == Asset.Media.VIDEO:
        return _of_video(photo, said)
    if photo.width is None or photo.height is None:
        reason = said.reason if said else ""
        return (
            [Chip("Checks", "bad", SENTENCES[reason])] if reason in SENTENCES else [Chip("Checks", "none", "to come")]
        )
    evidence = said.evidence if said else {}
    reason = said.reason if said else ""
    return [
        Chip("Resolution", "bad" if reason == "low_resolution" else "ok", f"{photo.width} × {photo.height}"),
        _quality(photo, reason),
        _repeated(reason, evidence),
        _template(reason, evidence),
    ]


def _quality(photo: Asset, reason: str) -> Chip:
    if reason in POOR:
        return Chip("Sharpness and light", "bad", SENTENCES[reason])
    value = "" if photo.sharpness is None else f"{photo.sharpness:.0f}"
    return Chip("Sharpness", "none" if photo.sharpness is None else "ok", value)


def _repeated(reason: str, evidence: Mapping[str, Any]) -> Chip:
    other = str(evidence.get("other_asset", ""))
    if reason in REPEATS:
        return Chip("Duplicate", "bad", SENTENCES.get(reason, reason), other)
    if other and evidence.get("distance") is not None:
        return Chip("Duplicate", "warn", f"resembles another, distance {evidence['distance']}", other)
    return Chip("Duplicate", "ok", "none found")


def _template(reason: str, evidence: Mapping[str, Any]) -> Chip:
    if reason != "template_copy":
        return Chip("Example", "ok", "not copied")
    transform = str(evidence.get("transform") or evidence.get("orientation") or "")
    return Chip("Example", "bad", f"copied{f', {transform}' if transform else ''}")


def _of_video(video: Asset, said: Decision | None) -> list[Chip]:
    reason = said.reason if said else ""
    if reason in (*VIDEO, "same_file"):
        sentence = str((said.evidence if said else {}).get("sentence") or SENTENCES[reason])
        return [Chip("Video", "bad", sentence[:1].upper() + sentence[1:])]
    frames = list(video.frames.values_list("state", "frame_ms"))
    if not frames:
        return [Chip("Video", "none", "being cut into frames")]
    good = sum(state != Asset.State.DROPPED for state, _ in frames)
    seconds = max((ms or 0) for _, ms in frames) / 1000
    return [
        Chip("Length", "ok", f"about {seconds:.0f} s"),
        Chip("Frames", "ok" if good else "bad", f"{good} of {len(frames)} can be used"),
    ]
