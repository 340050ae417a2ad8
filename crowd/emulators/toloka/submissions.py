"""What becomes of a page in somebody's hands: handed in, skipped, or run out of time."""

import copy
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any

from crowd.emulators.crowd import File
from crowd.emulators.toloka import judging, stock
from crowd.emulators.toloka.errors import FieldErrors, field_error, invalid, wrong_status
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import (
    ACTIVE,
    EXPIRED,
    SKIPPED,
    SUBMITTED,
    Assignment,
    Attachment,
    Form,
    Given,
    Pool,
    Task,
)

LONGEST_JUDGING = 21


class NeedsCorrection(Exception):
    """Some training answers are wrong: the hints by the position of the task. The first answers have counted."""

    def __init__(self, hints: Mapping[int, str]) -> None:
        self.hints = dict(hints)
        super().__init__(f"{len(hints)} training answers are wrong.")


def submit(market: Market, assignment_id: str, answers: Sequence[Mapping[str, Any]]) -> Assignment:
    """Hand a page in: one object of output values per task, in the order of the page."""
    page = _active(market, assignment_id)
    pool = market.pool(page.pool_id)
    _demand_valid(market, pool, page, answers)
    values = [dict(answer) for answer in answers]
    _demand_correct(page, values)
    page.solutions = [_with_files(market, page, answer) for answer in values]
    _leave(market, pool, page, SUBMITTED)
    for task, answer in zip(page.suite.tasks, page.solutions, strict=True):
        task.answers.append(Given(page.user_id, page.id, answer, market.now))
    by_hand = pool.form.get("auto_accept_solutions") is False
    if by_hand:
        _hold_for_judging(market, pool, page)
    market.happened("SUBMITTED", page)
    if not by_hand and page.status == SUBMITTED:
        judging.accept(market, page)
    return page


def skip(market: Market, assignment_id: str) -> Assignment:
    page = _active(market, assignment_id)
    _give_back(market, page, SKIPPED)
    return page


def expire(market: Market, page: Assignment) -> None:
    if page.status == ACTIVE:
        _give_back(market, page, EXPIRED)


def score(task: Task, answer: Mapping[str, Any]) -> float:
    """Return how right an answer to a control or training task is: the weight of the known solution it equals."""
    weights = [
        float(known.get("correctness_weight", 1))
        for known in task.form.get("known_solutions") or ()
        if all(answer.get(name) == value for name, value in known["output_values"].items())
    ]
    return max(weights, default=0.0)


def _active(market: Market, assignment_id: str) -> Assignment:
    page = market.assignments.get(assignment_id)
    if page.status != ACTIVE:
        raise wrong_status("The assignment", page.status, [ACTIVE])
    return page


def _demand_valid(market: Market, pool: Pool, page: Assignment, answers: Sequence[Mapping[str, Any]]) -> None:
    count = len(page.suite.tasks)
    if len(answers) != count:
        raise invalid({"solutions": field_error("ARRAY_SIZE_OUT_OF_BOUNDS", f"{count} answers are expected.", count)})
    outputs = market.project_of(pool).outputs
    errors: FieldErrors = {}
    for index, answer in enumerate(answers):
        plain = {name: _name_of(value) for name, value in answer.items()}
        errors.update(outputs.errors(plain, f"solutions.{index}.output_values"))
    if errors:
        raise invalid(errors)


def _name_of(value: Any) -> Any:
    """Put the name of a file in its place, so that it is checked like the id it becomes."""
    if isinstance(value, File):
        return value.name
    return [_name_of(one) for one in value] if isinstance(value, list) else value


def _demand_correct(page: Assignment, answers: list[Form]) -> None:
    """A wrong answer to a training task shows the hint and must be corrected; the first answer is kept."""
    wrong = {
        index: task.form.get("message_on_unknown_solution") or ""
        for index, (task, answer) in enumerate(zip(page.suite.tasks, answers, strict=True))
        if task.kind == "TRAINING" and not score(task, answer)
    }
    if wrong:
        page.first = page.first or copy.deepcopy(answers)
        raise NeedsCorrection(wrong)


def _with_files(market: Market, page: Assignment, answer: Form) -> Form:
    return {name: _stored(market, page, value) for name, value in answer.items()}


def _stored(market: Market, page: Assignment, value: Any) -> Any:
    if isinstance(value, list):
        return [_stored(market, page, one) for one in value]
    if not isinstance(value, File):
        return value
    late = market.faults.hit("late_upload")
    ready = market.now + timedelta(seconds=late.seconds if late else 0)
    attachment = Attachment(
        id=market.ids.uuid(),
        name=value.name,
        media_type=value.media_type,
        data=value.data,
        user_id=page.user_id,
        assignment_id=page.id,
        pool_id=page.pool_id,
        created=market.now,
        ready=ready,
    )
    return market.attachments.add(attachment).id


def _leave(market: Market, pool: Pool, page: Assignment, status: str) -> None:
    page.status = status
    page.times[status] = market.now
    pool.active -= 1
    pool.last_moved = market.now
    market.committed_micro -= market.price_with_fee(page.reward_micro)


def _give_back(market: Market, page: Assignment, status: str) -> None:
    pool = market.pool(page.pool_id)
    _leave(market, pool, page, status)
    if page.suite.mixed:
        for task in page.suite.tasks:
            stock.count_issue(pool, task, -1)
    else:
        stock.count_issue(pool, page.suite, -1)
    market.happened(status, page)


def _hold_for_judging(market: Market, pool: Pool, page: Assignment) -> None:
    """Reserve the money; what nobody judges in time is accepted."""
    market.books.reserve(page.reward_micro, market.now, judging.about(page))
    page.is_reserved = True
    days = pool.form.get("auto_accept_period_day") or LONGEST_JUDGING

    def accept_in_time() -> None:
        if page.status == SUBMITTED:
            judging.accept(market, page)

    market.at(market.now + timedelta(days=days), accept_in_time)
