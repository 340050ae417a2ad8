"""Which pictures of an album are near each other, and what each near pair is."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict
from functools import lru_cache
from hashlib import sha256

from .album import Album, Progress
from .colours import Colour, Traits
from .in_colour import colours_may_tell, compare_in_colour
from .verify import SAME_SCENE, PairVerdict, Sighting, compare, compare_voted
from .voting import candidates

REMEMBERED = 256

Verdicts = dict[tuple[int, int], PairVerdict]
"""(earlier, new) -> verdict, by position in the album; earlier < new."""


class Judge:
    """Judges pairs of an album by their previews; only so many previews are in memory at once."""

    def __init__(self, album: Album, *, radius: int, fast: bool) -> None:
        self._album, self._radius, self._fast = album, radius, fast
        self._sighting: Callable[[int], Sighting] = lru_cache(maxsize=REMEMBERED)(album.sighting)
        self._colours: Callable[[int], Colour] = lru_cache(maxsize=REMEMBERED // 8)(album.colours)

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

    def in_colour(self, earlier: int, new: int, verdict: PairVerdict) -> PairVerdict:
        """Look again, in colour, at a pair that grey pictures do not prove."""

        def judge() -> PairVerdict | None:
            sightings = self._sighting(new), self._sighting(earlier)
            colours = self._colours(new), self._colours(earlier)
            return compare_in_colour(*sightings, colours, verdict, radius=self._radius)

        return self._kept(f"colour {self._radius}", earlier, new, judge) or verdict

    def _kept(
        self, question: str, earlier: int, new: int, judge: Callable[[], PairVerdict | None]
    ) -> PairVerdict | None:
        """Return what was found of two pictures in this or an earlier run; only what is new is judged."""
        pairs, digests = self._album.pairs, (self._album.pictures.at(one).sha256 for one in (earlier, new))
        key = sha256(question.encode() + b"".join(digests)).digest()
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
    for earlier, new in _near_pairs(album, radius, progress):
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


def looked_at_again(
    pair: tuple[int, int], verdict: PairVerdict, judge: Judge, traits: Mapping[int, Traits]
) -> PairVerdict:
    """Judge a pair of coloured pictures in colour if they may differ in grey alone."""
    if not all(one in traits for one in pair) or not colours_may_tell(verdict, *(traits[one].hues for one in pair)):
        return verdict
    return judge.in_colour(*pair, verdict)


def _near_pairs(album: Album, radius: int, progress: Progress) -> Iterator[tuple[int, int]]:
    """Yield candidates by hash, the earlier one first."""
    for new, near in album.hashes.near(radius):
        progress("comparing by hash", new + 1, len(album.pictures))
        for earlier in near:
            yield earlier, new


def _voted_pairs(album: Album) -> Iterator[tuple[int, int, bool]]:
    """Yield candidates by shared corners, the earlier one first, and whether the mirror image won."""
    for one in candidates(album.corners):
        yield album.cornered[one.earlier], album.cornered[one.new], one.mirrored
