"""Requests of workers for qualifications, and the values that workers have."""

from datetime import datetime

from crowd.emulators.mturk.errors import refuse, wrong_state
from crowd.emulators.mturk.limits import check_limits
from crowd.emulators.mturk.market import Answer, Market, Request
from crowd.emulators.mturk.nouns.qualifications import Qualification, QualificationRequest
from crowd.emulators.mturk.operations.qualification_types import own_type


def list_qualification_requests(market: Market, request: Request, now: datetime) -> Answer:
    del now
    type_id = request.get("QualificationTypeId", "")
    if type_id:
        own_type(market, type_id)
    found = (
        asked
        for asked in market.qualification_requests.values()
        if asked.state == "Pending" and type_id in ("", asked.type_id)
    )
    return market.listed(found, request, f"ListQualificationRequests:{type_id}", "QualificationRequests")


def accept_qualification_request(market: Market, request: Request, now: datetime) -> Answer:
    asked = _pending(market, request)
    asked.state = "Granted"
    grant(market, asked.type_id, asked.worker_id, request.get("IntegerValue", 1), now)
    return {}


def reject_qualification_request(market: Market, request: Request, now: datetime) -> Answer:
    asked = _pending(market, request)
    asked.state = "Rejected"
    market.mail(asked.worker_id, "Your qualification request was rejected", request.get("Reason", ""), now)
    return {}


def associate_qualification_with_worker(market: Market, request: Request, now: datetime) -> Answer:
    """Give a value without being asked; the worker is told unless SendNotification is false."""
    found = own_type(market, request["QualificationTypeId"])
    worker = market.worker(request["WorkerId"])
    grant(market, found.id, worker.id, request.get("IntegerValue", 1), now)
    if request.get("SendNotification", True):
        market.mail(worker.id, f"You have been granted the qualification {found.name}", found.description, now)
    return {}


def disassociate_qualification_from_worker(market: Market, request: Request, now: datetime) -> Answer:
    check_limits({name: value for name, value in request.items() if name != "Reason"})
    found = _granted(market, request)
    found.status = "Revoked"
    market.mail(found.worker_id, "A qualification was revoked", request.get("Reason", ""), now)
    return {}


def get_qualification_score(market: Market, request: Request, now: datetime) -> Answer:
    del now
    return {"Qualification": _granted(market, request).as_answer()}


def list_workers_with_qualification_type(market: Market, request: Request, now: datetime) -> Answer:
    del now
    wanted, status = own_type(market, request["QualificationTypeId"]).id, request.get("Status", "Granted")
    found = (held for held in market.qualifications.values() if held.type_id == wanted and held.status == status)
    scope = f"ListWorkersWithQualificationType:{wanted}:{status}"
    return market.listed(found, request, scope, "Qualifications")


def grant(market: Market, type_id: str, worker_id: str, value: int, now: datetime) -> None:
    """Set a worker's value; a second grant changes the first."""
    known = market.qualifications.get((type_id, worker_id))
    if known:
        known.value, known.granted, known.status = value, now, "Granted"
    else:
        market.qualifications[type_id, worker_id] = Qualification(type_id, market.number(), worker_id, now, value)


def _pending(market: Market, request: Request) -> QualificationRequest:
    request_id = request["QualificationRequestId"]
    asked = market.qualification_requests.get(request_id)
    if asked is None:
        raise refuse("QualificationRequestDoesNotExist", f"QualificationRequest {request_id} does not exist.")
    if asked.state != "Pending":
        raise wrong_state("QualificationRequest", asked.state, "Pending")
    return asked


def _granted(market: Market, request: Request) -> Qualification:
    type_id, worker_id = own_type(market, request["QualificationTypeId"]).id, request["WorkerId"]
    found = market.qualifications.get((type_id, worker_id))
    if found is None:
        raise refuse(
            "QualificationDoesNotExist",
            f"You requested a Qualification that does not exist. Worker {worker_id} has none of type {type_id}.",
        )
    if found.status != "Granted":
        raise wrong_state("Qualification", found.status, "Granted")
    return found
