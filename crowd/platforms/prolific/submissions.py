"""Submissions: one for each page a worker takes. https://docs.prolific.com/api-reference/submissions

The address under which a worker comes to us only claims an id: what counts is what the platform says of it.
"""

from datetime import UTC, datetime
from typing import Any

from crowd.errors import Invalid, NotFound, StateConflict
from crowd.models import Assignment
from crowd.platforms.base import Pull, RemoteAssignment, RemoteBooks
from crowd.platforms.prolific import studies
from crowd.platforms.prolific.amounts import micro_of_cents
from crowd.platforms.prolific.client import Client, Json

State = Assignment.State
STATES = {
    "RESERVED": State.ACTIVE,
    "ACTIVE": State.ACTIVE,
    "TIMED OUT": State.EXPIRED,
    "AWAITING REVIEW": State.SUBMITTED,
    "APPROVED": State.ACCEPTED,
    "PARTIALLY APPROVED": State.ACCEPTED,
    "REJECTED": State.REJECTED,
    "RETURNED": State.SKIPPED,
    "SCREENED OUT": State.SKIPPED,
}
JUDGED = frozenset({State.ACCEPTED, State.REJECTED})
DAYS = ("%d/%m/%Y %H:%M:%S", "%d/%m/%Y %H:%M", "%d/%m/%Y")
PAGE, END = "page ", "from the start"  # there is no list by time: each round looks at all of a study

LEAST_WORDS = 100
CATEGORIES = (  # the first whose word stands in the reason
    ("TOO_QUICKLY", ("fast", "quick", "seconds a task", "speed")),
    ("FAILED_CHECK", ("known answer", "control", "attention")),
    ("NO_DATA", ("before it was finished", "missing", "no file", "nothing came", "empty")),
    ("LOW_EFFORT", ("same photo", "copied", "example", "duplicate", "random", "generated")),
    ("UNSUPP_DEVICE", ("device", "browser")),
    ("FAILED_INSTRUCTIONS", ("instruction", "blur", "dark", "cut off", "class", "sign", "label", "box", "answer")),
)
STANDARD = (
    "The study's instructions say what an answer has to show, and this one did not meet them. "
    "If you think that this is a mistake, please write to us through Prolific and we will look at it again."
)


def state_of(row: Json) -> str:
    """Return our word for a submission's state; one we do not know yet pays nobody and ends nothing."""
    return STATES.get(studies.normal(row.get("status")), State.ACTIVE)


def moment(value: Any) -> datetime | None:
    """Read a date as Prolific writes it: ISO 8601, or day/month/year; without a zone it is UTC."""
    text = str(value or "").strip()
    if not text:
        return None
    for form in DAYS:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC)
        except ValueError:
            continue
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise Invalid({"date": f"{text[:40]!r} is not a date of Prolific"}) from None
    return found.astimezone(UTC) if found.tzinfo else found.replace(tzinfo=UTC)


def read(client: Client, ext_id: str) -> Json:
    """Return one submission, and only a submission."""
    row: Json = client.get("submissions", ext_id)
    if row.get("id") != ext_id:
        raise NotFound(f"Prolific has no submission {ext_id!r}.")
    return row


def person_of(row: Json) -> str:
    """Return the participant: his key is spelled in two ways."""
    return str(row.get("participant_id") or row.get("participant") or "")


def as_page(row: Json, reward: int) -> RemoteAssignment:
    state, ended = state_of(row), moment(row.get("completed_at"))
    return RemoteAssignment(
        ext_id=str(row["id"]),
        worker_ext_id=person_of(row),
        state=state,
        price_micro=micro_of_cents(row.get("reward") or reward),
        submitted_at=ended if state == State.SUBMITTED or state in JUDGED else None,
        answers={},
        issued_at=moment(row.get("started_at")),
    )


def pull(client: Client, study_id: str, watermark: str) -> Pull:
    """Return one page of a study's submissions; the last one sends the next round to the start."""
    number = _page_number(watermark)
    reward = int(studies.read(client, study_id)["reward"])
    rows, more = client.page("submissions", number=number, study=study_id)
    pages = [as_page(row, reward) for row in rows if person_of(row)]
    return Pull(pages, f"{PAGE}{number + 1}" if more else END, more=more)


def _page_number(watermark: str) -> int:
    if watermark in {"", END}:
        return 1
    number = watermark.removeprefix(PAGE)
    if number == watermark or not number.isdecimal() or not 0 < int(number) < 1_000_000:
        raise Invalid({"watermark": f"{watermark!r} was not given out here"})
    return int(number)


def approve(client: Client, ext_id: str) -> None:
    _decide(client, ext_id, {"action": "APPROVE"}, State.ACCEPTED)


def reject(client: Client, ext_id: str, reason: str) -> None:
    told = {"message": message_of(reason), "rejection_category": category_of(reason)}
    _decide(client, ext_id, {"action": "REJECT", **told}, State.REJECTED)


def _decide(client: Client, ext_id: str, body: Json, wanted: str) -> None:
    """Decisions are final: the same one again is success, the other one is a conflict."""
    before = state_of(read(client, ext_id))
    if before == wanted:
        return
    if before in JUDGED:
        raise StateConflict(f"Submission {ext_id} is {before} on Prolific, and decisions there are final.")
    try:
        client.post("submissions", ext_id, "transition", body=body)
    except (Invalid, StateConflict):
        if state_of(read(client, ext_id)) != wanted:
            raise


def category_of(reason: str) -> str:
    words = reason.lower()
    return next((name for name, signs in CATEGORIES if any(sign in words for sign in signs)), "OTHER")


def message_of(reason: str) -> str:
    """Return what the worker reads: our reason, and as much around it as the platform asks for."""
    told = reason.strip() or "The work could not be used."
    told = told if told.endswith((".", "!", "?")) else f"{told}."
    return told if len(told) >= LEAST_WORDS else f"{told} {STANDARD}"


def books(client: Client, study_id: str) -> RemoteBooks:
    """Count what the platform has of a study. Tasks are ours alone: the platform knows only places."""
    reward = int(studies.read(client, study_id)["reward"])
    states: dict[str, str] = {}
    counts: dict[str, int] = {}
    bonuses: dict[str, int] = {}
    spent = 0
    for row in client.each("submissions", study=study_id):
        page = as_page(row, reward)
        states[page.ext_id] = page.state
        counts[page.state] = counts.get(page.state, 0) + 1
        spent += page.price_micro if page.state == State.ACCEPTED else 0
        for number, amount in enumerate(row.get("bonus_payments") or []):
            bonuses[f"{page.ext_id}:{number}"] = micro_of_cents(amount)
    return RemoteBooks(counts, 0, spent, states, bonuses)
