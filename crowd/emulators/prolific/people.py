"""Participant groups and filters."""

from typing import Any

from crowd.emulators.prolific.errors import invalid, not_found
from crowd.emulators.prolific.market import CHOICES, Market
from crowd.emulators.prolific.nouns import Group, Json, Workspace


def filters(_market: Market, _workspace: Workspace) -> list[Json]:
    selects = [
        {"filter_id": name, "type": "select", "choices": {str(number): title for number, title in enumerate(titles)}}
        for name, titles in CHOICES.items()
    ]
    return [*selects, {"filter_id": "approval_rate", "type": "range", "min": 0, "max": 100}]


def shown(group: Group) -> Json:
    return {"id": group.id, "name": group.name, "workspace_id": group.workspace, "participant_count": len(group.people)}


def groups(market: Market, workspace: Workspace) -> list[Json]:
    return [shown(one) for one in market.groups.values() if one.workspace == workspace.id]


def create(market: Market, workspace: Workspace, body: Json) -> Json:
    name = str(body.get("name") or "")
    if body.get("workspace_id") != workspace.id:
        raise not_found("workspace", str(body.get("workspace_id")))
    if not name:
        raise invalid({"name": "This field is required."})
    made = Group(market.new_id(), workspace.id, name, set(body.get("participant_ids") or []))
    market.groups[made.id] = made
    return shown(made)


def members(market: Market, workspace: Workspace, one: str) -> Json:
    group = market.own(market.groups, workspace, one, "participant group")
    return {"results": [{"participant_id": person} for person in sorted(group.people)]}


def add(market: Market, workspace: Workspace, one: str, body: Json) -> Any:
    group = market.own(market.groups, workspace, one, "participant group")
    group.people |= set(body.get("participant_ids") or [])
    return members(market, workspace, one)


def remove(market: Market, workspace: Workspace, one: str, body: Json) -> Any:
    group = market.own(market.groups, workspace, one, "participant group")
    group.people -= set(body.get("participant_ids") or [])
    return members(market, workspace, one)
