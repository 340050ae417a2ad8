"""Creating HITs and reading them."""

from datetime import datetime
from string import Template
from typing import Final
from xml.sax.saxutils import escape

from crowd.emulators.mturk.documents import SCHEMAS
from crowd.emulators.mturk.errors import invalid, refuse
from crowd.emulators.mturk.life import refresh
from crowd.emulators.mturk.limits import check_limits, seconds
from crowd.emulators.mturk.market import Answer, Market, Request
from crowd.emulators.mturk.nouns.hits import Hit, HitType
from crowd.emulators.mturk.operations.hit_types import hit_type_like
from crowd.emulators.mturk.questions import read_question
from crowd.emulators.mturk.reviews.policies import KNOWN_ANSWERS, PLURALITY, read_policy
from crowd.emulators.mturk.tokens import refuse_repeat, remember

_HTML_QUESTION: Final = (
    f'<HTMLQuestion xmlns="{SCHEMAS}2011-11-11/HTMLQuestion.xsd">'
    "<HTMLContent>{html}</HTMLContent><FrameHeight>0</FrameHeight></HTMLQuestion>"
)


def create_hit(market: Market, request: Request, now: datetime) -> Answer:
    """Publish a HIT and, if there is none with these values yet, its type."""
    refuse_repeat(market, "hit", request, now)
    _check(market, request)
    return _published(market, hit_type_like(market, request), request, now)


def create_hit_with_hit_type(market: Market, request: Request, now: datetime) -> Answer:
    refuse_repeat(market, "hit", request, now)
    _check(market, request)
    return _published(market, market.hit_type(request["HITTypeId"]), request, now)


def get_hit(market: Market, request: Request, now: datetime) -> Answer:
    del now
    return {"HIT": market.hit(request["HITId"]).as_answer()}


def list_hits(market: Market, request: Request, now: datetime) -> Answer:
    del now
    kept = (hit for hit in market.hits.values() if not hit.disposed)
    return market.listed(kept, request, "ListHITs", "HITs")


def list_reviewable_hits(market: Market, request: Request, now: datetime) -> Answer:
    del now
    status, type_id = request.get("Status", "Reviewable"), request.get("HITTypeId", "")
    found = (hit for hit in market.hits.values() if hit.status == status and type_id in ("", hit.type.id))
    return market.listed(found, request, f"ListReviewableHITs:{status}:{type_id}", "HITs")


def list_hits_for_qualification_type(market: Market, request: Request, now: datetime) -> Answer:
    del now
    wanted = market.qualification_type(request["QualificationTypeId"]).id
    found = (hit for hit in market.hits.values() if not hit.disposed and hit.type.requires(wanted))
    return market.listed(found, request, f"ListHITsForQualificationType:{wanted}", "HITs")


def _check(market: Market, request: Request) -> None:
    """Check all of a new HIT but its type, before anything is made."""
    check_limits(request)
    if ("Question" in request) == ("HITLayoutId" in request):
        raise invalid("Give either a Question or a HITLayoutId.")
    read_question(_question_xml(market, request))
    if "AssignmentReviewPolicy" in request:
        read_policy(request["AssignmentReviewPolicy"], KNOWN_ANSWERS)
    if "HITReviewPolicy" in request:
        read_policy(request["HITReviewPolicy"], PLURALITY)


def _question_xml(market: Market, request: Request) -> str:
    """Return the question itself, or the layout with its parameters filled in."""
    if "Question" in request:
        xml: str = request["Question"]
        return xml
    layout = market.layouts.get(request["HITLayoutId"])
    if layout is None:
        raise refuse("HITLayoutDoesNotExist", f"HITLayout {request['HITLayoutId']} does not exist.")
    values = {parameter["Name"]: parameter["Value"] for parameter in request.get("HITLayoutParameters", ())}
    try:
        return _HTML_QUESTION.format(html=escape(Template(layout).substitute(values)))
    except (KeyError, ValueError) as error:
        raise invalid(f"The layout's placeholder {error} has no HITLayoutParameter.") from None


def _published(market: Market, hit_type: HitType, request: Request, now: datetime) -> Answer:
    many = request.get("MaxAssignments", 1)
    market.books.require(many * (hit_type.reward + hit_type.fee(many)))
    hit = _new_hit(market, hit_type, request, now)
    market.hits[hit.id] = hit
    market.schedule(hit.expiration, "expire", hit.id)
    refresh(market, hit, now)
    remember(market, "hit", request, hit.id, now)
    market.tell("HITCreated", hit, now)
    return {"HIT": hit.as_answer()}


def _new_hit(market: Market, hit_type: HitType, request: Request, now: datetime) -> Hit:
    xml, many = _question_xml(market, request), request.get("MaxAssignments", 1)
    return Hit(
        id=market.ids.entity(),
        number=market.number(),
        type=hit_type,
        question=read_question(xml),
        question_xml=xml,
        max_assignments=many,
        created_with=many,
        created=now,
        expiration=now + seconds(request, "LifetimeInSeconds"),
        annotation=request.get("RequesterAnnotation"),
        layout_id=request.get("HITLayoutId"),
        assignment_policy=request.get("AssignmentReviewPolicy"),
        hit_policy=request.get("HITReviewPolicy"),
    )
