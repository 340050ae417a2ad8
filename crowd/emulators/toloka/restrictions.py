"""Restrictions: who may not work where, and until when."""

from datetime import datetime
from typing import Any

from crowd.emulators.toloka import moments
from crowd.emulators.toloka.checks import demand, form, identifier, maybe, moment, needed, one_of, text
from crowd.emulators.toloka.errors import conflict, field_error, invalid
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import Form, Pool, Restriction, Worker

LONGEST_COMMENT = 499
_RESTRICTION = form(
    {
        "scope": needed(one_of("ALL_PROJECTS", "PROJECT", "POOL", "SYSTEM")),
        "user_id": needed(identifier),
        "project_id": maybe(identifier),
        "pool_id": maybe(identifier),
        "private_comment": maybe(text(longest=LONGEST_COMMENT)),
        "will_expire": maybe(moment),
        "id": maybe(text()),
        "created": maybe(text()),
    }
)
_PLACES = {"PROJECT": "project_id", "POOL": "pool_id"}


def wanted(market: Market, body: Any) -> tuple[Worker, Form]:
    """Read a request that keeps somebody out."""
    sent = demand(_RESTRICTION, body)
    if sent["scope"] == "SYSTEM":
        raise conflict("SYSTEM_SCOPE_MODIFICATION", "Only the platform bans from everything.")
    errors = {}
    worker = market.workers.find(sent["user_id"])
    if worker is None:
        errors["user_id"] = field_error("ENTITY_DOES_NOT_EXIST", "There is no such worker.")
    place = _PLACES.get(sent["scope"])
    if place and sent.get(place) is None:
        errors[place] = field_error("VALUE_REQUIRED", f"The scope {sent['scope']} names one.")
    elif place and not _exists(market, place, sent[place]):
        errors[place] = field_error("ENTITY_DOES_NOT_EXIST", "There is no such place.")
    if sent.get("will_expire") is not None and moments.read(sent["will_expire"]) <= market.now:
        errors["will_expire"] = field_error("DATE_OUT_OF_RANGE", "The time has passed.")
    if errors or worker is None:
        raise invalid(errors)
    names = ("scope", "user_id", *([place] if place else []), "private_comment", "will_expire")
    return worker, {name: sent[name] for name in names if sent.get(name) is not None}


def _exists(market: Market, place: str, ident: str) -> bool:
    if place == "project_id":
        return market.projects.find(ident) is not None
    return market.any_pool(ident) is not None


def put(market: Market, worker: Worker, sent: Form) -> Restriction:
    """Keep a worker out; one restriction per place, a later one replaces the earlier."""
    until = moments.read(sent["will_expire"]) if sent.get("will_expire") else None
    known = next((one for one in worker.restrictions.values() if _place(one.form) == _place(sent)), None)
    if known is None:
        known = Restriction(market.ids.number("restriction"), sent, market.now, until)
        worker.restrictions[known.id] = market.restrictions.add(known)
    else:
        known.form, known.will_expire = sent, until
    if until is not None:
        restriction = known
        market.at(until, lambda: _lapse(market, restriction, until))
    return known


def _place(sent: Form) -> tuple[Any, ...]:
    return sent["scope"], sent.get("project_id"), sent.get("pool_id")


def _lapse(market: Market, restriction: Restriction, due: datetime) -> None:
    if restriction.will_expire == due and market.restrictions.find(restriction.id) is restriction:
        _remove(market, restriction)


def lift(market: Market, restriction_id: str) -> None:
    restriction = market.restrictions.get(restriction_id)
    if restriction.form["scope"] == "SYSTEM":
        raise conflict("SYSTEM_SCOPE_MODIFICATION", "Only the platform lifts its own ban.")
    _remove(market, restriction)


def _remove(market: Market, restriction: Restriction) -> None:
    market.restrictions.remove(restriction.id)
    del market.workers.get(restriction.form["user_id"]).restrictions[restriction.id]


def covers(restriction: Restriction, pool: Pool) -> bool:
    scope = restriction.form["scope"]
    if scope == "PROJECT":
        return bool(restriction.form["project_id"] == pool.project_id)
    if scope == "POOL":
        return bool(restriction.form["pool_id"] == pool.id)
    return True
