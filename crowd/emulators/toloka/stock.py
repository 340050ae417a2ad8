"""What a pool still has to give out: tasks by kind, suites in their order, and how many of them are left."""

from bisect import insort

from crowd.emulators.toloka.records import Form, Kind, Pool, Suite, Task


def kind_of(form: Form) -> Kind:
    """A known solution makes a control task; with a hint it is a training task."""
    if not form.get("known_solutions"):
        return "REAL"
    return "TRAINING" if form.get("message_on_unknown_solution") else "GOLDEN"


def add_task(pool: Pool, task: Task) -> None:
    pool.tasks.append(task)
    pool.wanted += task.overlap or 1
    if not task.in_suite:
        _shelve(pool, task)


def _shelve(pool: Pool, task: Task) -> None:
    same = pool.by_kind[task.kind]
    task.place = len(same)
    same.append(task)
    if task.kind == "REAL" and task.issuable:
        pool.waiting += 1
        pool.head = min(pool.head, task.place)


def take_off(pool: Pool, task: Task) -> None:
    """Take a task out of the mixer."""
    if task.in_suite:
        return
    same = pool.by_kind[task.kind]
    same.pop(task.place)
    for place in range(task.place, len(same)):
        same[place].place = place
    if task.kind == "REAL":
        pool.waiting -= task.issuable
        pool.head = 0


def change_kind(pool: Pool, task: Task, kind: Kind) -> None:
    if task.in_suite:
        task.kind = kind
    elif task.kind != kind:
        take_off(pool, task)
        task.kind = kind
        same = pool.by_kind[kind]
        same.append(task)
        same.sort(key=lambda one: one.id)
        for place, one in enumerate(same):
            one.place = place
        if kind == "REAL":
            pool.waiting += task.issuable
            pool.head = 0


def add_suite(pool: Pool, suite: Suite) -> None:
    pool.suites.append(suite)
    if suite.mixed:
        return
    pool.wanted += suite.overlap or 1
    insort(pool.issue_order, suite, key=_turn)
    pool.waiting += suite.issuable
    pool.head = 0


def reorder(pool: Pool) -> None:
    pool.issue_order.sort(key=_turn)
    pool.head = 0


def _turn(suite: Suite) -> tuple[float, str]:
    return -suite.order, suite.id


def count_issue(pool: Pool, thing: Task | Suite, change: int) -> None:
    """Count a task or a suite as given out (1) or as come back (-1)."""
    before = thing.issuable
    thing.issued += change
    _notice(pool, thing, before=before)


def set_overlap(pool: Pool, thing: Task | Suite, overlap: int | None) -> None:
    before = thing.issuable
    thing.overlap = overlap
    _notice(pool, thing, before=before)


def _notice(pool: Pool, thing: Task | Suite, *, before: bool) -> None:
    if isinstance(thing, Task):
        if thing.in_suite or thing.kind != "REAL":
            return
        pool.head = min(pool.head, thing.place) if thing.issuable else pool.head
    elif thing.mixed:
        return
    else:
        pool.head = 0
    pool.waiting += thing.issuable - before


def advance_head(pool: Pool) -> int:
    """Return where the first real task, or suite, stands that may still be given out."""
    line: list[Task] | list[Suite] = pool.issue_order if pool.has_suites else pool.by_kind["REAL"]
    while pool.head < len(line) and not line[pool.head].issuable:
        pool.head += 1
    return pool.head
