"""What the checks do with pictures that repeat or resemble: settings of the stage, changed by a lead, on record."""

from dataclasses import asdict, dataclass
from datetime import datetime

from django.db import transaction

from crowd.errors import CrowdError
from curation.models import Project, Stage, User
from curation.services import cuts, events, versions

ACTIONS = {
    "same_photo": ("reject", "hold"),
    "edited_templates": ("hold", "reject"),
    "same_scene": ("pass", "hold"),
}
MOST_PER_SCENE = 1000


@dataclass(frozen=True, slots=True)
class PictureRules:
    """The first of ACTIONS is the usual one; `most_per_scene` 0 = as many as a worker likes."""

    same_photo: str = "reject"
    edited_templates: str = "hold"
    same_scene: str = "pass"
    most_per_scene: int = 0


def rules_of(project: Project) -> PictureRules:
    stage = cuts.stage_of(project)
    stored = stage.settings if stage else {}
    return PictureRules(**{name: stored[name] for name in asdict(PictureRules()) if name in stored})


def detector_of(project: Project) -> str:
    """Return the name of the detector of generated pictures, if the checks ask one."""
    stage = cuts.stage_of(project)
    return str(stage.settings.get("detector", "")) if stage else ""


@transaction.atomic
def save(*, project: Project, rules: PictureRules, by: User, now: datetime) -> PictureRules:
    """Let these rules hold for pictures that come from now on."""
    for name, possible in ACTIONS.items():
        if getattr(rules, name) not in possible:
            raise CrowdError(f"{name} is {' or '.join(possible)}, not {getattr(rules, name)!r}.")
    if not 0 <= rules.most_per_scene <= MOST_PER_SCENE:
        raise CrowdError(f"A worker sends 0 to {MOST_PER_SCENE:,} pictures of a scene, not {rules.most_per_scene:,}.")
    found = cuts.stage_of(project)
    if found is None:
        raise CrowdError("This project has no stage of checks.")
    stage = Stage.objects.select_for_update().get(pk=found.pk)
    before = rules_of(project)
    if before == rules:
        return rules
    stage.settings = {**stage.settings, **asdict(rules)}
    stage.save(update_fields=["settings"])
    data = {"before": asdict(before), "after": asdict(rules)}
    text = f"{by.name} changed what the checks do with pictures that repeat."
    events.record(kind="checks.changed", text=text, project=project, subject=stage, by=by, data=data, now=now)
    versions.bump(project_id=project.pk)
    return rules
