"""Proof that two near pictures are one photo in disguise: the tone-matched block difference."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from .difference import BLOCK_DIFFERENCE, same_frame, warped
from .features import Registration, refined, register
from .frames import Frame, Part, frames_of, whole
from .hashes import BITS, Turns, nearest_turn
from .pixels import Grey, turned
from .preview import Preview
from .proof import Proof, proof_of
from .windows import detail_agrees

VERSION = "verify-5"
"""Under which verdicts are kept for second runs: another one wherever a pair may be judged otherwise."""
RADIUS = 64
"""Candidates lie within so many bits; unrelated photos were never seen nearer than 86."""
MIN_COMMON = 0.3
MIN_INLIERS = 12
VOTED_INLIERS = 17
SCENE_INLIERS = 25
SAME_FRAME_USUAL = 0.05
SAME_FILE, SAME_PHOTO, SAME_SCENE = "same_file", "same_photo", "same_scene"

MIRRORED_TURNS = frozenset({"mirror", "flip", "transpose", "transverse"})


@dataclass(frozen=True, slots=True)
class PairVerdict:
    """What two pictures are to each other, with the evidence; `orientation` turns the earlier into the new one.

    `common` is the share of the new picture that the earlier one covers, `seen` the share of the earlier one that
    the new one shows, `degrees` the turn beyond a quarter, `marked` which of them bears a mark ("new", "earlier").
    """

    verdict: str
    distance: int
    orientation: str
    block_difference: float
    inliers: int
    common: float
    seen: float = 1.0
    degrees: float = 0.0
    marked: str = ""


@dataclass(frozen=True, eq=False)
class Sighting:
    """What a comparison needs of a picture: restore it from what is stored, or take it from an Analysis."""

    sha256: bytes
    hash256: bytes
    low_information: bool
    preview: Preview

    @property
    def hash256_trimmed(self) -> bytes | None:
        """The hash of what is left without borders: of the preview, so that it is of the part that is laid over."""
        turns = self.preview.trimmed_turns
        return None if turns is None else turns[0]

    @property
    def stored_hashes(self) -> Sequence[bytes]:
        return [self.hash256] if self.hash256_trimmed is None else [self.hash256, self.hash256_trimmed]

    @property
    def all_turns(self) -> Sequence[Turns]:
        trimmed = self.preview.trimmed_turns
        return [self.preview.turns] if trimmed is None else [self.preview.turns, trimmed]

    @property
    def parts(self) -> Sequence[Part]:
        return list(zip(self.all_turns, (whole(self.preview), self.preview.trim), strict=False))

    @property
    def stored_parts(self) -> Sequence[Part]:
        boxes = whole(self.preview), self.preview.trim
        return [((one,), box) for one, box in zip(self.stored_hashes, boxes, strict=False)]


def compare(
    new: Sighting,
    earlier: Sighting,
    *,
    radius: int = RADIUS,
    threshold: float = BLOCK_DIFFERENCE,
    registered: bool = True,
) -> PairVerdict | None:
    """Judge a new picture against an earlier one; None when they have nothing to do with each other.

    A near hash only makes a candidate. `same_photo` needs a block difference of at most `threshold`;
    without that proof a near picture is `same_scene`, which may never reject by itself.
    `registered=False` leaves the (slower) registration of crops and turns by degrees out.
    """
    if new.sha256 == earlier.sha256:
        return PairVerdict(SAME_FILE, 0, "none", 0.0, 0, 1.0)
    if new.low_information or earlier.low_information:
        return None
    frames = near_frames(new, earlier, radius)
    if not frames:
        return None
    frame, straight = _best(new, earlier, frames, threshold)
    distance = frames[0].distance
    if straight.proven or not registered or straight.usual <= SAME_FRAME_USUAL:
        verdict = SAME_PHOTO if straight.proven else SAME_SCENE
        return PairVerdict(verdict, distance, frame.turn, straight.difference, 0, 1.0, marked=straight.marked)
    mirrored = frame.turn in MIRRORED_TURNS
    found = _registered(new, earlier, distance=distance, mirrored=mirrored, threshold=threshold)
    if found is not None and found.verdict == SAME_PHOTO:
        return found
    inliers, common = (0, 1.0) if found is None else (found.inliers, found.common)
    return PairVerdict(SAME_SCENE, distance, frame.turn, straight.difference, inliers, common)


def near_frames(new: Sighting, earlier: Sighting, radius: int) -> list[Frame]:
    """Return the parts of both that are as near as this by hash, the nearest first."""
    found = frames_of(new.preview, earlier.preview, new.parts, earlier.stored_parts)
    return [one for one in found if one.distance <= radius]


def _best(new: Sighting, earlier: Sighting, frames: Sequence[Frame], threshold: float) -> tuple[Frame, Proof]:
    """Lay the parts over each other; return the first that are proven to be one, else the likest."""
    judged = []
    for frame in frames:
        upright, shown = turned(frame.earlier.cut(earlier.preview.grey), frame.turn), frame.new.cut(new.preview.grey)
        proof = proof_of(partial(same_frame, upright, shown), threshold)
        assert proof is not None  # noqa: S101 - the same frame always has all in common
        if proof.proven:
            return frame, proof
        judged.append((frame, proof))
    return min(judged, key=lambda one: one[1].usual)


def compare_voted(
    new: Sighting, earlier: Sighting, *, mirrored: bool, threshold: float = BLOCK_DIFFERENCE
) -> PairVerdict | None:
    """Judge a pair that descriptor votes found and no hash did: crops, and crops of the mirror image."""
    if new.low_information or earlier.low_information:
        return None
    distance, _ = nearest_turn(new.all_turns, earlier.stored_hashes)
    found = _registered(new, earlier, distance=distance, mirrored=mirrored, threshold=threshold, voted=True)
    if found is None or (found.verdict == SAME_SCENE and found.inliers < SCENE_INLIERS):
        return None
    return found


def _registered(
    new: Sighting, earlier: Sighting, *, distance: int, mirrored: bool, threshold: float, voted: bool = False
) -> PairVerdict | None:
    source = earlier.preview.mirrored_features if mirrored else earlier.preview.features
    found = register(source, new.preview.features, mirrored=mirrored)
    if found is None or found.inliers < MIN_INLIERS:
        return None
    shown, trimmed = new.preview.trimmed, earlier.preview.trimmed
    moving = turned(trimmed, "mirror") if mirrored else trimmed
    if voted and found.inliers < VOTED_INLIERS and not detail_agrees(moving, shown, found.matrix):
        return None
    return _verdict_of(found, shown, moving, min(distance, BITS), threshold)


def _verdict_of(
    registration: Registration, new: Grey, moving: Grey, distance: int, threshold: float
) -> PairVerdict | None:
    judged = proof_of(lambda side: warped(moving, new, registration.matrix, side), threshold)
    if judged is None:
        return None
    if judged.may_be_refined:
        judged = _refined(moving, new, registration, threshold) or judged
    common, quarter = judged.common, 90 * round(registration.degrees / 90)
    seen = min(1.0, common * new.size / (registration.scale**2 * moving.size))
    verdict = SAME_PHOTO if judged.proven and common >= MIN_COMMON else SAME_SCENE
    return PairVerdict(
        verdict,
        distance,
        registration.turn,
        judged.difference,
        registration.inliers,
        common,
        seen,
        registration.degrees - quarter,
        judged.marked,
    )


def _refined(moving: Grey, new: Grey, registration: Registration, threshold: float) -> Proof | None:
    better = refined(moving, new, registration)
    return None if better is None else proof_of(lambda side: warped(moving, new, better.matrix, side), threshold)
