"""Every operation of the platform: method and path, and what of the market answers it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from crowd.emulators.toloka import (
    access,
    aggregation,
    analytics,
    bonuses,
    judging,
    lifecycle,
    lists,
    messages,
    operations,
    pools,
    projects,
    requester,
    restrictions,
    skills,
    suites,
    tasks,
    tsv,
    views,
    webhooks,
)
from crowd.emulators.toloka.batches import Batch as BatchOf
from crowd.emulators.toloka.batches import Options, Reply, create, options_of
from crowd.emulators.toloka.errors import missing
from crowd.emulators.toloka.listing import Listing, page
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import Attachment, Form, Operation, Pool


@dataclass(frozen=True, slots=True)
class Call:
    """A request, read: the id in the path, the query, the JSON body and its length."""

    id: str
    query: Mapping[str, str]
    body: Any
    size: int


@dataclass(frozen=True, slots=True)
class Raw:
    """An answer that is not JSON."""

    data: bytes
    media_type: str


Handler = Callable[[Market, Call], Reply]


def ok(body: Any) -> Reply:
    return Reply(200, body)


def created(body: Any) -> Reply:
    return Reply(201, body)


def nothing() -> Reply:
    return Reply(204, None)


def begun(operation: Operation | None) -> Reply:
    """Answer with an operation, or with nothing when it is so already."""
    return nothing() if operation is None else Reply(202, views.operation(operation))


def listed(listing: Listing[Any]) -> Handler:
    return lambda market, call: ok(page(market, listing, call.query))


def batch(of: Callable[[Market, Options], BatchOf]) -> Handler:
    def answer(market: Market, call: Call) -> Reply:
        options = options_of(call.query)
        return create(market, of(market, options), call.body, options, call.size)

    return answer


def _life(verb: Callable[[Market, Pool], Operation | None], *, training: bool) -> Handler:
    return lambda market, call: begun(verb(market, pools.of_kind(market, call.id, training=training)))


def _close_for_update(market: Market, pool: Pool) -> Operation | None:
    return lifecycle.close_pool(market, pool, "FOR_UPDATE")


def _life_routes(noun: str, *, training: bool) -> list[tuple[str, str, Handler]]:
    verbs: dict[str, Callable[[Market, Pool], Operation | None]] = {
        "open": lifecycle.open_pool,
        "close": lifecycle.close_pool,
        "close-for-update": _close_for_update,
        "archive": lifecycle.archive_pool,
    }
    return [("POST", f"/v1/{noun}/{{id}}/{name}", _life(verb, training=training)) for name, verb in verbs.items()]


def _set_user_skill(market: Market, call: Call) -> Reply:
    worker, skill, sent = skills.wanted_value(market, call.body)
    return ok(views.user_skill(access.set_skill(market, worker, skill, sent["value"], reason=sent.get("reason"))))


def _remove_user_skill(market: Market, call: Call) -> Reply:
    access.remove_skill(market, call.id)
    return nothing()


def _restrict(market: Market, call: Call) -> Reply:
    return ok(views.restriction(access.restrict(market, *restrictions.wanted(market, call.body))))


def _lift(market: Market, call: Call) -> Reply:
    restrictions.lift(market, call.id)
    return nothing()


def _log(market: Market, call: Call) -> Reply:
    if market.faults.hit("log_archived", "GET", f"/v1/operations/{call.id}/log"):
        raise operations.archived(call.id)
    return ok(operations.log_of(market, call.id))


def _subscribe(market: Market, call: Call) -> Reply:
    made, refused = webhooks.put(market, call.body)
    return ok({"items": {index: views.subscription(one) for index, one in made.items()}, "validation_errors": refused})


def _unsubscribe(market: Market, call: Call) -> Reply:
    market.subscriptions.remove(call.id)
    return nothing()


def _aggregated(market: Market, call: Call) -> Reply:
    market.operations.get(call.id)
    if market.solutions.find(call.id) is None:
        return ok({"items": [], "has_more": False})
    return ok(page(market, lists.solutions_of(call.id), call.query))


def _uploaded(market: Market, call: Call) -> Attachment:
    attachment = market.attachments.get(call.id)
    if attachment.ready > market.now:
        raise missing("attachment", call.id)
    return attachment


def _download(market: Market, call: Call) -> Reply:
    attachment = _uploaded(market, call)
    return ok(Raw(attachment.data, attachment.media_type))


def _table(market: Market, call: Call) -> Reply:
    return ok(Raw(tsv.results(market, call.id, call.query).encode(), "text/tab-separated-values; charset=utf-8"))


def _valid(market: Market, call: Call) -> Reply:
    """Say whether a pool may be sent to moderation; a fork of the platform asks for this before opening."""
    lifecycle.demand_openable(market, pools.of_kind(market, call.id, training=False))
    return ok({"valid": True})


def _moderate(market: Market, call: Call) -> Reply:
    pool = pools.of_kind(market, call.id, training=False)
    told: Form = {"pool_id": pool.id, "status": "ACCEPTED"}
    return ok(told)


ROUTES: list[tuple[str, str, Handler]] = [
    ("POST", "/v1/projects", lambda m, c: created(views.project(projects.create(m, c.body)))),
    ("GET", "/v1/projects", listed(lists.PROJECTS)),
    ("GET", "/v1/projects/{id}", lambda m, c: ok(views.project(m.projects.get(c.id)))),
    ("PUT", "/v1/projects/{id}", lambda m, c: ok(views.project(projects.update(m, c.id, c.body)))),
    ("POST", "/v1/projects/{id}/archive", lambda m, c: begun(projects.archive(m, c.id))),
    ("POST", "/staging/projects/{id}/check", lambda m, c: ok(projects.difference(m, c.id, c.body))),
    ("POST", "/v1/pools", lambda m, c: created(views.pool(pools.create(m, c.body)))),
    ("GET", "/v1/pools", listed(lists.POOLS)),
    ("GET", "/v1/pools/{id}", lambda m, c: ok(views.pool(m.pools.get(c.id)))),
    ("PUT", "/v1/pools/{id}", lambda m, c: ok(views.pool(pools.update(m, c.id, c.body)))),
    ("PATCH", "/v1/pools/{id}", lambda m, c: ok(views.pool(pools.set_priority(m, c.id, c.body)))),
    ("POST", "/v1/pools/{id}/clone", lambda m, c: begun(pools.clone(m, c.id))),
    *_life_routes("pools", training=False),
    ("POST", "/v1/trainings", lambda m, c: created(views.training(pools.create_training(m, c.body)))),
    ("GET", "/v1/trainings", listed(lists.TRAININGS)),
    ("GET", "/v1/trainings/{id}", lambda m, c: ok(views.training(m.trainings.get(c.id)))),
    ("PUT", "/v1/trainings/{id}", lambda m, c: ok(views.training(pools.update_training(m, c.id, c.body)))),
    ("POST", "/v1/trainings/{id}/clone", lambda m, c: begun(pools.clone_training(m, c.id))),
    *_life_routes("trainings", training=True),
    ("POST", "/v1/tasks", batch(tasks.TaskBatch)),
    ("GET", "/v1/tasks", listed(lists.TASKS)),
    ("GET", "/v1/tasks/{id}", lambda m, c: ok(views.task(m.tasks.get(c.id)))),
    ("PATCH", "/v1/tasks/{id}", lambda m, c: ok(views.task(tasks.change(m, c.id, c.body, c.query)))),
    (
        "PATCH",
        "/v1/tasks/{id}/set-overlap-or-min",
        lambda m, c: ok(views.task(tasks.set_overlap_or_min(m, c.id, c.body))),
    ),
    ("POST", "/v1/task-suites", batch(suites.SuiteBatch)),
    ("GET", "/v1/task-suites", listed(lists.SUITES)),
    ("GET", "/v1/task-suites/{id}", lambda m, c: ok(views.suite(m.suites.get(c.id)))),
    ("PATCH", "/v1/task-suites/{id}", lambda m, c: ok(views.suite(suites.change(m, c.id, c.body, c.query)))),
    (
        "PATCH",
        "/v1/task-suites/{id}/set-overlap-or-min",
        lambda m, c: ok(views.suite(suites.set_overlap_or_min(m, c.id, c.body))),
    ),
    ("GET", "/v1/assignments", listed(lists.ASSIGNMENTS)),
    ("GET", "/v1/assignments/{id}", lambda m, c: ok(views.assignment(m.assignments.get(c.id)))),
    ("PATCH", "/v1/assignments/{id}", lambda m, c: ok(views.assignment(judging.decide(m, c.id, c.body)))),
    ("GET", "/v1/attachments", listed(lists.ATTACHMENTS)),
    ("GET", "/v1/attachments/{id}", lambda m, c: ok(views.attachment(_uploaded(m, c)))),
    ("GET", "/v1/attachments/{id}/download", _download),
    ("POST", "/v1/skills", lambda m, c: created(views.skill(skills.create(m, c.body)))),
    ("GET", "/v1/skills", listed(lists.SKILLS)),
    ("GET", "/v1/skills/{id}", lambda m, c: ok(views.skill(m.skills.get(c.id)))),
    ("PUT", "/v1/skills/{id}", lambda m, c: ok(views.skill(skills.update(m, c.id, c.body)))),
    ("PUT", "/v1/user-skills", _set_user_skill),
    ("GET", "/v1/user-skills", listed(lists.USER_SKILLS)),
    ("GET", "/v1/user-skills/{id}", lambda m, c: ok(views.user_skill(m.user_skills.get(c.id)))),
    ("DELETE", "/v1/user-skills/{id}", _remove_user_skill),
    ("PUT", "/v1/user-restrictions", _restrict),
    ("GET", "/v1/user-restrictions", listed(lists.RESTRICTIONS)),
    ("GET", "/v1/user-restrictions/{id}", lambda m, c: ok(views.restriction(m.restrictions.get(c.id)))),
    ("DELETE", "/v1/user-restrictions/{id}", _lift),
    ("POST", "/v1/user-bonuses", batch(bonuses.BonusBatch)),
    ("GET", "/v1/user-bonuses", listed(lists.BONUSES)),
    ("GET", "/v1/user-bonuses/{id}", lambda m, c: ok(views.bonus(m.bonuses.get(c.id)))),
    ("GET", "/v1/operations", listed(lists.OPERATIONS)),
    ("GET", "/v1/operations/{id}", lambda m, c: ok(views.operation(m.operations.get(c.id)))),
    ("GET", "/v1/operations/{id}/log", _log),
    ("PUT", "/v1/webhook-subscriptions", _subscribe),
    ("GET", "/v1/webhook-subscriptions", listed(lists.SUBSCRIPTIONS)),
    ("GET", "/v1/webhook-subscriptions/{id}", lambda m, c: ok(views.subscription(m.subscriptions.get(c.id)))),
    ("DELETE", "/v1/webhook-subscriptions/{id}", _unsubscribe),
    ("POST", "/v1/message-threads/compose", lambda m, c: created(views.thread(messages.compose(m, c.body)))),
    ("GET", "/v1/message-threads", listed(lists.THREADS)),
    ("POST", "/v1/message-threads/{id}/reply", lambda m, c: created(views.thread(messages.reply(m, c.id, c.body)))),
    (
        "POST",
        "/v1/message-threads/{id}/add-to-folders",
        lambda m, c: created(views.thread(messages.add_to_folders(m, c.id, c.body))),
    ),
    (
        "POST",
        "/v1/message-threads/{id}/remove-from-folders",
        lambda m, c: created(views.thread(messages.remove_from_folders(m, c.id, c.body))),
    ),
    ("POST", "/v1/aggregated-solutions/aggregate-by-pool", lambda m, c: begun(aggregation.by_pool(m, c.body))),
    (
        "POST",
        "/v1/aggregated-solutions/aggregate-by-task",
        lambda m, c: created(views.solution(aggregation.by_task(m, c.body))),
    ),
    ("GET", "/v1/aggregated-solutions/{id}", _aggregated),
    ("GET", "/v1/user-metadata/{id}", lambda m, c: ok(views.worker(m.workers.get(c.id)))),
    ("GET", "/v1/requester", lambda m, _c: ok(requester.shown(m))),
    ("POST", "/staging/analytics-2", lambda m, c: begun(analytics.start(m, c.body))),
    ("GET", "/new/requester/pools/{id}/assignments.tsv", _table),
    ("GET", "/new/requester/pools/{id}/validate", _valid),
    ("PUT", "/new/requester/poolModeration/{id}", _moderate),
]
"""Paths below `/api`. The test of a webhook is not here: it sends, so it must not hold the market."""
