"""Tasks: in chunks under operation ids, each sent once; the log of the operation says what became of each."""

import json
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from crowd.errors import Invalid, NotFound, StateConflict
from crowd.platforms.base import Receipt, TaskSpec
from crowd.platforms.toloka import pools
from crowd.platforms.toloka.answers import output_values
from crowd.platforms.toloka.client import FAIL, Client, Json, operation_id
from crowd.platforms.toloka.pools import Place
from crowd.platforms.toloka.refusals import sentence_of
from crowd.platforms.toloka.specs import TASK_FIELD, input_values

MOST_TASKS = 5_000
MOST_BYTES = 1_000_000  # of input values in a request; the platform takes 1,048,576
MOST_LISTED = 1_000
TAKEN_IN = {"async_mode": True, "skip_invalid_items": True, "allow_defaults": True}
HINT = "This is not the right answer; it is: {answer}."


def item(task: TaskSpec, where: Place) -> Json:
    """Return a task as it is sent. A hint makes a training task, so only a training gets one."""
    sent: Json = {"pool_id": where.id, "input_values": input_values(task.key, task.payload)}
    if task.overlap is None or task.known_answer is not None:
        sent |= {"infinite_overlap": True, "overlap": None}
    else:
        sent |= {"overlap": task.overlap}
    if task.author_ext_id:
        sent["unavailable_for"] = [task.author_ext_id]
    if task.known_answer is None:
        return sent
    sent["known_solutions"] = [{"output_values": output_values(task.known_answer), "correctness_weight": 1}]
    if where.is_training:
        right = task.known_answer.get("answer", "as in the instructions")
        sent["message_on_unknown_solution"] = task.hint or HINT.format(answer=right)
    return sent


def chunks(items: Sequence[Json]) -> Iterator[list[Json]]:
    """Cut a push into requests the platform takes; the same push is always cut in the same places."""
    chunk: list[Json] = []
    size = 0
    for one in items:
        length = len(json.dumps(one["input_values"]).encode())
        if chunk and (len(chunk) == MOST_TASKS or size + length > MOST_BYTES):
            yield chunk
            chunk, size = [], 0
        chunk.append(one)
        size += length
    if chunk:
        yield chunk


def push(client: Client, where: Place, tasks: Sequence[TaskSpec], key: str) -> Receipt:
    """Send tasks under an operation key; without one, those that are there already are looked up first."""
    there = pools.view(client, where)
    new = {task.key: task for task in tasks}
    known = {} if key else existing(client, where, set(new))
    wanted = [item(task, where) for name, task in new.items() if name not in known]
    made, refused = _send(client, where, wanted, key or "\n".join(sorted(new.keys() - known)))
    if made:
        pools.wake(client, where, there)
    return Receipt(
        created=len(made),
        existing=len(tasks) - len(made) - len(refused),
        refused=refused,
        ids={**known, **made},
    )


def existing(client: Client, where: Place, keys: set[str]) -> dict[str, str]:
    """Return `{our key: id there}` of those tasks that the pool has."""
    found: dict[str, str] = {}
    for page in client.pages("/tasks", MOST_LISTED, pool_id=where.id):
        for one in page:
            ours = (one.get("input_values") or {}).get(TASK_FIELD)
            if ours in keys:
                found.setdefault(ours, one["id"])
    return found


def _send(client: Client, where: Place, items: list[Json], key: str) -> tuple[dict[str, str], dict[str, str]]:
    """Start every chunk before the first is waited for; return ids and refusals. Raises StillRunning."""
    cut = list(chunks(items))
    operations = [_start(client, chunk, operation_id(where.id, key, str(number))) for number, chunk in enumerate(cut)]
    made: dict[str, str] = {}
    refused: dict[str, str] = {}
    for operation, chunk in zip(operations, cut, strict=True):
        client.require_end(operation, "it takes in tasks")
        here, not_here = _outcome(client, where, operation, {one["input_values"][TASK_FIELD] for one in chunk})
        made |= here
        refused |= not_here
    return made, refused


def _start(client: Client, chunk: list[Json], ident: str) -> Json:
    """Look for the operation before sending: a push that is asked about again does not send its tasks again."""
    found = client.operation(ident)
    if found is not None:
        return found
    params = {"operation_id": ident, **TAKEN_IN}
    try:
        started: Json = client.send("post", "/tasks", chunk, params=params, quota="tasks", n=len(chunk))
    except StateConflict:  # two at once: the other was first
        found = client.operation(ident)
        if found is None:
            raise
        return found
    return started


def _outcome(client: Client, where: Place, operation: Json, keys: set[str]) -> tuple[dict[str, str], dict[str, str]]:
    """Return ids and refusals by the keys of the tasks."""
    try:
        log: list[Json] = client.get(f"/operations/{operation['id']}/log")
    except (StateConflict, NotFound):  # kept for a month only
        made = existing(client, where, keys)
        return made, dict.fromkeys(keys - made.keys(), "Toloka did not take this task, and its log is gone.")
    lines = {_key_of(line): line for line in log}
    made = {key: str(lines[key]["output"]["task_id"]) for key in keys & lines.keys() if lines[key]["success"]}
    refused = {key: _why(lines[key]["output"]) for key in keys & lines.keys() - made.keys()}
    silent = keys - lines.keys()
    if silent and operation["status"] == FAIL:
        raise Invalid({"tasks": f"Toloka failed with {len(silent)} of them: {operation.get('details')}"})
    return made, {**refused, **dict.fromkeys(silent, "Toloka says nothing about this task.")}


def _key_of(line: Json) -> str:
    """Return the task a line of a log is about; nothing for a step of another kind."""
    return str(((line.get("input") or {}).get("input_values") or {}).get(TASK_FIELD) or "")


def _why(output: Any) -> str:
    if not isinstance(output, Mapping):
        return str(output)
    return "; ".join(f"{name}: {sentence_of(problem)}" for name, problem in sorted(output.items()))


def set_overlap(client: Client, where: Place, task_id: str, overlap: int) -> None:
    """Say how often a task is given out in all; so rejected work is done again, by one more than there was."""
    there = pools.view(client, where)
    client.send("patch", f"/tasks/{task_id}/set-overlap-or-min", {"overlap": overlap})
    if overlap:
        pools.wake(client, where, there)
