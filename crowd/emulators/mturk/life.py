"""What happens to HITs and assignments by themselves, and what follows from every change."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Final

from crowd.emulators.mturk.errors import refuse
from crowd.emulators.mturk.market import Market
from crowd.emulators.mturk.money import MANY_ASSIGNMENTS
from crowd.emulators.mturk.nouns.assignments import Assignment
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.emulators.mturk.reviews.plurality import review_agreement

KEPT: Final = timedelta(days=120)


def catch_up(market: Market, now: datetime) -> None:
    """Let everything happen that is due, each at its own time and in its order."""
    while due := market.next_due(now):
        _HAPPENS[due.kind](market, due.entity_id, due.at)


def refresh(market: Market, hit: Hit, now: datetime) -> None:
    """Bring the money on hold and the state of a HIT in line after a change."""
    _hold(market, hit, now)
    if hit.status in ("Assignable", "Unassignable"):
        hit.reviewing, hit.reviewable_since = False, None
    if hit.status == "Assignable":
        market.open_hits[hit.id] = hit
    else:
        market.open_hits.pop(hit.id, None)
    before, hit.last_status = hit.last_status, hit.status
    if hit.status == "Reviewable" and before not in ("Reviewable", "Reviewing"):
        _became_reviewable(market, hit, now)


def extend(market: Market, hit: Hit, by: int, now: datetime, *, at_least_until: datetime | None = None) -> None:
    """Add places to a HIT; InvalidMaximumAssignmentsIncrease over the border of nine, InsufficientFunds."""
    if hit.created_with < MANY_ASSIGNMENTS <= hit.max_assignments + by:
        raise refuse(
            "InvalidMaximumAssignmentsIncrease",
            f"HIT {hit.id} was created with {hit.created_with} assignments. HITs created with fewer than "
            f"{MANY_ASSIGNMENTS} assignments cannot be extended to have {MANY_ASSIGNMENTS} or more.",
        )
    until = max(hit.expiration, at_least_until or hit.expiration)
    open_again = until > now
    market.books.require(hit.cost * (hit.places_if_open + by - hit.places) if open_again else 0)
    hit.max_assignments += by
    move_expiration(market, hit, until, now)
    market.tell("HITExtended", hit, now)


def move_expiration(market: Market, hit: Hit, until: datetime, now: datetime) -> None:
    """Set when a HIT ends; a time that has passed ends it at once, a later one opens what is left of it again."""
    if until <= now:
        hit.expiration = until
        _expire(market, hit, now)
        return
    market.books.require(hit.cost * (hit.places_if_open - hit.places))
    hit.expiration, hit.expired = until, False
    market.schedule(until, "expire", hit.id)
    refresh(market, hit, now)


def settle_reward(market: Market, assignment: Assignment, now: datetime) -> None:
    """Pay a worker's reward and the fee; what was released by a rejection has to be found again."""
    names = {"hit": assignment.hit_id, "assignment": assignment.id, "worker": assignment.worker_id}
    if not assignment.held:
        market.books.move("hold", assignment.reward + assignment.fee, now, **names)
    market.books.move("reward", assignment.reward, now, **names)
    market.books.move("fee", assignment.fee, now, **names)
    assignment.held = 0


def approve(market: Market, assignment: Assignment, now: datetime, feedback: str | None = None) -> None:
    """Pay and mark an assignment that was handed in, also one that was rejected before."""
    settle_reward(market, assignment, now)
    worker = market.worker(assignment.worker_id)
    worker.approved += 1
    worker.rejected -= assignment.state == "Rejected"
    assignment.state, assignment.approved = "Approved", now
    assignment.feedback = feedback or assignment.feedback
    market.tell("AssignmentApproved", market.hit(assignment.hit_id), now, assignment.id)


def reject(market: Market, assignment: Assignment, now: datetime, feedback: str) -> None:
    market.books.move(
        "release", assignment.held, now, hit=assignment.hit_id, assignment=assignment.id, worker=assignment.worker_id
    )
    market.worker(assignment.worker_id).rejected += 1
    assignment.held, assignment.state, assignment.rejected, assignment.feedback = 0, "Rejected", now, feedback
    market.tell("AssignmentRejected", market.hit(assignment.hit_id), now, assignment.id)


def dispose(market: Market, hit: Hit, now: datetime) -> None:
    hit.disposed = True
    refresh(market, hit, now)
    market.tell("HITDisposed", hit, now)


def _hold(market: Market, hit: Hit, now: datetime) -> None:
    wanted = hit.cost * (hit.places + hit.pending)
    if wanted > hit.held:
        market.books.move("hold", wanted - hit.held, now, hit=hit.id)
    else:
        market.books.move("release", hit.held - wanted, now, hit=hit.id)
    hit.held = wanted


def _became_reviewable(market: Market, hit: Hit, now: datetime) -> None:
    """Compare the answers if a policy asks for it; a policy may open the HIT again."""
    hit.reviewable_since = now
    if hit.hit_policy and (wish := review_agreement(market, hit, now, approve=approve, reject=reject)):
        wish.carry_out(lambda: extend(market, hit, 1, now, at_least_until=now + wish.least_time))
    if hit.status == "Reviewable":
        market.schedule(now + KEPT, "dispose", hit.id)
        market.tell("HITReviewable", hit, now)


def _expire(market: Market, hit: Hit, now: datetime) -> None:
    if hit.expired:
        return
    hit.expired = True
    market.tell("HITExpired", hit, now)
    refresh(market, hit, now)


def _hit_ends(market: Market, hit_id: str, at: datetime) -> None:
    hit = market.hit(hit_id)
    if hit.expiration == at and not hit.disposed:
        _expire(market, hit, at)


def _time_is_up(market: Market, assignment_id: str, at: datetime) -> None:
    assignment = market.assignment(assignment_id)
    if assignment.state == "Accepted":
        give_back(market, assignment, at, abandoned=True)


def give_back(market: Market, assignment: Assignment, now: datetime, *, abandoned: bool = False) -> None:
    """Open the place of an accepted assignment again."""
    hit = market.hit(assignment.hit_id)
    assignment.state = "Abandoned" if abandoned else "Returned"
    market.tell(f"Assignment{assignment.state}", hit, now, assignment.id)
    refresh(market, hit, now)


def _approves_itself(market: Market, assignment_id: str, at: datetime) -> None:
    assignment = market.assignment(assignment_id)
    if assignment.state == "Submitted":
        approve(market, assignment, at)


def _is_forgotten(market: Market, hit_id: str, at: datetime) -> None:
    hit = market.hit(hit_id)
    if not hit.disposed and hit.reviewable_since and hit.reviewable_since + KEPT == at:
        dispose(market, hit, at)


_HAPPENS: Final[dict[str, Callable[[Market, str, datetime], None]]] = {
    "expire": _hit_ends,
    "deadline": _time_is_up,
    "approve": _approves_itself,
    "dispose": _is_forgotten,
}
