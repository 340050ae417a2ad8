"""Studies and their life."""

from typing import Any

from crowd.emulators.prolific.errors import Refusal, invalid
from crowd.emulators.prolific.market import Market
from crowd.emulators.prolific.money import books, require_funds, total_cost
from crowd.emulators.prolific.nouns import OPEN, Json, Study, Workspace

REQUIRED = {
    "name": str,
    "description": str,
    "external_study_url": str,
    "prolific_id_option": str,
    "completion_codes": list,
    "total_available_places": int,
    "estimated_completion_time": int,
    "reward": int,
}
KNOWN = frozenset(REQUIRED) | {
    "internal_name",
    "metadata",
    "project",
    "maximum_allowed_time",
    "device_compatibility",
    "peripheral_requirements",
    "submissions_config",
    "study_labels",
    "filters",
}
STILL_OPEN_TO_CHANGE = frozenset({"internal_name", "total_available_places"})
FILTERS = frozenset({"current-country-of-residence", "fluent-languages", "approval_rate"}) | {
    "participant_group_allowlist",
    "participant_group_blocklist",
}
MOVES = {
    "PUBLISH": (frozenset({"UNPUBLISHED"}), "ACTIVE"),
    "PAUSE": (frozenset({"ACTIVE"}), "PAUSED"),
    "START": (frozenset({"PAUSED"}), "ACTIVE"),
    "STOP": (frozenset({"ACTIVE", "PAUSED"}), "AWAITING REVIEW"),
}


def shown(market: Market, study: Study) -> Json:
    taken = market.places_taken(study)
    return {**study.form, "id": study.id, "status": study.status, "places_taken": taken}


def create(market: Market, workspace: Workspace, body: Json) -> Json:
    _check(market, workspace, body, required=True)
    if body.get("project", workspace.project) != workspace.project:
        raise invalid({"project": "The project is not in a workspace of yours."})
    study = Study(market.new_id(), workspace.id, {"internal_name": body["name"], **body})
    market.studies[study.id] = study
    return shown(market, study)


def change(market: Market, workspace: Workspace, one: str, body: Json) -> Json:
    study = market.study(workspace, one)
    _check(market, workspace, body, required=False)
    if study.status != "UNPUBLISHED":
        _change_published(market, workspace, study, body)
    study.form = {**study.form, **body}
    settle(market, study)
    return shown(market, study)


def _change_published(market: Market, workspace: Workspace, study: Study, body: Json) -> None:
    if strange := sorted(set(body) - STILL_OPEN_TO_CHANGE):
        raise invalid(dict.fromkeys(strange, "This cannot change after the study is published."))
    more = int(body.get("total_available_places", study.places)) - study.places
    if more < 0:
        raise invalid({"total_available_places": "Places can only become more."})
    require_funds(market, workspace, total_cost(more * study.reward))


def _check(market: Market, workspace: Workspace, body: Json, *, required: bool) -> None:
    faults: Json = dict.fromkeys(sorted(set(body) - KNOWN), "Unknown field.")
    for name, kind in REQUIRED.items():
        if name not in body and required:
            faults[name] = "This field is required."
        elif name in body and (not isinstance(body[name], kind) or isinstance(body[name], bool) or not body[name]):
            faults[name] = f"A {kind.__name__} that is not empty is expected."
    if "{{%SESSION_ID%}}" not in str(body.get("external_study_url", "{{%SESSION_ID%}}")):
        faults["external_study_url"] = "The parameters of the address are missing."
    for row in body.get("filters") or []:
        faults |= _faults_of_filter(market, workspace, row)
    if faults:
        raise invalid(faults)


def _faults_of_filter(market: Market, workspace: Workspace, row: Any) -> Json:
    name = row.get("filter_id")
    if name not in FILTERS:
        return {"filters": f"There is no filter {name!r}."}
    if "group" in name:
        mine = {one.id for one in market.groups.values() if one.workspace == workspace.id}
        strange = set(row["selected_values"]) - mine
        return {"filters": f"There is no group {', '.join(sorted(strange))}."} if strange else {}
    return {}


def move(market: Market, workspace: Workspace, one: str, body: Json) -> Json:
    study, action = market.study(workspace, one), body.get("action")
    if action not in MOVES:
        raise invalid({"action": f"{action!r} is none of {', '.join(MOVES)}."})
    allowed, target = MOVES[action]
    if study.status not in allowed:
        raise Refusal(400, "Bad request", f"A study that is {study.status} cannot {action}.")
    if action == "PUBLISH":
        require_funds(market, workspace, total_cost(study.places * study.reward))
    study.status, study.is_stopped = target, action == "STOP"
    market.say("study.status.change", study)
    settle(market, study)
    return shown(market, study)


def settle(market: Market, study: Study) -> None:
    """A study whose places are all used and handed in waits for the review; one that was judged wholly is over."""
    rows = market.submissions_of(study)
    if study.status == "ACTIVE" and market.places_taken(study) >= study.places:
        if not any(one.status in OPEN for one in rows):
            study.status = "AWAITING REVIEW"
            market.say("study.status.change", study)
    elif study.status == "AWAITING REVIEW" and not study.is_stopped and market.places_taken(study) < study.places:
        study.status = "ACTIVE"  # a rejected place is free again
    if study.status == "AWAITING REVIEW" and all(one.status not in {*OPEN, "AWAITING REVIEW"} for one in rows):
        study.status = "COMPLETED"
        market.say("study.status.change", study)


def cost(market: Market, workspace: Workspace, one: str) -> Json:
    study = market.study(workspace, one)
    total = total_cost(study.places * study.reward)
    return {"total_cost": total, "available_balance": books(market, workspace)["available"]}
