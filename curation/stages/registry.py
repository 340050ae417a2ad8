"""The stage kinds by slug. Adding one: a file beside this one, a line below."""

from functools import cache
from importlib import import_module
from typing import cast

from curation.stages.base import StageKind

STAGE_KINDS: dict[str, str] = {
    "collect": "curation.stages.collect:Collect",
    "storyboard": "curation.stages.storyboard:Storyboard",
    "checks": "curation.stages.checks:Checks",
    "tag": "curation.stages.tag:Tagging",
    "validate": "curation.stages.validate:Validate",
    "boxes": "curation.stages.boxes:Boxes",
    "describe": "curation.stages.describe:Describe",
    "aggregate": "curation.stages.aggregate:Aggregate",
    "review": "curation.stages.review:Review",
    "publish": "curation.stages.publish:Publish",
}


@cache
def stage_kind(slug: str) -> StageKind:
    module, name = STAGE_KINDS[slug].split(":")
    return cast(StageKind, getattr(import_module(module), name)())
