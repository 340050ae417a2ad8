"""Is this photo the task's own example sent back, and what was done to it?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from functools import cached_property

import cv2
import numpy as np
import numpy.typing as npt

from .decode import analyse
from .difference import BLOCK_DIFFERENCE, Difference, Overlay, measured, warped
from .features import (
    FEWEST_INLIERS,
    MIRRORED_TURNS,
    PLAIN_TURNS,
    Features,
    Matrix,
    Registration,
    find_features,
    refined,
    register,
)
from .frames import Frame, Part, frames_of, whole
from .hashes import Box
from .pixels import Grey
from .preview import Preview
from .proof import proof_of
from .template_screen import Likely, Screen
from .verify import MIN_COMMON, RADIUS, Sighting
from .windows import coarse, detail_agrees, window_in

MIN_INLIERS = 17
RICH_IN_CORNERS = 400
SURE_INLIERS = 80  # drawn faces share some 40 to 50 corners with each other, photographs of strangers at most 18
MAX_DIFFERENCE = 1.0
PASTED_MOST = 0.45
"""Three in four blocks differ by no more where something is pasted in; by .5 where a camera stood elsewhere."""
WINDOW_MOST = 0.25
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
    def coarse(self) -> Grey:
        return coarse(self.preview.grey)

    @cached_property
    def coarse_mirror(self) -> Grey:
        return coarse(self.mirror)

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
    found: Difference

    @property
    def difference(self) -> float:
        return self.found.largest


def template_features(data: bytes) -> TemplateFeatures:
    """Read a template's file; raises Unreadable as `analyse` does."""
    return TemplateFeatures(analyse(data, compat=False).preview)


class Templates:
    """The templates of a project, by name; what is asked of all of them together is worked out once."""

    def __init__(self, templates: Iterable[tuple[str, TemplateFeatures]]) -> None:
        self._all = list(templates)

    def best(self, photo: Sighting) -> tuple[str, TemplateCopy] | None:
        """Return the name and match of the template with the most agreeing corners, or None."""
        if photo.low_information or not self._all:
            return None
        likely = zip(self._all, self._screen.look(photo.preview.features, photo.all_turns), strict=True)
        found = [(name, copy) for (name, one), how in likely if (copy := match_template(photo, one, how))]
        return max(found, key=lambda item: item[1].inliers, default=None)

    @cached_property
    def _screen(self) -> Screen:
        each = [one for _, one in self._all]
        hashes = [[part[0][0] for part in _parts(one.preview)] for one in each]
        return Screen([(one.plain_features, one.mirrored_features) for one in each], hashes)


ANYTHING = Likely(plain=True, mirrored=True, distance=0)


def match_template(photo: Sighting, template: TemplateFeatures, likely: Likely = ANYTHING) -> TemplateCopy | None:
    """Say whether the photo is a copy of the template, with transform words and level, or None."""
    if photo.low_information:
        return None
    match = _best_match(photo.preview, template, likely)
    if likely.distance <= RADIUS and (match is None or match.difference > BLOCK_DIFFERENCE):
        match = _whole(photo.preview, template) or match
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


def _best_match(photo: Preview, template: TemplateFeatures, likely: Likely) -> _Match | None:
    tried = (
        register(template.plain_features, photo.features) if likely.plain else None,
        register(template.mirrored_features, photo.features, mirrored=True) if likely.mirrored else None,
    )
    found = max((one for one in tried if one is not None), key=lambda one: one.inliers, default=None)
    if found is None or found.inliers < FEWEST_INLIERS:
        return None
    match = _matched(found, photo, template)
    if match is None or _is_sure(match):
        return match
    better = refined(template.pixels(found), photo.trimmed, found)
    again = None if better is None else _matched(better, photo, template)
    if again is not None and _is_sure(again):
        return again
    return next((one for one in (again, match) if one is not None and _is_proven(one, photo, template)), None)


def _whole(photo: Preview, template: TemplateFeatures) -> _Match | None:
    """Match the whole of both by hash and pixels alone, with or without flat borders: corners may be too few."""
    for frame in frames_of(photo, template.preview, _parts(photo), _parts(template.preview)):
        if frame.distance > RADIUS:
            break
        match = _matched(_laid_out(frame, template.preview.width, photo.trim), photo, template)
        if match is not None and (match.found.proves() or _is_proven(match, photo, template)):
            return match
    return None


def _parts(preview: Preview) -> list[Part]:
    """Return the whole picture, and what is left of it without flat borders, each with its hashes."""
    trimmed = preview.trimmed_turns
    return [(preview.turns, whole(preview)), *([] if trimmed is None else [(trimmed, preview.trim)])]


def _window(photo: Preview, template: TemplateFeatures) -> _Match | None:
    """Match the photo as a window of the template, or of its mirror image, by pixels where corners are too few."""
    ways = (template.preview.grey, template.coarse, False), (template.mirror, template.coarse_mirror, True)
    for pixels, small, mirrored in ways:
        for shown, windows in photo.windows:
            found = window_in(pixels, small, windows)
            match = None if found is None else _window_at(found, pixels, windows.part, mirrored=mirrored)
            if match is not None:
                return replace(match, registration=_moved(match.registration, shown, photo.trim))
    return None


def _window_at(found: Matrix, pixels: Grey, part: Grey, *, mirrored: bool) -> _Match | None:
    """Ask that all is alike, the fine detail above all: in a sky that is dark even noise is far off in deviations."""
    better = refined(pixels, part, Registration(found, 0, mirrored))
    overlay = None if better is None else warped(pixels, part, better.matrix)
    if better is None or overlay is None or overlay.common < MIN_COMMON:
        return None
    match = _Match(better, overlay, measured(overlay))
    if match.difference > MAX_DIFFERENCE or match.found.most > WINDOW_MOST:
        return None
    return match if detail_agrees(pixels, part, better.matrix) else None


def _moved(registration: Registration, part: Box, trim: Box) -> Registration:
    """Return a registration on a part of the photo as one on its trimmed picture."""
    matrix = registration.matrix.copy()
    matrix[:, 2] += (part.left - trim.left, part.top - trim.top)
    return Registration(matrix, registration.inliers, registration.mirrored)


def _laid_out(frame: Frame, width: int, trim: Box) -> Registration:
    """Return the similarity that lays the part of the (perhaps mirrored) template over the part of the photo."""
    mirrored, own = frame.turn in MIRRORED_TURNS, frame.earlier
    quarter = (MIRRORED_TURNS if mirrored else PLAIN_TURNS).index(frame.turn)
    if mirrored:
        own = Box(width - own.right, own.top, width - own.left, own.bottom)
    target = np.roll(_ends(frame.new), quarter, axis=0) - (trim.left, trim.top)
    matrix = cv2.getAffineTransform(_ends(own)[:3].astype(np.float32), target[:3].astype(np.float32))
    return Registration(np.asarray(matrix, np.float64), 0, mirrored)


def _matched(registration: Registration, photo: Preview, template: TemplateFeatures) -> _Match | None:
    overlay = warped(template.pixels(registration), photo.trimmed, registration.matrix)
    return None if overlay is None else _Match(registration, overlay, measured(overlay))


def _is_sure(match: _Match) -> bool:
    """Ask for the more likeness the fewer corners agree."""
    if match.registration.inliers < MIN_INLIERS:
        return match.difference <= BLOCK_DIFFERENCE and match.overlay.common >= MIN_COMMON
    pasted = match.registration.inliers >= SURE_INLIERS and match.found.most <= PASTED_MOST
    return pasted or match.difference <= MAX_DIFFERENCE


def _is_proven(match: _Match, photo: Preview, template: TemplateFeatures) -> bool:
    """Tell whether the pixels alone prove it, also under a mark or where the photo was blurred."""
    pixels, matrix = template.pixels(match.registration), match.registration.matrix
    proof = proof_of(lambda side: warped(pixels, photo.trimmed, matrix, side), BLOCK_DIFFERENCE)
    return proof is not None and proof.proven and proof.common >= MIN_COMMON


def _shares(registration: Registration, template: Grey, photo: Preview) -> tuple[float, float]:
    """Return the visible share of the template and the covered share of the *untrimmed* photo."""
    moved = registration.matrix.copy()
    moved[:, 2] += (photo.trim.left, photo.trim.top)
    shape = _ends(Box(0, 0, template.shape[1], template.shape[0])) @ moved[:, :2].T + moved[:, 2]
    frame = _ends(whole(photo))
    common = cv2.intersectConvexConvex(shape.astype(np.float32), frame.astype(np.float32))[0]
    own = abs(float(np.linalg.det(moved[:, :2]))) * template.size
    return min(1.0, common / own), min(1.0, common / photo.grey.size)


def _ends(box: Box) -> npt.NDArray[np.float64]:
    ends = (box.left, box.top), (box.right, box.top), (box.right, box.bottom), (box.left, box.bottom)
    return np.array(ends, np.float64)


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
