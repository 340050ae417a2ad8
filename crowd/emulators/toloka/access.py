"""Who may work in a pool, and what follows when somebody may no longer."""

from collections.abc import Callable
from typing import Any

from crowd.emulators.toloka import lifecycle, overlap, restrictions, skills
from crowd.emulators.toloka.filters import lets_in
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.pool_forms import rules_for
from crowd.emulators.toloka.quality import Entry, holds
from crowd.emulators.toloka.records import (
    ACCEPTED,
    SUBMITTED,
    Form,
    Pool,
    Restriction,
    Skill,
    UserSkill,
    Worker,
)


def why_not(market: Market, pool: Pool, worker: Worker) -> str | None:
    """Return why a worker may not take a page of an open pool, or None."""
    if any(restrictions.covers(one, pool) for one in worker.restrictions.values()):
        return "the worker is banned"
    if pool.form.get("may_contain_adult_content") and not worker.profile.get("adult_allowed"):
        return "the worker does not want adult content"
    if pool.is_training:
        return "the training is done" if pool.skill_id in worker.skills else None
    return _why_not_in_pool(market, pool, worker)


def _why_not_in_pool(market: Market, pool: Pool, worker: Worker) -> str | None:
    if not lets_in(pool.form.get("filter"), worker):
        return "the filter does not let the worker in"
    if not _is_trained(market, pool, worker):
        return "the training comes first"
    return None if _is_among_best(market, pool, worker) else "the pool wants the best only"


def _is_trained(market: Market, pool: Pool, worker: Worker) -> bool:
    training = market.trainings.find(lifecycle.training_of(pool))
    if training is None:
        return True
    known = worker.skills.get(str(training.skill_id))
    passing = pool.form["quality_control"]["training_requirement"]["training_passing_skill_value"]
    return known is not None and known.value >= passing


def _is_among_best(market: Market, pool: Pool, worker: Worker) -> bool:
    balance = pool.form.get("speed_quality_balance")
    if not balance:
        return True
    rivals = [one for one in market.workers if lets_in(pool.form.get("filter"), one)]
    better = sum(1 for one in rivals if one.quality > worker.quality)
    if balance["type"] == "BEST_CONCURRENT_USERS_BY_QUALITY":
        return better < int(balance["count"])
    return better * 100 < len(rivals) * int(balance["percent"])


def set_skill(
    market: Market,
    worker: Worker,
    skill: Skill,
    value: float,
    *,
    reason: str | None = None,
    counted: tuple[float, int] | None = None,
) -> UserSkill:
    """Give a skill, and look who loses access by it."""
    given: list[UserSkill] = []

    def change() -> None:
        given.append(skills.give(market, worker, skill, value, reason=reason, counted=counted))

    _changing(market, worker, change, skill.id)
    return given[0]


def remove_skill(market: Market, user_skill_id: str) -> None:
    known = market.user_skills.get(user_skill_id)
    worker = market.workers.get(known.user_id)
    _changing(market, worker, lambda: skills.take_away(market, known), known.skill_id)


def _changing(market: Market, worker: Worker, change: Callable[[], None], skill_id: str) -> None:
    watched = [pool for pool in market.pools if pool.id in worker.work and _assesses_users(market, pool)]
    had = [pool for pool in watched if lets_in(pool.form.get("filter"), worker)]
    change()
    for pool in had:
        if not lets_in(pool.form.get("filter"), worker):
            told = {"pool_access_revoked_reason": "SKILL_CHANGE", "skill_id": skill_id}
            _reassign(market, pool, worker, told)


def restrict(market: Market, worker: Worker, sent: Form) -> Restriction:
    """Keep a worker out; the work of who is kept out may be given to others by a rule."""
    before = [pool.id for pool in market.pools if _is_restricted(pool, worker)]
    restriction = restrictions.put(market, worker, sent)
    for pool in market.pools:
        if pool.id in worker.work and pool.id not in before and restrictions.covers(restriction, pool):
            _reassign(market, pool, worker, {"pool_access_revoked_reason": "RESTRICTION"})
    return restriction


def _is_restricted(pool: Pool, worker: Worker) -> bool:
    return any(restrictions.covers(one, pool) for one in worker.restrictions.values())


def _assesses_users(market: Market, pool: Pool) -> bool:
    return any(config["collector_config"]["type"] == "USERS_ASSESSMENT" for config in rules_for(market, pool))


def _reassign(market: Market, pool: Pool, worker: Worker, figures: dict[str, Any]) -> None:
    for config in rules_for(market, pool):
        if config["collector_config"]["type"] != "USERS_ASSESSMENT":
            continue
        collector = market.collectors[config["collector_config"]["uuid"]]
        for rule in config["rules"]:
            if not holds(rule["conditions"], figures):
                continue
            for page in worker.work[pool.id]:
                if page.status in (SUBMITTED, ACCEPTED) and page.id not in collector.users.get(worker.id, {}):
                    collector.remember(worker.id, page.id, Entry(market.now, 1))
                    overlap.change(market, pool, page.suite, rule["action"]["parameters"])
