"""Find near-duplicates, template copies, blurred, small and broken pictures among files; no database."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache

from . import quality
from .clusters import Cluster, Tie, by_strength, cluster
from .decode import Analysis, analyse
from .hashes import Turns
from .limits import Unreadable
from .neighbours import HashIndex
from .pixels import inverse
from .preview import Preview
from .report import Blurred, Broken, FoundTemplate, Group, Member, Report, Small
from .templates import TemplateCopy, TemplateFeatures, best_template
from .verify import RADIUS, SAME_FILE, SAME_SCENE, PairVerdict, Sighting, compare, compare_voted
from .voting import Keys, VoteIndex, keys_of

REMEMBERED_PREVIEWS = 512

Read = Callable[[], bytes]
Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Search:
    """How to look: candidate radius in bits, smallest sides, and whether to leave the slower proofs out."""

    radius: int = RADIUS
    min_long: int = 1920
    min_short: int = 1080
    fast: bool = False


@dataclass(frozen=True, eq=False, slots=True)
class _Picture:
    """What is kept of one different picture (some 30 KB) and the names of all files that hold its bytes."""

    files: list[str]
    sha256: bytes
    turns: Turns
    trimmed_turns: Turns | None
    low_information: bool
    preview_jpeg: bytes
    width: int
    height: int
    sharpness: float
    keys: tuple[Keys, Keys] | None
    template: tuple[str, TemplateCopy] | None

    @property
    def comparable(self) -> bool:
        return self.template is None and not self.low_information

    def restored(self) -> Sighting:
        trimmed = None if self.trimmed_turns is None else self.trimmed_turns[0]
        preview = Preview.from_bytes(self.preview_jpeg)
        return Sighting(self.sha256, self.turns[0], trimmed, self.low_information, preview)


@dataclass(slots=True)
class _Album:
    """The different pictures read so far, in order of their first file, and the files that could not be read."""

    pictures: list[_Picture] = field(default_factory=list)
    by_digest: dict[bytes, _Picture] = field(default_factory=dict)
    broken: list[Broken] = field(default_factory=list)


_Verdicts = dict[tuple[int, int], PairVerdict]
"""(earlier, new) -> verdict, by position in the album; earlier < new."""


def find_duplicates(
    files: Sequence[tuple[str, Read]],
    *,
    templates: Mapping[str, TemplateFeatures] | None = None,
    search: Search = Search(),
    progress: Progress = lambda _done, _of: None,
) -> Report:
    """Look at all files (a name and a way to read it) and report groups, template copies and poor pictures.

    Near hashes and shared corners only make candidates; each tie is proven on pixels (see `verify.compare`).
    """
    album = _Album()
    for done, (name, read) in enumerate(sorted(files, key=lambda item: item[0]), start=1):
        _take(album, name, read, templates or {}, search)
        progress(done, len(files))
    verdicts = _judged(album.pictures, search)
    return Report(
        clusters=tuple(_groups(album.pictures, verdicts)),
        template_copies=tuple(sorted(_template_copies(album.pictures), key=lambda one: one.file)),
        low_resolution=tuple(sorted(_small(album.pictures, search), key=lambda one: one.file)),
        blurred=tuple(sorted(_blurred(album.pictures), key=lambda one: one.file)),
        unreadable=tuple(album.broken),
        images=len(files),
    )


def _take(album: _Album, name: str, read: Read, templates: Mapping[str, TemplateFeatures], search: Search) -> None:
    try:
        data = read()
        twin = album.by_digest.get(hashlib.sha256(data).digest())
        if twin is not None:
            twin.files.append(name)
            return
        picture = _picture(name, analyse(data, compat=False), templates, fast=search.fast)
    except Unreadable as refusal:
        album.broken.append(Broken(name, refusal.sentence))
    except OSError as error:
        album.broken.append(Broken(name, f"the file cannot be read: {error.strerror}"))
    else:
        album.pictures.append(picture)
        album.by_digest[picture.sha256] = picture


def _picture(name: str, seen: Analysis, templates: Mapping[str, TemplateFeatures], *, fast: bool) -> _Picture:
    template = best_template(seen, templates.items())
    votes = template is None and not fast and not seen.low_information
    return _Picture(
        files=[name],
        sha256=seen.sha256,
        turns=seen.preview.turns,
        trimmed_turns=seen.preview.trimmed_turns,
        low_information=seen.low_information,
        preview_jpeg=seen.preview.to_jpeg(),
        width=seen.width,
        height=seen.height,
        sharpness=seen.sharpness,
        keys=(keys_of(seen.preview.features), keys_of(seen.preview.mirrored_features)) if votes else None,
        template=template,
    )


def _judged(pictures: Sequence[_Picture], search: Search) -> _Verdicts:
    @lru_cache(maxsize=REMEMBERED_PREVIEWS)
    def sighting(position: int) -> Sighting:
        return pictures[position].restored()

    verdicts: _Verdicts = {}
    for earlier, new in _near_pairs(pictures, search.radius):
        verdict = compare(sighting(new), sighting(earlier), radius=search.radius, registered=not search.fast)
        if verdict is not None:
            verdicts[earlier, new] = verdict
    for earlier, new, mirrored in _voted_pairs(pictures):
        if (earlier, new) not in verdicts:
            verdict = compare_voted(sighting(new), sighting(earlier), mirrored=mirrored)
            if verdict is not None:
                verdicts[earlier, new] = verdict
    return verdicts


def _near_pairs(pictures: Sequence[_Picture], radius: int) -> Iterator[tuple[int, int]]:
    """Yield candidates by hash, the earlier one first."""
    index = HashIndex()
    for new, picture in enumerate(pictures):
        if not picture.comparable:
            continue
        for near in index.near(picture.turns, picture.trimmed_turns, radius):
            yield near.id, new
        trimmed = None if picture.trimmed_turns is None else picture.trimmed_turns[0]
        index.add(new, picture.turns[0], trimmed)


def _voted_pairs(pictures: Sequence[_Picture]) -> Iterator[tuple[int, int, bool]]:
    """Yield candidates by shared corners, the earlier one first, and whether the mirror image won."""
    index = VoteIndex()
    for position, picture in enumerate(pictures):
        if picture.keys is not None:
            index.add(position, picture.keys[0])
    for new, picture in enumerate(pictures):
        if picture.keys is not None:
            for candidate in index.candidates(*picture.keys):
                if candidate.id < new:
                    yield candidate.id, new, candidate.mirrored


def _groups(pictures: Sequence[_Picture], verdicts: _Verdicts) -> Iterator[Group]:
    ties = [
        Tie(earlier, new, verdict.verdict != SAME_SCENE, verdict.block_difference)
        for (earlier, new), verdict in verdicts.items()
    ]
    keys = [position for position, picture in enumerate(pictures) if picture.template is None]
    order = by_strength(keys, ties, {key: pictures[key].width * pictures[key].height for key in keys})
    groups = [_group(one, pictures, verdicts) for one in cluster(order, ties)]
    yield from sorted((group for group in groups if group.members), key=lambda group: group.representative)


def _group(found: Cluster[int], pictures: Sequence[_Picture], verdicts: _Verdicts) -> Group:
    representative, *twins = pictures[found.leader].files
    members = [Member(twin, SAME_FILE, 0, "none") for twin in twins]
    for position in found.members:
        judged = _member(found.leader, position, verdicts)
        members += [Member(name, *judged) for name in pictures[position].files]
    for position in found.scenes:
        members.append(Member(pictures[position].files[0], *_member(found.leader, position, verdicts)))
    return Group(representative, tuple(sorted(members, key=lambda member: member.file)))


def _member(leader: int, member: int, verdicts: _Verdicts) -> tuple[str, int, str]:
    """Return verdict, distance and the turn from leader to member, whichever of them came first."""
    if leader < member:
        found = verdicts[leader, member]
        return found.verdict, found.distance, found.orientation
    found = verdicts[member, leader]
    return found.verdict, found.distance, inverse(found.orientation)


def _template_copies(pictures: Sequence[_Picture]) -> Iterator[FoundTemplate]:
    for picture in pictures:
        if picture.template is not None:
            template, copy = picture.template
            for name in picture.files:
                yield FoundTemplate(name, template, copy.transform, copy.level, copy.inliers)


def _small(pictures: Sequence[_Picture], search: Search) -> Iterator[Small]:
    for picture in pictures:
        if quality.is_low_resolution(picture.width, picture.height, search.min_long, search.min_short):
            for name in picture.files:
                yield Small(name, picture.width, picture.height)


def _blurred(pictures: Sequence[_Picture]) -> Iterator[Blurred]:
    threshold = quality.folder_threshold([picture.sharpness for picture in pictures])
    for picture in pictures:
        if picture.sharpness < threshold:
            for name in picture.files:
                yield Blurred(name, round(picture.sharpness, 2))
