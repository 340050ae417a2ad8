"""Pages of workers: pulling what changed since a mark, judging, reading back.

Every state is a list of its own by the time the state began, asked for from ten minutes before the last one seen: what
shows up late is not missed, and the inbox knows what it has. The mark is text: see `Mark`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from typing import Any

from crowd.errors import Invalid, NotFound, PlatformError, StateConflict
from crowd.money import micro
from crowd.platforms.base import Pull, RemoteAssignment
from crowd.platforms.toloka import pools, stops
from crowd.platforms.toloka.answers import payload_of
from crowd.platforms.toloka.client import Client, Json
from crowd.platforms.toloka.pools import Place
from crowd.platforms.toloka.specs import TASK_FIELD

PULL_SIZE = 1_000
OVERLAP = timedelta(minutes=10)
# Pages in hand come first: what is told twice in one round is told in its later state last.
TIMES: Mapping[str, str] = {
    "ACTIVE": "created",
    "SUBMITTED": "submitted",
    "ACCEPTED": "accepted",
    "REJECTED": "rejected",
    "SKIPPED": "skipped",
    "EXPIRED": "expired",
}
STATES = tuple(TIMES)
FORMAT = "toloka1"
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
ACCEPTED, REJECTED, EXPIRED = "ACCEPTED", "REJECTED", "EXPIRED"
FEE = "fee"  # told by our emulator, not by Toloka
THANKS = "Thank you."
ID_LETTERS = frozenset("0123456789abcdefABCDEF-_ghijklmnopqrstuvwxyzGHIJKLMNOPQRSTUVWXYZ")


@dataclass(frozen=True, slots=True)
class Mark:
    """How far a batch was pulled: `seen` in milliseconds by state, and where a round stands that is not over.

    Of a long list, `newest` is what its state will be marked with, and `last_id` the last page that was read.
    """

    seen: Mapping[str, int] = field(default_factory=dict)
    at: int = 0
    last_id: str = ""
    newest: int = 0

    def __str__(self) -> str:
        seen = ",".join(str(self.seen.get(state, 0)) for state in STATES)
        return f"{FORMAT} {seen} {self.at} {self.newest} {self.last_id}".rstrip()


def read_mark(text: str) -> Mark:
    """Read a mark; the empty one is the beginning. Raises Invalid for what was not given out here."""
    if not text:
        return Mark()
    words = text.split(" ")
    try:
        name, seen, at, newest, *last = words
        times = [int(one) for one in seen.split(",")]
        mark = Mark(dict(zip(STATES, times, strict=True)), int(at), "".join(last), int(newest))
    except ValueError:
        name, mark = "", Mark()
    if name != FORMAT or not 0 <= mark.at < len(STATES):
        raise Invalid({"watermark": f"{text!r} was not given out here"})
    return mark


def pull(client: Client, where: Place, watermark: str) -> Pull:
    """Return what is new or has changed since the mark, at most some thousands of pages."""
    mark = read_mark(watermark)
    if not watermark:
        pools.view(client, where)  # a list of a pool that is not there would be empty, not refused
    found: list[RemoteAssignment] = []
    while True:
        page, has_more = _list(client, where, mark)
        found += [remote(one) for one in page]
        mark = _after(client, where, mark, page, has_more=has_more)
        is_over = mark.at == 0 and not mark.last_id
        if is_over or len(found) >= PULL_SIZE:
            return Pull(found, str(mark), more=not is_over, stopped=_stopped(client, where) if is_over else None)


def _stopped(client: Client, where: Place) -> PlatformError | None:
    return stops.stopped(pools.view(client, where))


def _list(client: Client, where: Place, mark: Mark) -> tuple[list[Json], bool]:
    state = STATES[mark.at]
    params = {"pool_id": where.id, "status": state, "sort": "id", "limit": PULL_SIZE}
    seen = mark.seen.get(state, 0)
    if seen:
        params[f"{TIMES[state]}_gte"] = _text(EPOCH + timedelta(milliseconds=seen) - OVERLAP)
    if mark.last_id:
        params["id_gt"] = mark.last_id
    answer = client.get("/assignments", **params)
    return answer["items"], bool(answer["has_more"] and answer["items"])


def _after(client: Client, where: Place, mark: Mark, page: list[Json], *, has_more: bool) -> Mark:
    """Move on: inside a long list, or to the next state.

    While a long list is read by id, earlier ids may get a later time. So its state is marked with the newest time there
    was at the beginning of the list, and everything after that is asked for again.
    """
    state = STATES[mark.at]
    newest = mark.newest
    if has_more:
        newest = newest or _newest(client, where, state)
        return replace(mark, last_id=page[-1]["id"], newest=newest)
    reached = newest or max((_ms(one[TIMES[state]]) for one in page), default=0)
    seen = {**mark.seen, state: max(mark.seen.get(state, 0), reached)}
    return Mark(seen, (mark.at + 1) % len(STATES))


def _newest(client: Client, where: Place, state: str) -> int:
    time = TIMES[state]
    answer = client.get("/assignments", pool_id=where.id, status=state, sort=f"-{time}", limit=1)
    return max((_ms(one[time]) for one in answer["items"]), default=0)


def remote(page: Json) -> RemoteAssignment:
    """Return a page in our words; tasks that are not ours are left out."""
    status = page["status"]
    return RemoteAssignment(
        ext_id=page["id"],
        worker_ext_id=page["user_id"],
        state=status.lower(),
        price_micro=micro(page.get("reward") or 0),
        submitted_at=_moment(page.get("submitted")),
        answers=_answers(page, page.get("solutions")),
        issued_at=_moment(page.get("created")),
        judged_at=_moment(page.get(TIMES[status])) if status not in ("ACTIVE", "SUBMITTED") else None,
        reason=page.get("public_comment") or "",
        first_answers=_answers(page, page.get("first_declined_solution_attempt")),
    )


def _answers(page: Json, solutions: Any) -> dict[str, Mapping[str, Any]]:
    """Pair tasks and solutions by position. A first attempt that was right from the start has no values of its own."""
    pairs = zip(page.get("tasks") or (), solutions or (), strict=False)
    return {
        str(task["input_values"][TASK_FIELD]): payload_of(solution["output_values"])
        for task, solution in pairs
        if TASK_FIELD in (task.get("input_values") or {}) and solution and solution.get("output_values")
    }


def _moment(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text).replace(tzinfo=UTC) if text else None


def _ms(text: str) -> int:
    moment = _moment(text)
    return (moment - EPOCH) // timedelta(milliseconds=1) if moment else 0


def _text(moment: datetime) -> str:
    return moment.replace(tzinfo=None).isoformat(timespec="milliseconds")


def judge(client: Client, ext_id: str, status: str, comment: str) -> bool:
    """Accept or reject; "already so" is success. Returns whether this call did it."""
    try:
        client.send("patch", f"/assignments/{known(ext_id)}", {"status": status, "public_comment": comment})
    except StateConflict as error:
        now = client.get(f"/assignments/{ext_id}")["status"]
        if now == status:
            return False
        raise StateConflict(_conflict(ext_id, now, status)) from error
    return True


def _conflict(ext_id: str, now: str, wanted: str) -> str:
    if now == EXPIRED:
        return f"Page {ext_id} expired before it was handed in. Nothing has to be done: its tasks go to others."
    if now == ACCEPTED:
        return f"Page {ext_id} is accepted and paid on Toloka; that cannot be taken back."
    return f"Page {ext_id} is {now.lower()} on Toloka and cannot become {wanted.lower()}. Pull its pool first."


def known(ext_id: str) -> str:
    """Return an id that may stand in an address. Raises NotFound."""
    if not ext_id or not set(ext_id) <= ID_LETTERS:
        raise NotFound(f"{ext_id!r} is no id of Toloka.")
    return ext_id


def every(client: Client, where: Place) -> Iterator[Json]:
    """Give all pages of a pool, for its books."""
    for page in client.pages("/assignments", PULL_SIZE, pool_id=where.id):
        yield from page
