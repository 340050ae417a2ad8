"""What the platform checks about a pool beyond its form: what it refers to must be there and fit."""

from collections.abc import Iterator
from typing import Any

from crowd.emulators.toloka import moments
from crowd.emulators.toloka.errors import FieldErrors, field_error, invalid
from crowd.emulators.toloka.filters import skills_of
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.quality import Collector
from crowd.emulators.toloka.records import ARCHIVED, Form, Pool, Project

WIDEST_RANGE = 32


def demand_fitting(market: Market, form: Form) -> None:
    """Refuse a pool that refers to what is not there."""
    errors: FieldErrors = {}
    project = market.projects.find(form["project_id"])
    if project is None:
        errors["project_id"] = _unknown("project")
    if "will_expire" in form and moments.read(form["will_expire"]) <= market.now:
        errors["will_expire"] = field_error("DATE_OUT_OF_RANGE", "The time has passed.")
    errors.update(unknown_skills(market, form))
    _training(market, form, errors)
    if project is not None:
        _dynamic_overlap(form, project, errors)
    if errors:
        raise invalid(errors)


def unknown_skills(market: Market, form: Form) -> FieldErrors:
    return {path: _unknown("skill") for path, skill_id in _skills(form) if market.skills.find(skill_id) is None}


def _unknown(noun: str) -> dict[str, Any]:
    return field_error("ENTITY_DOES_NOT_EXIST", f"There is no such {noun}.")


def _skills(form: Form) -> Iterator[tuple[str, str]]:
    for skill_id in sorted(skills_of(form.get("filter"))):
        yield "filter", skill_id
    if form.get("dynamic_pricing_config"):
        yield "dynamic_pricing_config.skill_id", form["dynamic_pricing_config"]["skill_id"]
    if form.get("dynamic_overlap_config"):
        yield "dynamic_overlap_config.answer_weight_skill_id", form["dynamic_overlap_config"]["answer_weight_skill_id"]
    for path, rule in rules_of(form):
        named = (rule["action"].get("parameters") or {}).get("skill_id")
        if named is not None:
            yield f"{path}.action.parameters.skill_id", str(named)


def configs_of(form: Form) -> list[Form]:
    return (form.get("quality_control") or {}).get("configs") or []


def rules_for(market: Market, pool: Pool) -> list[Form]:
    """Return the collectors and rules of a pool: its own, then those of its project."""
    return [*configs_of(pool.form), *configs_of(market.project_of(pool).form)]


def rules_of(form: Form) -> Iterator[tuple[str, Form]]:
    for number, config in enumerate(configs_of(form)):
        for index, rule in enumerate(config["rules"]):
            yield f"quality_control.configs.{number}.rules.{index}", rule


def _training(market: Market, form: Form, errors: FieldErrors) -> None:
    requirement = (form.get("quality_control") or {}).get("training_requirement")
    if requirement is None:
        return
    training = market.trainings.find(requirement["training_pool_id"])
    path = "quality_control.training_requirement.training_pool_id"
    if training is None:
        errors[path] = _unknown("training")
    elif training.project_id != form["project_id"] or training.status == ARCHIVED:
        errors[path] = field_error("ENTITY_CONFLICT", "The training is of another project or archived.")


def _dynamic_overlap(form: Form, project: Project, errors: FieldErrors) -> None:
    config = form.get("dynamic_overlap_config")
    if config is None:
        return
    default = form["defaults"].get("default_overlap_for_new_tasks") or 1
    if config["max_overlap"] <= default:
        errors["dynamic_overlap_config.max_overlap"] = field_error(
            "VALUE_LESS_THAN_MIN", "The maximum is above the default overlap.", default + 1
        )
    for index, wanted in enumerate(config["fields"]):
        path = f"dynamic_overlap_config.fields.{index}.name"
        spec = project.outputs.spec.get(wanted["name"])
        if spec is None:
            errors[path] = _unknown("output field")
        elif not options_of(spec):
            errors[path] = field_error("VALUE_NOT_ALLOWED", "The field has no limited set of answers.")


def options_of(spec: Any) -> list[Any]:
    """Return the possible answers of an output field: listed strings, booleans, integers of a narrow range."""
    if spec["type"] == "boolean":
        return [False, True]
    if spec.get("allowed_values"):
        return list(spec["allowed_values"])
    lowest, highest = spec.get("min_value"), spec.get("max_value")
    if spec["type"] != "integer" or lowest is None or highest is None or highest - lowest > WIDEST_RANGE:
        return []
    return list(range(lowest, highest + 1))


def with_collectors(market: Market, form: Form) -> Form:
    """Return the form with an id for every collector; pools that send the same id share the collector."""
    if not configs_of(form):
        return form
    configs = [_with_collector(market, config) for config in configs_of(form)]
    return {**form, "quality_control": {**form["quality_control"], "configs": configs}}


def _with_collector(market: Market, config: Form) -> Form:
    sent = config["collector_config"]
    uuid = sent.get("uuid") or market.ids.uuid()
    known = market.collectors.get(uuid)
    if known is None or known.type != sent["type"]:
        market.collectors[uuid] = Collector(uuid, sent["type"], sent.get("parameters") or {})
    else:
        known.parameters = sent.get("parameters") or {}
    return {**config, "collector_config": {**sent, "uuid": uuid}}
