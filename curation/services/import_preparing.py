"""The first half of an import: lines are checked, pictures measured and stored; nothing is in the project yet."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import connection

from curation.datasets.formats.reading.base import BadEntry, Entry, LabelledPicture, NamedBox
from curation.intake.found import read_limited
from curation.intake.listing import MAX_KEY, file_of
from curation.models import LabelClass, Project, Stage
from curation.preprocessing.copies import Measured, measured
from curation.preprocessing.decode import Analysis, analyse
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.pool import shared_pool
from curation.services import previews
from curation.services.import_spool import Prepared, Spool
from curation.services.imported_boxes import OutsideThePicture, fractions
from curation.services.ingest import ENTRY_KIND, RefusedFile, store_original

LINES_AT_ONCE = 500
BYTES_AT_ONCE = 32 << 20
BY_KEY = "SELECT client_key, id, width, height FROM curation_asset WHERE project_id = %s AND client_key = ANY(%s)"
BY_DIGEST = """
    SELECT encode(sha256, 'hex'), id, width, height FROM curation_asset
    WHERE project_id = %s AND sha256 = ANY(%s) AND answer_id IS NULL AND parent_id IS NULL
"""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which classes of the file are taken (none = all of them), and what they are called here."""

    classes: frozenset[str] = frozenset()
    names: Mapping[str, str] = field(default_factory=dict)

    def takes(self, name: str) -> bool:
        return not self.classes or name in self.classes


@dataclass(frozen=True, slots=True)
class Choice:
    """What is wanted, the class of every name, the licence of pictures without one, where one lies and may stay."""

    wanted: Wanted
    classes: Mapping[str, LabelClass]
    licence: str = ""
    address_of: Callable[[Path], str] | None = None


class _Refused(Exception):
    def __init__(self, reason: str, sentence: str) -> None:
        super().__init__(sentence)
        self.reason, self.sentence = reason, sentence


class _Known(NamedTuple):
    """An asset that is there already."""

    pk: int
    width: int | None
    height: int | None


@dataclass(slots=True)
class _Candidate:
    """A line with its boxes, and the asset that its address or its bytes are known as."""

    file: Path
    line: LabelledPicture
    boxes: list[dict[str, Any]] | None
    key: str | None
    known: _Known | None = None
    path: Path | None = None
    data: bytes = b""
    digest: str = ""
    kept_at: str = ""

    def read(self, address_of: Callable[[Path], str] | None) -> None:
        """Read the picture where there is one beside the document. Raises Unreadable."""
        self.path = self.line.path or file_of(self.file, self.line.source)
        if self.path is not None:
            self.data = read_limited(self.path)
            self.digest = sha256(self.data).hexdigest()
            self.kept_at = address_of(self.path) if address_of else ""


class Preparing:
    """Lines on their way in, so many at once."""

    def __init__(
        self, project: Project, stage: Stage, choice: Choice, spool: Spool, prepared: Callable[[], None] | None = None
    ) -> None:
        self._project, self._stage, self._spool, self._prepared = project, stage, spool, prepared
        self._choice, self._classes = choice, choice.classes
        self._waiting: list[_Candidate] = []
        self._digest_of: dict[str, str] = {}  # of an address that stands in several lines
        self.read = self.left_out = 0
        self.refused: list[RefusedFile] = []

    def add(self, file: Path, line: Entry) -> None:
        """Take a line on; one that is wrong is named, and the rest goes on."""
        self.read += 1
        if isinstance(line, BadEntry):
            self._refuse(f"{file.name}:{line.number}", "bad_line", line.sentence)
            return
        if not self._concerns_us(line):
            self.left_out += 1
            return
        try:
            self._waiting.append(self._candidate(file, line))
        except Unreadable as refusal:
            self._refuse(line.source, refusal.reason_code, refusal.sentence)
        except _Refused as refusal:
            self._refuse(line.source, refusal.reason, refusal.sentence)
        if len(self._waiting) >= LINES_AT_ONCE:
            self.finish()

    def finish(self) -> None:
        """Measure and store what waits, and note the lines that can be taken."""
        waiting, self._waiting = self._waiting, []
        by_key = self._by_key(waiting)
        part: list[_Candidate] = []
        size = 0
        for one in waiting:
            one.known = by_key.get(one.key or "")
            try:
                if one.known is None:
                    one.read(self._choice.address_of)
            except Unreadable as refusal:
                self._refuse(one.line.source, refusal.reason_code, refusal.sentence)
                continue
            part.append(one)
            size += len(one.data)
            if size >= BYTES_AT_ONCE:
                self._take(part)
                part, size = [], 0
        self._take(part)

    def _take(self, part: Sequence[_Candidate]) -> None:
        by_digest = self._by_digest(part)
        for one in part:
            one.known = one.known or by_digest.get(one.digest)
        refused = self._prepare(part)
        for one in part:
            try:
                self._note(one, refused.get(one.digest))
            except Unreadable as refusal:
                self._refuse(one.line.source, refusal.reason_code, refusal.sentence)
            except _Refused as refusal:
                self._refuse(one.line.source, refusal.reason, refusal.sentence)

    def _refuse(self, name: str, reason: str, sentence: str) -> None:
        self.refused.append(RefusedFile(name, reason, sentence))

    def _concerns_us(self, line: LabelledPicture) -> bool:
        """A picture on which nothing was found belongs to any choice of classes; one with others' classes does not."""
        names = names_of(line)
        return not names or any(self._choice.wanted.takes(name) for name in names)

    def _candidate(self, file: Path, line: LabelledPicture) -> _Candidate:
        if line.boxes is None and line.picture_class is None:
            raise _Refused("no_labels", f"line {line.number} has neither boxes nor a class")
        if line.verdict is not None and line.verdict.verdict == "reject":
            raise _Refused("labels_rejected", f"the labels of line {line.number} were found bad by who verified them")
        return _Candidate(file, line, self._boxes(line), _key(line.source))

    def _boxes(self, line: LabelledPicture) -> list[dict[str, Any]] | None:
        """Return the boxes that are taken, before the picture is: a line is taken whole or not at all."""
        if line.boxes is None:
            return None
        try:
            return [fractions(box, line.boxes, self._classes[box.name].name) for box in self._kept(line)]
        except OutsideThePicture as error:
            raise _Refused("bad_line", f"line {line.number} is not taken: {error}") from None

    def _kept(self, line: LabelledPicture) -> list[NamedBox]:
        return [box for box in line.boxes.boxes if box.name in self._classes] if line.boxes else []

    def _by_key(self, candidates: Sequence[_Candidate]) -> dict[str, _Known]:
        return self._known(BY_KEY, [one.key for one in candidates if one.key])

    def _by_digest(self, candidates: Sequence[_Candidate]) -> dict[str, _Known]:
        return self._known(BY_DIGEST, [bytes.fromhex(one.digest) for one in candidates if one.digest])

    def _known(self, query: str, wanted: list[str] | list[bytes]) -> dict[str, _Known]:
        """Ask with one array: a thousand values of their own cost more than what is found."""
        if not wanted:
            return {}
        with connection.cursor() as cursor:
            cursor.execute(query, [self._project.pk, wanted])
            return {name: _Known(*told) for name, *told in cursor.fetchall()}

    def _prepare(self, candidates: Sequence[_Candidate]) -> dict[str, Unreadable]:
        """Measure and store each file that is new, once; return those that cannot be read."""
        fresh = {
            one.digest: one
            for one in candidates
            if one.digest and one.known is None and one.digest not in self._spool.prepared
        }
        work: Callable[[bytes], Analysis | Measured] = analyse if self._stage.kind == ENTRY_KIND else measured
        refused: dict[str, Unreadable] = {}
        seen = shared_pool().map(work, ((one.data,) for one in fresh.values()))
        for one, found in zip(fresh.values(), seen, strict=True):
            if isinstance(found, Unreadable):
                refused[one.digest] = found
            else:
                self._spool.keep(_stored(one, found))
        if fresh and self._prepared:
            self._prepared()
        return refused

    def _note(self, one: _Candidate, refused: Unreadable | None) -> None:
        known = one.known
        if known is None and one.path is None:
            raise _Refused("missing", "there is no such picture beside the document")
        if known is None and refused is not None:
            raise refused
        digest = self._digest_of.setdefault(one.key, one.digest) if one.key and known is None else one.digest
        size = (known.width, known.height) if known else self._spool.prepared[digest].size
        _require_size(size, one.line)
        self._spool.add_line(
            {
                "asset": known.pk if known else None,
                "sha256": digest,
                "file": one.file.name,
                "line": one.line.number,
                "source": one.line.source,
                "label": one.line.boxes.label if one.line.boxes else "",
                "name": one.path.name if one.path else "",
                "client_key": one.key,
                "label_class": self._class_of(one.line),
                "licence": _licence(one.line) or self._choice.licence,
                "boxes": one.boxes,
            }
        )

    def _class_of(self, line: LabelledPicture) -> int | None:
        """Return the class the line names, else the only one of its boxes that shows something."""
        if line.picture_class is not None:
            named = self._classes.get(line.picture_class.name)
            return named.pk if named else None
        drawn = {self._classes[box.name] for box in self._kept(line) if not self._classes[box.name].is_negative}
        return drawn.pop().pk if len(drawn) == 1 else None


def names_of(line: Entry) -> set[str]:
    if isinstance(line, BadEntry):
        return set()
    named = {box.name for box in line.boxes.boxes} if line.boxes else set()
    return named | ({line.picture_class.name} if line.picture_class else set())


def _stored(one: _Candidate, found: Analysis | Measured) -> Prepared:
    """Store a file that lies nowhere else, and its copies; interrupted, none of them is left."""
    analysis = found.analysis if isinstance(found, Measured) else found
    place = one.kept_at or store_original(ContentFile(one.data))
    told = Prepared(one.digest, len(one.data), place, analysis.width, analysis.height)
    if not isinstance(found, Measured):  # the checks measure everything themselves
        return told
    try:
        copies = previews.store_copies(found.copies)
    except BaseException:
        default_storage.delete(place)
        raise
    columns = {
        name: one.hex() if isinstance(one, bytes) else one for name, one in previews.columns_of(analysis).items()
    }
    return replace(told, measures=columns, copies=copies, camera=previews.camera_of(analysis))


def _key(source: str) -> str | None:
    """Return what an address in a bucket is known by; a path says nothing outside of its own data set."""
    return source[-MAX_KEY:] if "://" in source else None


def _licence(line: LabelledPicture) -> str:
    if line.licence:
        return line.licence
    own = line.extra.get("winnow")
    attributes = own.get("attributes") if isinstance(own, dict) else None
    for place in (line.extra, attributes if isinstance(attributes, dict) else {}):
        for name in ("licence", "license"):
            if isinstance(place.get(name), str):
                return str(place[name])
    return ""


def _require_size(size: tuple[int | None, int | None], line: LabelledPicture) -> None:
    """Boxes in pixels mean nothing on a picture of another size."""
    drawn = (line.boxes.width, line.boxes.height) if line.boxes and not line.boxes.is_relative else size
    if size != drawn:
        sentence = f"the picture is {size[0]}x{size[1]}, but its boxes were drawn on {drawn[0]}x{drawn[1]}"
        raise _Refused("other_size", sentence)
