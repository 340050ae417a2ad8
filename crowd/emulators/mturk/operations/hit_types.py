"""CreateHITType, UpdateHITTypeOfHIT: what HITs of a group share, and moving a HIT to another group."""

from datetime import datetime

from crowd.emulators.mturk.errors import wrong_state
from crowd.emulators.mturk.life import refresh
from crowd.emulators.mturk.limits import MONTH, check_limits, seconds
from crowd.emulators.mturk.market import Answer, Market, Request
from crowd.emulators.mturk.money import read_amount
from crowd.emulators.mturk.nouns.hits import HitType
from crowd.emulators.mturk.requirements import check_requirements


def create_hit_type(market: Market, request: Request, now: datetime) -> Answer:
    del now
    return {"HITTypeId": hit_type_like(market, request).id}


def hit_type_like(market: Market, request: Request) -> HitType:
    """Return the type with these values; a new one only if there is none yet."""
    check_limits(request)
    requirements = list(request.get("QualificationRequirements", ()))
    check_requirements(market, requirements)
    wanted = HitType(
        id="",
        group_id="",
        title=request["Title"],
        description=request["Description"],
        keywords=request.get("Keywords"),
        reward=read_amount(request["Reward"]),
        duration=seconds(request, "AssignmentDurationInSeconds"),
        auto_approval=seconds(request, "AutoApprovalDelayInSeconds", MONTH),
        requirements=requirements,
    )
    known = next((found for found in market.hit_types.values() if _alike(found, wanted)), None)
    return known or _added(market, wanted)


def update_hit_type_of_hit(market: Market, request: Request, now: datetime) -> Answer:
    """Give a HIT the price and text of another type; what was handed in keeps the price of its time."""
    hit, new = market.hit(request["HITId"]), market.hit_type(request["HITTypeId"])
    if hit.disposed:
        raise wrong_state("HIT", hit.status, "Assignable, Unassignable, Reviewable, Reviewing")
    cost = new.reward + new.fee(hit.max_assignments)
    market.books.require(cost * (hit.places + hit.pending) - hit.held)
    hit.type = new
    refresh(market, hit, now)
    return {}


def _alike(one: HitType, other: HitType) -> bool:
    return (
        (one.title, one.description, one.keywords, one.reward, one.duration, one.auto_approval)
        == (other.title, other.description, other.keywords, other.reward, other.duration, other.auto_approval)
    ) and one.requirements == other.requirements


def _added(market: Market, hit_type: HitType) -> HitType:
    hit_type.id, hit_type.group_id = market.ids.entity(), market.ids.entity()
    market.hit_types[hit_type.id] = hit_type
    return hit_type
