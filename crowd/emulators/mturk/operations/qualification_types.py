"""Creating, changing, deleting and finding qualification types."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Final

from crowd.emulators.mturk.answer_key import check_answer_key
from crowd.emulators.mturk.errors import invalid, refuse
from crowd.emulators.mturk.limits import check_limits, optional_seconds
from crowd.emulators.mturk.market import Answer, Market, Request
from crowd.emulators.mturk.nouns.qualifications import QualificationType
from crowd.emulators.mturk.questions import read_test

NAME_RESERVED: Final = timedelta(hours=48)


def create_qualification_type(market: Market, request: Request, now: datetime) -> Answer:
    check_limits(request)
    _check_name_is_free(market, request["Name"], now)
    _check_test(request)
    auto_granted = request.get("AutoGranted", False)
    made = QualificationType(
        id=market.ids.entity(),
        number=market.number(),
        created=now,
        name=request["Name"],
        description=request["Description"],
        keywords=request.get("Keywords"),
        status=request["QualificationTypeStatus"],
        retry_delay=optional_seconds(request, "RetryDelayInSeconds"),
        auto_granted=auto_granted,
        auto_granted_value=request.get("AutoGrantedValue", 1) if auto_granted else None,
    )
    _take_test(made, request)
    market.qualification_types[made.id] = made
    return {"QualificationType": made.as_answer()}


def get_qualification_type(market: Market, request: Request, now: datetime) -> Answer:
    del now
    return {"QualificationType": market.qualification_type(request["QualificationTypeId"]).as_answer()}


def update_qualification_type(market: Market, request: Request, now: datetime) -> Answer:
    """Change what is given; a test comes with its duration and its key, and can never be taken away."""
    del now
    check_limits(request)
    found = own_type(market, request["QualificationTypeId"])
    _check_test(request, has_test=found.test is not None)
    found.description = request.get("Description", found.description)
    found.status = request.get("QualificationTypeStatus", found.status)
    found.retry_delay = optional_seconds(request, "RetryDelayInSeconds") or found.retry_delay
    if "AutoGranted" in request:
        found.auto_granted = request["AutoGranted"]
        found.auto_granted_value = request.get("AutoGrantedValue", 1) if found.auto_granted else None
    _take_test(found, request)
    return {"QualificationType": found.as_answer()}


def delete_qualification_type(market: Market, request: Request, now: datetime) -> Answer:
    """Delete a type, the HIT types that use it and what is asked for; granted qualifications stay for active HITs."""
    found = own_type(market, request["QualificationTypeId"])
    found.status, found.deleted = "Disposing", now
    for hit_type in [used for used in market.hit_types.values() if used.requires(found.id)]:
        del market.hit_types[hit_type.id]
    for asked in market.qualification_requests.values():
        if asked.type_id == found.id and asked.state in ("Open", "Pending"):
            asked.state = "Rejected"
    return {}


def list_qualification_types(market: Market, request: Request, now: datetime) -> Answer:
    del now
    query, requestable = request.get("Query", ""), request["MustBeRequestable"]
    own = request.get("MustBeOwnedByCaller", False)
    found = (
        listed
        for listed in _living(market)
        if (listed.requestable or not requestable) and not (own and listed.system) and _speaks_of(listed, query)
    )
    scope = f"ListQualificationTypes:{requestable}:{own}:{query}"
    return market.listed(found, request, scope, "QualificationTypes")


def own_type(market: Market, type_id: str) -> QualificationType:
    found = market.qualification_type(type_id)
    if found.system:
        raise refuse("PermissionDeniedException", f"QualificationType {type_id} belongs to the service.")
    return found


def _living(market: Market) -> Iterator[QualificationType]:
    return (found for found in market.qualification_types.values() if found.status != "Disposing")


def _speaks_of(found: QualificationType, query: str) -> bool:
    text = f"{found.name} {found.description} {found.keywords or ''}".lower()
    return all(word in text for word in query.lower().split())


def _check_name_is_free(market: Market, name: str, now: datetime) -> None:
    """A deleted type keeps its name for two days, and longer while HITs use it."""
    for found in market.qualification_types.values():
        gone = found.deleted and now - found.deleted >= NAME_RESERVED and not _used(market, found)
        if found.name == name and not gone and not found.system:
            raise refuse(
                "QualificationTypeAlreadyExists",
                "You have already created a QualificationType with this name. A QualificationType's name must be "
                "unique among all of the QualificationTypes created by the same user.",
            )


def _used(market: Market, found: QualificationType) -> bool:
    return any(hit.type.requires(found.id) for hit in market.hits.values() if not hit.disposed)


def _check_test(request: Request, *, has_test: bool = False) -> None:
    if "Test" in request and "TestDurationInSeconds" not in request:
        raise invalid("A Test needs TestDurationInSeconds.")
    if "AnswerKey" in request and "Test" not in request:
        raise invalid("An AnswerKey needs the Test that it grades.")
    if request.get("AutoGranted") and ("Test" in request or has_test):
        raise invalid("A type with a Test cannot be AutoGranted.")
    if "AutoGrantedValue" in request and not request.get("AutoGranted"):
        raise invalid("AutoGrantedValue needs AutoGranted.")
    if "AnswerKey" in request:
        check_answer_key(request["AnswerKey"])


def _take_test(found: QualificationType, request: Request) -> None:
    if "Test" in request:
        found.test_fields = read_test(request["Test"])
        found.test, found.answer_key = request["Test"], request.get("AnswerKey")
        found.test_duration = optional_seconds(request, "TestDurationInSeconds")
