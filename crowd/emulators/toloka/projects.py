"""Projects: what a task looks like."""

from typing import Any

from crowd.emulators.toloka import operations
from crowd.emulators.toloka.checks import demand
from crowd.emulators.toloka.errors import conflict, invalid, wrong_status
from crowd.emulators.toloka.fields import compiled
from crowd.emulators.toloka.forms import PROJECT
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.pool_forms import unknown_skills, with_collectors
from crowd.emulators.toloka.records import ACTIVE, ARCHIVED, Form, Operation, Project

_VIEW = ("id", "owner", "status", "created")
_DEFAULTS: Form = {"assignments_automerge_enabled": False}


def create(market: Market, body: Any) -> Project:
    form = _fitting(market, body)
    market.quotas.spend("create project", market.now)
    inputs, outputs = form["task_spec"]["input_spec"], form["task_spec"]["output_spec"]
    ident = market.ids.number("project")
    return market.projects.add(Project(ident, form, market.now, compiled(inputs), compiled(outputs)))


def update(market: Market, project_id: str, body: Any) -> Project:
    project = market.projects.get(project_id)
    if project.status != ACTIVE:
        raise wrong_status("The project", project.status, [ACTIVE], "PROJECT_INAPPROPRIATE_STATUS")
    project.form = _fitting(market, body)
    project.inputs = compiled(project.form["task_spec"]["input_spec"])
    project.outputs = compiled(project.form["task_spec"]["output_spec"])
    return project


def archive(market: Market, project_id: str) -> Operation | None:
    """Archive a project whose pools are archived; None when it is so already."""
    project = market.projects.get(project_id)
    if project.status == ARCHIVED:
        return None
    _demand_archived_pools(market, project)

    def work(_: Operation) -> None:
        _demand_archived_pools(market, project)
        project.status = ARCHIVED

    return operations.start(market, "PROJECT.ARCHIVE", {"project_id": project.id}, work)


def difference(market: Market, project_id: str, body: Any) -> Form:
    """Say whether an update changes what tasks are made of."""
    project, form = market.projects.get(project_id), _form(body)
    if form == project.form:
        return {"differenceLevel": "EQUAL"}
    specs = ("input_spec", "output_spec")
    same = all(form["task_spec"][name] == project.form["task_spec"][name] for name in specs)
    return {"differenceLevel": "NON_BREAKING_CHANGE" if same else "BREAKING_CHANGE"}


def _fitting(market: Market, body: Any) -> Form:
    """Read a form; its rules hold in every pool of the project."""
    form = _form(body)
    errors = unknown_skills(market, form)
    if errors:
        raise invalid(errors)
    return with_collectors(market, form)


def _form(body: Any) -> Form:
    sent = demand(PROJECT, body)
    return {**_DEFAULTS, **{name: value for name, value in sent.items() if name not in _VIEW}}


def _demand_archived_pools(market: Market, project: Project) -> None:
    pools = [*market.pools, *market.trainings]
    left = [pool.id for pool in pools if pool.project_id == project.id and pool.status != ARCHIVED]
    if left:
        raise conflict("UNARCHIVED_POOLS_CONFLICT", "Archive all pools first.", {"pool_ids": left})
