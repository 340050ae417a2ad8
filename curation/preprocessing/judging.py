"""Which pictures of an album are near each other, and what each near pair is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, replace
from functools import lru_cache
from hashlib import sha256

from .album import Album, Picture, Progress
from .colours import Traits
from .neighbours import HashIndex
from .verify import SAME_PHOTO, SAME_SCENE, PairVerdict, Sighting, compare, compare_voted
from .voting import candidates

REMEMBERED = 256
PEAK_DIFFERENCE = 0.25

Verdicts = dict[tuple[int, int], PairVerdict]
"""(earlier, new) -> verdict, by position in the album; earlier < new."""


class Judge:
    """Judges pairs of an album by their previews; only so many previews are in memory at once."""

    def __init__(self, album: Album, *, radius: int, fast: bool) -> None:
        self._album, self._radius, self._fast = album, radius, fast
        self._sighting: Callable[[int], Sighting] = lru_cache(maxsize=REMEMBERED)(album.sighting)
        self._peak: Callable[[int], Sighting] = lru_cache(maxsize=REMEMBERED // 4)(album.peak)

    def near(self, earlier: int, new: int) -> PairVerdict | None:
        def judge() -> PairVerdict | None:
            sightings = self._sighting(new), self._sighting(earlier)
            return compare(*sightings, radius=self._radius, registered=not self._fast)

        return self._kept(f"near {self._radius} {self._fast}", earlier, new, judge)

    def voted(self, earlier: int, new: int, *, mirrored: bool) -> PairVerdict | None:
        def judge() -> PairVerdict | None:
            return compare_voted(self._sighting(new), self._sighting(earlier), mirrored=mirrored)

        return self._kept(f"voted {mirrored}", earlier, new, judge)

    def any_way(self, earlier: int, new: int) -> PairVerdict | None:
        """Judge a pair that neither hash nor votes found, but that has a relative in common."""
        found = self.near(earlier, new)
        if self._fast or (found is not None and found.verdict != SAME_SCENE):
            return found
        ways = [self.voted(earlier, new, mirrored=mirrored) for mirrored in (False, True)]
        return max(
            (one for one in (found, *ways) if one is not None),
            key=lambda one: (one.verdict != SAME_SCENE, one.inliers),
            default=None,
        )

    def in_peaks(self, earlier: int, new: int, verdict: PairVerdict) -> PairVerdict:
        """Look again at a pair whose hues differ, by the brightest channel, and ask for a closer match there."""

        def judge() -> PairVerdict | None:
            return compare(self._peak(new), self._peak(earlier), radius=self._radius)

        found = self._kept(f"peaks {self._radius}", earlier, new, judge)
        if found is None or found.verdict != SAME_PHOTO or found.block_difference > PEAK_DIFFERENCE:
            return verdict
        return replace(found, distance=verdict.distance)

    def _kept(
        self, question: str, earlier: int, new: int, judge: Callable[[], PairVerdict | None]
    ) -> PairVerdict | None:
        """Return what was found of two pictures in this or an earlier run; only what is new is judged."""
        pictures, pairs = self._album.pictures, self._album.pairs
        key = sha256(question.encode() + pictures[earlier].sha256 + pictures[new].sha256).digest()
        known = pairs.value_of(key)
        if known is not None:
            fields = json.loads(known)
            return None if fields is None else PairVerdict(**fields)
        found = judge()
        pairs.remember(key, json.dumps(None if found is None else asdict(found)).encode())
        return found


def judged(album: Album, judge: Judge, *, radius: int, progress: Progress) -> Verdicts:
    """Judge all pairs that are near by hash or by shared corners; progress is counted in pictures."""
    verdicts: Verdicts = {}
    for earlier, new in _near_pairs(album.pictures, radius, progress):
        verdict = judge.near(earlier, new)
        if verdict is not None:
            verdicts[earlier, new] = verdict
    for earlier, new, mirrored in _voted_pairs(album):
        progress("comparing by corners", new + 1, len(album.pictures))
        if (earlier, new) not in verdicts:
            verdict = judge.voted(earlier, new, mirrored=mirrored)
            if verdict is not None:
                verdicts[earlier, new] = verdict
    return verdicts


def look_again(verdicts: Verdicts, judge: Judge, traits: dict[int, Traits]) -> None:
    """Give pairs of other hues, which may differ in grey alone, a second look."""
    for (earlier, new), verdict in verdicts.items():
        known = earlier in traits and new in traits
        if known and verdict.verdict == SAME_SCENE and traits[earlier].hue_differs(traits[new]):
            verdicts[earlier, new] = judge.in_peaks(earlier, new, verdict)


def _near_pairs(pictures: Sequence[Picture], radius: int, progress: Progress) -> Iterator[tuple[int, int]]:
    """Yield candidates by hash, the earlier one first."""
    index = HashIndex()
    for new, picture in enumerate(pictures):
        progress("comparing by hash", new + 1, len(pictures))
        if not picture.comparable:
            continue
        for near in index.near(picture.turns, picture.trimmed_turns, radius):
            yield near.id, new
        trimmed = None if picture.trimmed_turns is None else picture.trimmed_turns[0]
        index.add(new, picture.turns[0], trimmed)


def _voted_pairs(album: Album) -> Iterator[tuple[int, int, bool]]:
    """Yield candidates by shared corners, the earlier one first, and whether the mirror image won."""
    positions, plain, mirrored = [], [], []
    for position, picture in enumerate(album.pictures):
        keys = album.look(picture.sha256).keys if picture.comparable else None
        if keys is not None:
            positions.append(position)
            plain.append(keys[0])
            mirrored.append(keys[1])
    for one in candidates(plain, mirrored):
        yield positions[one.earlier], positions[one.new], one.mirrored
