"""Submissions: what people do, and what the researcher decides."""

from typing import Any

from crowd.emulators.prolific import studies
from crowd.emulators.prolific.errors import Refusal, invalid
from crowd.emulators.prolific.market import Market
from crowd.emulators.prolific.nouns import OPEN, Json, Line, Study, Submission, Workspace

LEAST_WORDS = 100
MOST_AT_ONCE = 1_000
CATEGORIES = frozenset(
    {
        "TOO_QUICKLY",
        "TOO_SLOWLY",
        "FAILED_INSTRUCTIONS",
        "INCOMP_LONGITUDINAL",
        "FAILED_CHECK",
        "LOW_EFFORT",
        "MALINGERING",
        "NO_CODE",
        "BAD_CODE",
        "NO_DATA",
        "UNSUPP_DEVICE",
        "OTHER",
    }
)
ENDS = {"complete": "AWAITING REVIEW", "return": "RETURNED", "time_out": "TIMED-OUT", "screen_out": "SCREENED OUT"}
FINAL = {"APPROVE": "APPROVED", "REJECT": "REJECTED"}


def shown(market: Market, one: Submission) -> Json:
    now = market.clock.now()
    return {
        "id": one.id,
        "study_id": one.study,
        "participant": one.participant,
        "status": one.status,
        "started_at": market.text_of(one.started_at),
        "completed_at": market.text_of(one.completed_at),
        "entered_code": one.entered_code,
        "bonus_payments": [float(amount) for shown_from, amount in one.bonuses if shown_from <= now],
        "return_requested": None,
    }


def listed(market: Market, one: Submission) -> Json:
    """The list spells the participant's key differently from the single submission."""
    row = shown(market, one)
    return {**row, "participant_id": row.pop("participant")}


# --- people ---
def is_eligible(market: Market, study: Study, participant: str) -> bool:
    for row in study.form.get("filters") or []:
        groups = [market.groups[one] for one in row.get("selected_values") or [] if one in market.groups]
        is_in = any(participant in group.people for group in groups)
        if row["filter_id"] == "participant_group_allowlist" and not is_in:
            return False
        if row["filter_id"] == "participant_group_blocklist" and is_in:
            return False
    return True


def take(market: Market, study_id: str, participant: str = "") -> Submission:
    """Let somebody take a place; ValueError says why not. Without an id it is a new person."""
    with market.lock:
        study, who = market.studies[study_id], participant or market.new_id()
        mine = [one for one in market.submissions_of(study) if one.participant == who]
        most = int((study.form.get("submissions_config") or {}).get("max_submissions_per_participant", 1))
        if study.status != "ACTIVE":
            raise ValueError(f"The study is {study.status}.")
        if market.places_taken(study) >= study.places:
            raise ValueError("All places are taken.")
        if not is_eligible(market, study, who):
            raise ValueError(f"{who} is not let in.")
        if any(one.status in OPEN for one in mine) or (most >= 0 and len(mine) >= most):
            raise ValueError(f"{who} has taken all that one person may take.")
        made = Submission(market.new_id(), study.id, who, market.clock.now())
        market.submissions[made.id] = made
        market.say("submission.status.change", made)
        return made


def address(market: Market, one: Submission) -> str:
    """Return where the person is sent to."""
    values = {"PROLIFIC_PID": one.participant, "STUDY_ID": one.study, "SESSION_ID": one.id}
    url = str(market.studies[one.study].form["external_study_url"])
    for name, value in values.items():
        url = url.replace("{{%" + name + "%}}", value)
    return url


def end(market: Market, submission_id: str, how: str, code: str | None = None) -> Submission:
    """Let the person finish, return or lose his page."""
    with market.lock:
        one = market.submissions[submission_id]
        if one.status not in OPEN:
            raise ValueError(f"The submission is {one.status} already.")
        one.status, one.completed_at, one.entered_code = ENDS[how], market.clock.now(), code
        market.say("submission.status.change", one)
        studies.settle(market, market.studies[one.study])
        return one


# --- the researcher ---
def decide(market: Market, workspace: Workspace, submission_id: str, body: Json) -> Json:
    """Decisions are final: the same one again changes nothing, the other one is refused."""
    one, action = market.submission(workspace, submission_id), str(body.get("action"))
    if action not in FINAL:
        raise invalid({"action": f"{action!r} is none of {', '.join(FINAL)}."})
    if action == "REJECT":
        _check_rejection(body)
    if one.status == FINAL[action]:
        return shown(market, one)
    if one.status not in {"AWAITING REVIEW", "TIMED-OUT", "RETURNED"}:
        raise Refusal(400, "Bad request", f"A submission that is {one.status} cannot {action}.")
    one.status = FINAL[action]
    if action == "APPROVE":
        workspace.lines.append(Line("reward", one.id, market.studies[one.study].reward))
    else:
        one.told = {"message": body["message"], "rejection_category": body["rejection_category"]}
    market.say("submission.status.change", one)
    studies.settle(market, market.studies[one.study])
    return shown(market, one)


def _check_rejection(body: Json) -> None:
    faults: Json = {}
    if len(str(body.get("message") or "")) < LEAST_WORDS:
        faults["message"] = f"At least {LEAST_WORDS} characters are expected."
    if body.get("rejection_category") not in CATEGORIES:
        faults["rejection_category"] = "This is not a category."
    if faults:
        raise invalid(faults)


def approve_many(market: Market, workspace: Workspace, body: Json) -> Any:
    ids = body.get("submission_ids") or []
    if not 0 < len(ids) <= MOST_AT_ONCE:
        raise invalid({"submission_ids": f"Between 1 and {MOST_AT_ONCE} ids are expected."})
    for one in ids:
        decide(market, workspace, str(one), {"action": "APPROVE"})
    return {"message": "The submissions are approved."}
