"""The page a worker would get from a plan, before anything is made of it."""

from crowd.errors import CrowdError
from curation.engine.asking import Campaign, settings_for
from curation.models import LabelClass, Pool, Stage
from curation.services.trials import MOST_TASKS, Trial
from curation.stages.registry import stage_kind

WIDE, HIGH = 1280, 720


def sample_page(asked: Campaign, stage_name: str) -> Trial:
    """Return a page of the main pool of a stage, with classes of the plan."""
    planned = next((one for one in asked.recipe.stages if one.name == stage_name), None)
    if planned is None:
        raise CrowdError(f"There is no stage {stage_name!r} in this plan.")
    settings = settings_for(asked, planned.name, planned.settings)
    stage = Stage(kind=planned.kind, name=planned.name, title=planned.title, settings=settings)
    classes = [LabelClass(name=name, prompt=asked.recipe.classes[name]) for name in asked.classes]
    pools = stage_kind(planned.kind).pools(stage, classes, asked.wanted)
    main = next((one for one in pools if one.kind == Pool.Kind.MAIN), None)
    if main is None:
        raise CrowdError(f"{planned.title} asks no crowd: there is no page to try.")
    shown = [main.label_class] if main.label_class else classes[:MOST_TASKS]
    tasks = [
        {"class": one.name, "prompt": one.prompt, "template_key": "drawn", "width": WIDE, "height": HIGH}
        for one in shown[: max(1, main.page_size)]
    ]
    return Trial(main.interface, main.kind, main.spec, main.price_micro, tasks)
