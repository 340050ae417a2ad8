"""Trainings: the skill that somebody gets after enough pages, and when it lapses."""

from datetime import datetime, timedelta

from crowd.emulators.toloka import access, lifecycle, mixing, rules, submissions
from crowd.emulators.toloka.market import Happening, Market
from crowd.emulators.toloka.records import HANDED_IN, Assignment, Pool, UserSkill, Worker


def observe(market: Market, happening: Happening) -> None:
    """Give the training's skill when enough pages are handed in: the percentage of right first answers."""
    training = happening.pool
    if not training.is_training or happening.kind != "SUBMITTED":
        return
    worker = market.workers.get(happening.assignment.user_id)
    pages = [page for page in worker.work[training.id] if page.status in HANDED_IN and _counts(training, page, worker)]
    required = training.form.get("task_suites_required_to_pass")
    if (len(pages) >= required) if required else not mixing.next_tasks(market, training, worker):
        _give_skill(market, training, worker, pages)


def _counts(training: Pool, page: Assignment, worker: Worker) -> bool:
    """Pages of an earlier round, whose skill has lapsed, do not count."""
    return page.suite.id in worker.seen[training.id]


def _give_skill(market: Market, training: Pool, worker: Worker, pages: list[Assignment]) -> None:
    firsts = [submissions.score(task, answer) for page in pages for task, answer in rules.first_answers(page)]
    skill = market.skills.get(str(training.skill_id))
    given = access.set_skill(market, worker, skill, 100 * sum(firsts) / len(firsts))
    days = training.form.get("retry_training_after_days")
    if days is not None:
        _watch(market, training, worker, given, market.now + timedelta(days=days))


def _watch(market: Market, training: Pool, worker: Worker, given: UserSkill, due: datetime) -> None:
    """Let the skill lapse when the worker has been idle in the linked pools for so many days."""

    def look() -> None:
        if market.user_skills.find(given.id) is not given:
            return
        idle_from = _last_work(market, training, worker, given.modified)
        until = idle_from + timedelta(days=training.form["retry_training_after_days"])
        if until > market.now:
            _watch(market, training, worker, given, until)
        else:
            access.remove_skill(market, given.id)
            worker.seen.pop(training.id, None)

    market.at(due, look)


def _last_work(market: Market, training: Pool, worker: Worker, since: datetime) -> datetime:
    linked = {pool.id for pool in lifecycle.linked_pools(market, training)}
    return max((page.created for at in linked for page in worker.work.get(at, ())), default=since)
