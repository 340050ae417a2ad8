"""Find near-duplicates, template copies, blurred, small and broken pictures among files; no database."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median

from . import quality, remembered
from .album import Album, Picture, Progress
from .blurriness import BLURRED
from .clusters import Cluster, Tie, cluster
from .colours import Traits
from .judging import Judge, Verdicts, judged, looked_at_again
from .pixels import inverse
from .pool import Pool
from .report import Blurred, FoundTemplate, Group, Member, Report, Small
from .representatives import by_likelihood, components
from .verify import RADIUS, SAME_FILE, SAME_SCENE

COMPLETED = 200
"""A photo with more copies than this is represented as the pairs found say, without judging those left out."""


@dataclass(frozen=True, slots=True)
class Search:
    """How to look: candidate radius in bits, smallest sides, and whether to leave the slower proofs out."""

    radius: int = RADIUS
    min_long: int = 1920
    min_short: int = 1080
    fast: bool = False


def find_duplicates(
    files: Sequence[tuple[str, Path]],
    *,
    templates: Sequence[str] = (),
    search: Search = Search(),
    cache: Path | None = None,
    pool: Pool | None = None,
    progress: Progress = lambda _what, _done, _of: None,
) -> Report:
    """Look at all files (a name and where it lies) and report groups, template copies and poor pictures.

    Near hashes and shared corners only make candidates; each tie is proven on pixels (see `verify.compare`).
    What was looked at is kept in the folder `cache`, so that an interrupted run or one over more files goes on from
    there, and one over unchanged files only reads its report; without one it lies in a temporary folder. `templates`
    are paths.
    """
    with ExitStack() as held:
        folder = cache or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="winnow-")))
        kept = held.enter_context(remembered.reports(folder))
        asked = remembered.question(files, templates, asdict(search))
        known = None if asked is None else remembered.report_on(asked, kept)
        if known is not None:
            return known
        album = held.enter_context(Album(folder, pool or held.enter_context(Pool()), templates, search.fast))
        report = _report(album, files, search, progress)
        if asked is not None and not album.may_be_read_later:
            remembered.remember(asked, report, kept)
        return report


def _report(album: Album, files: Sequence[tuple[str, Path]], search: Search, progress: Progress) -> Report:
    album.read(sorted(files), progress)
    verdicts, order = _related(album, search, progress)
    pictures = album.pictures
    return Report(
        clusters=tuple(_groups(pictures, verdicts, order)),
        template_copies=tuple(sorted(_template_copies(pictures), key=lambda one: one.file)),
        low_resolution=tuple(sorted(_small(pictures, search), key=lambda one: one.file)),
        blurred=tuple(sorted(_blurred(pictures), key=lambda one: one.file)),
        unreadable=tuple(album.broken),
        images=len(files),
    )


def _related(album: Album, search: Search, progress: Progress) -> tuple[Verdicts, list[int]]:
    """Return all verdicts and the pictures in order of precedence: the least disguised of each photo first."""
    judge = Judge(album, radius=search.radius, fast=search.fast)
    verdicts = judged(album, judge, radius=search.radius, progress=progress)
    traits = album.traits(sorted({position for pair in verdicts for position in pair}), progress)
    if not search.fast:
        verdicts = {pair: looked_at_again(pair, one, judge, traits) for pair, one in verdicts.items()}
    first, later = [], []
    groups = components(verdicts)
    for done, group in enumerate(groups, start=1):
        likely = by_likelihood(group, album.pictures, traits, verdicts)
        if len(group) <= COMPLETED:
            _complete(likely[0], group, verdicts, judge, {} if search.fast else traits)
        progress("comparing with the best of each group", done, len(groups))
        first.append(likely[0])
        later += likely[1:]
    alone = set(range(len(album.pictures))).difference(first, later)
    return verdicts, [*first, *later, *sorted(alone)]


def _complete(
    leader: int, group: Sequence[int], verdicts: Verdicts, judge: Judge, traits: Mapping[int, Traits]
) -> None:
    """Judge the representative against those of its photo that no hash and no votes brought to it."""
    for key in group:
        pair = min(leader, key), max(leader, key)
        if key != leader and pair not in verdicts:
            found = judge.any_way(*pair)
            if found is not None:
                verdicts[pair] = looked_at_again(pair, found, judge, traits)


def _groups(pictures: Sequence[Picture], verdicts: Verdicts, order: Sequence[int]) -> Iterator[Group]:
    ties = [
        Tie(earlier, new, verdict.verdict != SAME_SCENE, verdict.block_difference)
        for (earlier, new), verdict in verdicts.items()
    ]
    keys = [position for position in order if pictures[position].template is None]
    groups = [_group(one, pictures, verdicts) for one in cluster(keys, ties)]
    yield from sorted((group for group in groups if group.members), key=lambda group: group.representative)


def _group(found: Cluster[int], pictures: Sequence[Picture], verdicts: Verdicts) -> Group:
    representative, *twins = pictures[found.leader].files
    members = [Member(twin, SAME_FILE, 0, "none") for twin in twins]
    for position in found.members:
        judged = _member(found.leader, position, verdicts)
        members += [Member(name, *judged) for name in pictures[position].files]
    for position in found.scenes:
        members.append(Member(pictures[position].files[0], *_member(found.leader, position, verdicts)))
    return Group(representative, tuple(sorted(members, key=lambda member: member.file)))


def _member(leader: int, member: int, verdicts: Verdicts) -> tuple[str, int, str]:
    """Return verdict, distance and the turn from leader to member, whichever of them came first."""
    if leader < member:
        found = verdicts[leader, member]
        return found.verdict, found.distance, found.orientation
    found = verdicts[member, leader]
    return found.verdict, found.distance, inverse(found.orientation)


def _template_copies(pictures: Sequence[Picture]) -> Iterator[FoundTemplate]:
    for picture in pictures:
        if picture.template is not None:
            template, copy = picture.template
            for name in picture.files:
                yield FoundTemplate(name, template, copy.transform, copy.level, copy.inliers)


def _small(pictures: Sequence[Picture], search: Search) -> Iterator[Small]:
    for picture in pictures:
        if quality.is_low_resolution(picture.width, picture.height, search.min_long, search.min_short):
            for name in picture.files:
                yield Small(name, picture.width, picture.height)


def _blurred(pictures: Sequence[Picture]) -> Iterator[Blurred]:
    sharpnesses = [picture.sharpness for picture in pictures]
    threshold, usual = quality.folder_threshold(sharpnesses), median(sharpnesses or [0.0])
    for picture in pictures:
        unfocused = picture.detail < BLURRED and picture.sharpness < usual and not picture.low_information
        if picture.sharpness < threshold or unfocused:
            for name in picture.files:
                yield Blurred(name, round(picture.sharpness, 2))
