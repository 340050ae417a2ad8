"""What a platform tells of pages, read before anything is stored: which are new, what has changed, what is wrong."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from crowd.bulk import json_text
from crowd.errors import BadAnswer
from crowd.models import Assignment, Batch
from crowd.models.worker import digest_of
from crowd.platforms.base import RemoteAssignment
from crowd.services import control
from crowd.services.answers import check_payload, inside_the_picture

State = Assignment.State
HANDED_IN = frozenset({State.SUBMITTED, State.ACCEPTED, State.REJECTED})
GIVEN_BACK = frozenset({State.SKIPPED, State.EXPIRED})
LONGEST_ID, LONGEST_REF = 200, 2000
PROGRESS = {name: place for place, name in enumerate(State.values)}


def _later(state: str) -> frozenset[str]:
    following = Assignment.TRANSITIONS[state]
    return following.union(*map(_later, following))


LATER: Mapping[str, frozenset[str]] = {state: _later(state) for state in State.values}


@dataclass(frozen=True, slots=True)
class Known:
    """A page of ours that the platform tells of again."""

    pk: int
    ext_id: str
    state: str
    platform_state: str
    has_answers: bool
    worker_ext_id: str


@dataclass(frozen=True, slots=True)
class TaskKnown:
    pk: int
    known_answer: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class ReadAnswer:
    task_id: int
    seq: int
    payload: str | None  # JSON; None = not answered yet
    control_ok: bool | None
    file_ref: str


@dataclass(slots=True)
class ReadPage:
    """A page as it will be stored. `fault`: why its worker is not paid for it, in a sentence for him."""

    told: RemoteAssignment
    digest: bytes
    known: Known | None = None
    worker_id: int = 0
    pk: int = 0
    answers: list[ReadAnswer] = field(default_factory=list)
    fault: str = ""
    is_stray: bool = False  # hosted: the platform has it and our own page no work; nobody accepts it

    @property
    def is_in(self) -> bool:
        return self.told.state in HANDED_IN

    @property
    def awaits_files(self) -> bool:
        return self.is_stray or (any(answer.file_ref for answer in self.answers) and not self.fault)


@dataclass(slots=True)
class Sorted:
    """The pages of one pull by what has to be done about them."""

    new: list[ReadPage] = field(default_factory=list)
    handed_in: list[ReadPage] = field(default_factory=list)
    given_back: list[ReadPage] = field(default_factory=list)
    judged: list[ReadPage] = field(default_factory=list)  # by the platform or there; handed in here long ago
    noted: list[ReadPage] = field(default_factory=list)  # the platform says something new that changes nothing here
    confirmed: list[ReadPage] = field(default_factory=list)  # hosted: our own page has them, and now the platform, too
    strays: list[ReadPage] = field(default_factory=list)  # hosted: the platform has them, our own page has no work
    withdrawn: list[ReadPage] = field(default_factory=list)  # hosted: our own page has them, the platform will not
    early: list[ReadPage] = field(default_factory=list)  # in work there and not stored: told again when handed in
    refused: list[str] = field(default_factory=list)

    @property
    def moved(self) -> list[ReadPage]:
        return [*self.handed_in, *self.given_back, *self.judged]

    @property
    def apart(self) -> list[ReadPage]:
        return [*self.confirmed, *self.strays, *self.withdrawn]

    @property
    def with_answers(self) -> list[ReadPage]:
        return [*self.new, *self.handed_in]


def distinct(pages: Iterable[RemoteAssignment]) -> tuple[dict[bytes, ReadPage], int, list[str]]:
    """Return each page once, as far as it has come; how many were told again; and what cannot be read."""
    found: dict[bytes, ReadPage] = {}
    repeated, refused = 0, []
    for page in pages:
        if page.state not in PROGRESS:
            refused.append(f"Page {page.ext_id}: {page.state!r} is not a known state.")
        elif not (0 < len(page.ext_id) <= LONGEST_ID and 0 < len(page.worker_ext_id) <= LONGEST_ID):
            refused.append(f"Page {page.ext_id[:50]!r}: the ids of page and worker need 1 to {LONGEST_ID} characters.")
        else:
            digest = digest_of(page.ext_id)
            before = found.get(digest)
            repeated += before is not None
            if before is None or PROGRESS[before.told.state] <= PROGRESS[page.state]:
                found[digest] = ReadPage(page, digest)
    return found, repeated, refused


def sort(
    pages: Mapping[bytes, ReadPage], known: Mapping[bytes, Known], *, hosted: Callable[[ReadPage, Sorted], bool] | None
) -> Sorted:
    """Tell new pages from known ones, and changes that may be from changes that may not.

    `hosted` takes out first what is special to pages of our own; None = the platform gives out its own pages.
    """
    result = Sorted()
    for digest, page in pages.items():
        page.known = known.get(digest)
        if page.known is not None:
            page.pk = page.known.pk
            if hosted is None or not hosted(page, result):
                _sort_known(page, page.known, result)
        elif page.is_in or hosted is None:  # a hosted page begins with us: what has not come here yet is nobody's
            result.new.append(page)
        else:
            result.early.append(page)
    return result


def _sort_known(page: ReadPage, known: Known, result: Sorted) -> None:
    told = page.told.state
    if told == known.platform_state:
        return
    if told in LATER[known.state]:
        _sort_change(page, known, result)
        return
    result.noted.append(page)
    overruled = known.state == State.ACCEPTED and told == State.REJECTED
    if overruled or (told != known.state and known.state not in LATER[told]):
        result.refused.append(f"Page {page.told.ext_id} is {known.state} here and cannot become {told}.")


def _sort_change(page: ReadPage, known: Known, result: Sorted) -> None:
    if page.told.state in GIVEN_BACK:
        result.given_back.append(page)
    elif known.state == State.ACTIVE:
        result.handed_in.append(page)
    else:
        result.judged.append(page)


def read_answers(
    page: ReadPage, *, batch: Batch, tasks: Mapping[str, TaskKnown], taken: set[tuple[int, int]]
) -> list[str]:
    """Fill in the answers of a page, and return in sentences which of them are not taken."""
    refused = []
    for seq, (key, payload) in enumerate(page.told.answers.items()):
        task = tasks.get(key)
        if task is None:
            refused.append(f"Page {page.told.ext_id}: the batch has no task {key!r}.")
        elif (task.pk, page.worker_id) in taken:
            refused.append(f"Page {page.told.ext_id}: its worker has answered the task {key!r} twice.")
        else:
            taken.add((task.pk, page.worker_id))
            page.answers.append(_read(page, seq, task, inside_the_picture(payload), batch=batch, key=key))
    return refused


def _read(page: ReadPage, seq: int, task: TaskKnown, payload: Any, *, batch: Batch, key: str) -> ReadAnswer:
    if not page.is_in:
        return ReadAnswer(task.pk, seq, None, None, "")
    file_ref = _file_ref(page, payload)
    if batch.kind == Batch.Kind.MAIN and not file_ref and not page.fault:
        page.fault = _fault_of(batch, payload)
    return ReadAnswer(task.pk, seq, json_text(payload), _control_ok(page, task, payload, key), file_ref)


def _file_ref(page: ReadPage, payload: Any) -> str:
    """Return what the file of a photo is fetched by; nothing is fetched for a page that is rejected already."""
    ref = payload.get("file_ref") if isinstance(payload, Mapping) else None
    if not isinstance(ref, str) or not ref or page.told.state == State.REJECTED:
        return ""
    if len(ref) > LONGEST_REF:
        page.fault = f"The address of the file is longer than {LONGEST_REF} characters."
        return ""
    return ref


def _fault_of(batch: Batch, payload: Any) -> str:
    try:
        check_payload(interface=batch.interface, spec=batch.spec, payload=payload)
    except BadAnswer as error:
        return str(error)
    return ""


def _control_ok(page: ReadPage, task: TaskKnown, payload: Any, key: str) -> bool | None:
    """Judge by the first answer: in a training the last one was given after the hint."""
    if task.known_answer is None:
        return None
    first = page.told.first_answers.get(key, payload)
    return isinstance(first, Mapping) and control.is_right(known=task.known_answer, payload=first)


def keys_of(pages: Sequence[ReadPage]) -> list[str]:
    return list({key for page in pages for key in page.told.answers})
