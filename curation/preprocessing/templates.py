"""Is this photo the task's own example sent back, and what was done to it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from .decode import analyse
from .difference import BLOCK_DIFFERENCE, Overlay, block_difference, measured, same_frame, warped
from .features import MIRRORED_TURNS, PLAIN_TURNS, Features, Registration, find_features, refined, register
from .hashes import nearest_turn
from .pixels import Grey, turned
from .preview import Preview
from .verify import MIN_COMMON, RADIUS, Sighting
from .windows import detail_agrees, window_in

MIN_INLIERS = 17
FEWEST_INLIERS = 10
RICH_IN_CORNERS = 400
SURE_INLIERS = 80  # drawn faces share some 40 to 50 corners with each other, photographs of strangers at most 18
MAX_DIFFERENCE = 1.0
UNTOUCHED, PROCESSED = 5, 20
ROTATED_DEGREES = 1.5
TONE_MEAN = 8.0
TONE_SPREAD = 0.12
VISIBLE, VISIBLE_WHEN_ROTATED = 0.95, 0.88
COVERED, COVERED_WHEN_ROTATED = 0.95, 0.85


@dataclass(frozen=True, eq=False)
class TemplateFeatures:
    """A template's picture with the corners of it and of its mirror image, found once."""

    preview: Preview

    @cached_property
    def mirror(self) -> Grey:
        return np.ascontiguousarray(self.preview.grey[:, ::-1])

    @cached_property
    def plain_features(self) -> Features:
        return find_features(self.preview.grey)

    @cached_property
    def mirrored_features(self) -> Features:
        return find_features(self.mirror)

    def pixels(self, registration: Registration) -> Grey:
        return self.mirror if registration.mirrored else self.preview.grey


@dataclass(frozen=True, slots=True)
class TemplateCopy:
    """A template found in a photo: the words for what was done, the level (5 or 20) and the evidence.

    `visible` is the share of the template seen in the photo, `covered` the share of the photo it fills.
    """

    transform: str
    level: int
    inliers: int
    block_difference: float
    visible: float
    covered: float


@dataclass(frozen=True, eq=False)
class _Match:
    registration: Registration
    overlay: Overlay
    difference: float


def template_features(data: bytes) -> TemplateFeatures:
    """Read a template's file; raises Unreadable as `analyse` does."""
    return TemplateFeatures(analyse(data, compat=False).preview)


def match_template(photo: Sighting, template: TemplateFeatures) -> TemplateCopy | None:
    """Say whether the photo is a copy of the template, with transform words and level, or None."""
    if photo.low_information:
        return None
    match = _best_match(photo.preview, template)
    if match is None or match.difference > BLOCK_DIFFERENCE:
        match = _whole(photo, template) or match
    if match is None and len(photo.preview.features) < RICH_IN_CORNERS:
        match = _window(photo.preview, template)
    if match is None:
        return None
    visible, covered = _shares(match.registration, template.pixels(match.registration), photo.preview)
    words = tuple(_words(match, visible, covered))
    untouched = not words and match.difference <= BLOCK_DIFFERENCE
    level = UNTOUCHED if untouched else PROCESSED
    transform = "+".join(words) or "none"
    return TemplateCopy(transform, level, match.registration.inliers, match.difference, visible, covered)


def best_template(
    photo: Sighting, templates: Iterable[tuple[str, TemplateFeatures]]
) -> tuple[str, TemplateCopy] | None:
    """Return the name and match of the template with the most agreeing corners, or None."""
    found = [(name, copy) for name, template in templates if (copy := match_template(photo, template))]
    return max(found, key=lambda item: item[1].inliers, default=None)


def _best_match(photo: Preview, template: TemplateFeatures) -> _Match | None:
    tried = (
        register(template.plain_features, photo.features),
        register(template.mirrored_features, photo.features, mirrored=True),
    )
    found = max((one for one in tried if one is not None), key=lambda one: one.inliers, default=None)
    if found is None or found.inliers < FEWEST_INLIERS:
        return None
    match = _matched(found, photo, template)
    if match is None or _is_sure(match):
        return match
    better = refined(template.pixels(found), photo.trimmed, found)
    match = None if better is None else _matched(better, photo, template)
    return match if match is not None and _is_sure(match) else None


def _whole(photo: Sighting, template: TemplateFeatures) -> _Match | None:
    """Match the whole of both by hash and pixels alone, where there are too few corners to go by."""
    distance, turn = nearest_turn([photo.preview.turns], [template.preview.turns[0]])
    if distance > RADIUS:
        return None
    upright = turned(template.preview.grey, turn)
    found = measured(same_frame(upright, photo.preview.grey))
    if not found.proves():
        return None
    registration = _laid_out(turn, template.preview, photo.preview)
    overlay = warped(template.pixels(registration), photo.preview.trimmed, registration.matrix)
    return None if overlay is None else _Match(registration, overlay, found.largest)


def _window(photo: Preview, template: TemplateFeatures) -> _Match | None:
    """Match the photo as a window of the template, or of its mirror image, by pixels where corners are too few."""
    for pixels, mirrored in ((template.preview.grey, False), (template.mirror, True)):
        found = window_in(pixels, photo.grey)
        if found is None:
            continue
        matrix = found.copy()
        matrix[:, 2] -= (photo.trim.left, photo.trim.top)
        better = refined(pixels, photo.trimmed, Registration(matrix, 0, mirrored))
        match = None if better is None else _matched(better, photo, template)
        if match is not None and _is_sure(match) and detail_agrees(pixels, photo.trimmed, match.registration.matrix):
            return match
    return None


def _laid_out(turn: str, template: Preview, photo: Preview) -> Registration:
    """Return the similarity that lays the whole (perhaps mirrored) template over the whole photo."""
    mirrored = turn in MIRRORED_TURNS
    quarter = (MIRRORED_TURNS if mirrored else PLAIN_TURNS).index(turn)
    own = _corners(template.height, template.width)
    target = np.roll(_corners(photo.height, photo.width), quarter, axis=0) - (photo.trim.left, photo.trim.top)
    matrix = cv2.getAffineTransform(own[:3].astype(np.float32), target[:3].astype(np.float32))
    return Registration(np.asarray(matrix, np.float64), 0, mirrored)


def _matched(registration: Registration, photo: Preview, template: TemplateFeatures) -> _Match | None:
    overlay = warped(template.pixels(registration), photo.trimmed, registration.matrix)
    return None if overlay is None else _Match(registration, overlay, block_difference(overlay))


def _is_sure(match: _Match) -> bool:
    """Ask for the more likeness the fewer corners agree."""
    if match.registration.inliers < MIN_INLIERS:
        return match.difference <= BLOCK_DIFFERENCE and match.overlay.common >= MIN_COMMON
    return match.registration.inliers >= SURE_INLIERS or match.difference <= MAX_DIFFERENCE


def _shares(registration: Registration, template: Grey, photo: Preview) -> tuple[float, float]:
    """Return the visible share of the template and the covered share of the *untrimmed* photo."""
    moved = registration.matrix.copy()
    moved[:, 2] += (photo.trim.left, photo.trim.top)
    shape = _corners(*template.shape) @ moved[:, :2].T + moved[:, 2]
    frame = _corners(photo.height, photo.width)
    common = cv2.intersectConvexConvex(shape.astype(np.float32), frame.astype(np.float32))[0]
    own = abs(float(np.linalg.det(moved[:, :2]))) * template.size
    return min(1.0, common / own), min(1.0, common / photo.grey.size)


def _corners(height: int, width: int) -> npt.NDArray[np.float64]:
    return np.array([(0, 0), (width, 0), (width, height), (0, height)], np.float64)


def _words(match: _Match, visible: float, covered: float) -> Iterator[str]:
    if match.registration.mirrored:
        yield "mirror"
    degrees = match.registration.degrees
    quarter = round(degrees / 90) % 4
    if quarter:
        yield f"rot{quarter * 90}"
    rotated = abs(degrees - 90 * round(degrees / 90)) > ROTATED_DEGREES
    if rotated:
        yield "rotate"
    if visible < (VISIBLE_WHEN_ROTATED if rotated else VISIBLE):
        yield "crop"
    if covered < (COVERED_WHEN_ROTATED if rotated else COVERED):
        yield "frame"
    if _tones_changed(match.overlay):
        yield "tone"


def _tones_changed(overlay: Overlay) -> bool:
    photo, template = overlay.fixed[overlay.mask], overlay.moving[overlay.mask]
    spread = abs(float(photo.std()) / (float(template.std()) + 0.001) - 1)
    return abs(float(photo.mean()) - float(template.mean())) > TONE_MEAN or spread > TONE_SPREAD
