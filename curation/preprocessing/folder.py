"""Find near-duplicates, template copies, blurred, small and broken pictures among files; no database."""

from __future__ import annotations

import sqlite3
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from . import quality, remembered
from .album import Album, Progress
from .blurriness import BLURRED
from .catalogue import Catalogue
from .clusters import Cluster, Tie, cluster
from .colours import Traits
from .findings import Findings
from .judging import Judge, Verdicts, judged, looked_at_again
from .pictures import Pictures
from .pixels import inverse
from .pool import Pool
from .report import Blurred, Broken, Finding, FoundTemplate, Group, Member, Report, Small
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
    files: Iterable[tuple[str, Path]],
    *,
    templates: Sequence[str] = (),
    search: Search = Search(),
    cache: Path | None = None,
    pool: Pool | None = None,
    progress: Progress = lambda _what, _done, _of: None,
) -> Report:
    """Look at all files (a name and where it lies) and report groups, template copies and poor pictures.

    See `looked_through`, which holds no finding in memory.
    """
    with looked_through(
        files, templates=templates, search=search, cache=cache, pool=pool, progress=progress
    ) as findings:
        return findings.report()


@contextmanager
def looked_through(
    files: Iterable[tuple[str, Path]],
    *,
    templates: Sequence[str] = (),
    search: Search = Search(),
    cache: Path | None = None,
    pool: Pool | None = None,
    progress: Progress = lambda _what, _done, _of: None,
) -> Iterator[Findings]:
    """Look at all files, in memory that does not grow with their number; the findings are read while this is open.

    Near hashes and shared corners only make candidates; each tie is proven on pixels (see `verify.compare`).
    What was looked at is kept in the folder `cache`, so that an interrupted run or one over more files goes on from
    there, and one over unchanged files only reads its findings; without one it lies in a temporary folder. `templates`
    are paths. Raises OSError where that folder cannot be used, with a sentence.
    """
    with ExitStack() as held:
        folder = cache or Path(held.enter_context(tempfile.TemporaryDirectory(prefix="winnow-")))
        folder.mkdir(parents=True, exist_ok=True)
        try:
            catalogue = held.enter_context(Catalogue(folder))
            catalogue.take(files)
            asked = remembered.question(catalogue, templates, asdict(search))
            known = None if asked is None else remembered.findings_on(asked, folder)
            if known is None:
                pool = pool or held.enter_context(Pool())
                album = held.enter_context(Album(folder, pool, catalogue, templates, search.fast))
                known = Findings.written(_found(album, search, progress), len(catalogue), folder)
                if asked is not None and not album.may_be_read_later:
                    remembered.remember(asked, known, folder)
        except sqlite3.Error as error:  # the disk is full, or another run holds the cache for too long
            raise OSError(f"what is known of the pictures cannot be kept in {folder}: {error}; try again") from error
        yield held.enter_context(known)


def _found(album: Album, search: Search, progress: Progress) -> Iterator[Finding]:
    album.read(progress)
    yield from _groups(album.pictures, *_related(album, search, progress))
    yield from _of_pictures(album.pictures, search)
    yield from (Broken(name, reason) for name, reason in album.files.refusals())


def _related(album: Album, search: Search, progress: Progress) -> tuple[Verdicts, list[int]]:
    """Return all verdicts, and the pictures with relatives in order of precedence: the least disguised ones first."""
    judge = Judge(album, radius=search.radius, fast=search.fast)
    verdicts = judged(album, judge, radius=search.radius, progress=progress)
    relatives = {position for pair in verdicts for position in pair}
    traits = album.traits(sorted(relatives), progress)
    if not search.fast:
        verdicts = {pair: looked_at_again(pair, one, judge, traits) for pair, one in verdicts.items()}
    first, later = [], []
    groups, wide = components(verdicts), album.pictures.are_mostly_wide()
    for done, group in enumerate(groups, start=1):
        likely = by_likelihood(group, album.pictures, traits, verdicts, wide=wide)
        if len(group) <= COMPLETED:
            _complete(likely[0], group, verdicts, judge, {} if search.fast else traits)
        progress("comparing with the best of each group", done, len(groups))
        first.append(likely[0])
        later += likely[1:]
    alone = relatives.union(album.pictures.sent_twice()).difference(first, later)
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


def _groups(pictures: Pictures, verdicts: Verdicts, order: Sequence[int]) -> Iterator[Group]:
    ties = [
        Tie(earlier, new, verdict.verdict != SAME_SCENE, verdict.block_difference)
        for (earlier, new), verdict in verdicts.items()
    ]
    groups = [_group(one, pictures, verdicts) for one in cluster(order, ties)]
    yield from sorted((group for group in groups if group.members), key=lambda group: group.representative)


def _group(found: Cluster[int], pictures: Pictures, verdicts: Verdicts) -> Group:
    representative, *twins = pictures.names_of(found.leader)
    members = [Member(twin, SAME_FILE, 0, "none") for twin in twins]
    for position in found.members:
        judged = _member(found.leader, position, verdicts)
        members += [Member(name, *judged) for name in pictures.names_of(position)]
    for position in found.scenes:
        members.append(Member(pictures.names_of(position)[0], *_member(found.leader, position, verdicts)))
    return Group(representative, tuple(sorted(members, key=lambda member: member.file)))


def _member(leader: int, member: int, verdicts: Verdicts) -> tuple[str, int, str]:
    """Return verdict, distance and the turn from leader to member, whichever of them came first."""
    if leader < member:
        found = verdicts[leader, member]
        return found.verdict, found.distance, found.orientation
    found = verdicts[member, leader]
    return found.verdict, found.distance, inverse(found.orientation)


def _of_pictures(pictures: Pictures, search: Search) -> Iterator[FoundTemplate | Small | Blurred]:
    """Yield what is to be said of each picture alone."""
    sharpnesses = pictures.sharpnesses()
    threshold, usual = quality.folder_threshold(sharpnesses), float(np.median(sharpnesses or [0.0]))
    for name, picture in pictures.by_name():
        if picture.template is not None:
            template, copy = picture.template
            yield FoundTemplate(name, template, copy.transform, copy.level, copy.inliers)
        if quality.is_low_resolution(picture.width, picture.height, search.min_long, search.min_short):
            yield Small(name, picture.width, picture.height)
        unfocused = picture.detail < BLURRED and picture.sharpness < usual and not picture.low_information
        if picture.sharpness < threshold or unfocused:
            yield Blurred(name, round(picture.sharpness, 2))
