"""What a lead turns after a project is made: settings of its stages, checked by the kind's own schema, on record."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, Literal

from django.db import transaction
from pydantic import ValidationError
from pydantic.fields import FieldInfo

from crowd.errors import CrowdError
from curation.models import Event, Pool, Stage, User
from curation.recipes.loading import first_fault
from curation.services import events, jobs, versions
from curation.stages.base import StageSettings
from curation.stages.registry import stage_kind

KIND = "stage.settings"
IN_LAB: Final = "aggregate"  # its settings are tried and applied in the lab, as numbered versions
# Crowd stages: what their work reads each time, and what can no longer move once pools ask people in those words.
AT_ONCE: Final[Mapping[str, frozenset[str]]] = {
    "collect": frozenset({"every", "min_seconds", "max_seconds", "min_long", "min_short"}),
    "validate": frozenset({"stop", "tau", "most_overlap", "undecided"}),
}
FIXED: Final[Mapping[str, frozenset[str]]] = {
    "collect": frozenset({"sends", "media"}),
    "validate": frozenset({"options", "multiple", "overlap"}),
    "boxes": frozenset({"labels", "flags", "overlap"}),
}
Effect = Literal["now", "new pools", "fixed"]


class BadSettings(CrowdError):
    """Settings the schema refuses: a sentence for each field, and one for the whole."""

    def __init__(self, error: ValidationError) -> None:
        super().__init__(first_fault(error))
        self.fields = {
            str(fault["loc"][0]): fault["msg"].removeprefix("Value error, ") for fault in error.errors() if fault["loc"]
        }


def schema_of(stage: Stage) -> type[StageSettings]:
    return stage_kind(stage.kind).Settings


def values_of(stage: Stage) -> dict[str, Any]:
    """Return what is set, the usual values included; what was stored and is no longer valid is returned as it is."""
    schema = schema_of(stage)
    try:
        return schema.model_validate(stage.settings).model_dump(mode="json")
    except ValidationError:
        return {name: stage.settings.get(name, usual_value(field)) for name, field in schema.model_fields.items()}


def usual_value(field: FieldInfo) -> Any:
    """Return what holds when nothing is said, as JSON has it; nothing for what must be said."""
    value: Any = None if field.is_required() else field.get_default(call_default_factory=True)
    return value.model_dump(mode="json") if hasattr(value, "model_dump") else value


def effect_of(stage: Stage, name: str) -> Effect:
    """Say what a change of this setting moves: work from now on, pools made from now on, or nothing any more."""
    if stage_kind(stage.kind).does != "crowd":
        return "now"
    if name in FIXED.get(stage.kind, frozenset()):
        return "fixed"
    return "now" if name in AT_ONCE.get(stage.kind, frozenset()) else "new pools"


@transaction.atomic
def change(*, stage_id: int, given: Mapping[str, Any], by: User, now: datetime) -> list[str]:
    """Set what is given, leave the rest, and return what has changed. BadSettings names each field that is wrong."""
    stage = Stage.objects.select_for_update().select_related("project").get(pk=stage_id)
    if stage.kind == IN_LAB:
        raise CrowdError("These settings are tried and applied in the lab.")
    old = values_of(stage)
    try:
        new = schema_of(stage).model_validate({**old, **given}).model_dump(mode="json")
    except ValidationError as error:
        raise BadSettings(error) from None
    changed = [name for name in new if new[name] != old[name]]
    if not changed:
        return []
    _refuse_fixed(stage, changed)
    stage.settings = {**stage.settings, **{name: new[name] for name in changed}}
    stage.save(update_fields=["settings"])
    _record(stage, {name: [old[name], new[name]] for name in changed}, by, now)
    jobs.hasten(kind="work_stage", key=str(stage.pk))
    versions.bump(project_id=stage.project_id)
    return changed


def _refuse_fixed(stage: Stage, changed: list[str]) -> None:
    stuck = [name for name in changed if effect_of(stage, name) == "fixed"]
    if stuck and Pool.objects.filter(stage=stage).exists():
        words = ", ".join(name.replace("_", " ") for name in stuck)
        raise CrowdError(f"Pools of {stage.title} ask people in these words already: {words} cannot change any more.")


def _record(stage: Stage, changes: Mapping[str, list[Any]], by: User, now: datetime) -> None:
    words = "; ".join(f"{name}: {_short(old)} → {_short(new)}" for name, (old, new) in changes.items())
    text = f"{by.name} changed {stage.title}: {words}"
    data = {"changes": changes}
    events.record(kind=KIND, text=text, project=stage.project, subject=stage, by=by, data=data, now=now)


def _short(value: Any) -> str:
    text = "none" if value is None else str(value)
    return text if len(text) <= 30 else f"{text[:29]}…"


def history(*, stage: Stage, limit: int = 20) -> list[Event]:
    """Return the changes of a stage's settings, newest first."""
    rows = Event.objects.filter(kind=KIND, subject_type="stage", subject_id=stage.pk).select_related("by")
    return list(rows.order_by("-id")[:limit])


def take_back(*, stage: Stage, event_id: int, by: User, now: datetime) -> list[str]:
    """Set what one change of the record moved to what it was before it; a new entry, nothing is rewritten."""
    event = Event.objects.get(pk=event_id, kind=KIND, subject_type="stage", subject_id=stage.pk)
    return change(
        stage_id=stage.pk, given={name: old for name, (old, _) in event.data["changes"].items()}, by=by, now=now
    )
