"""Instructions on a worker's page."""

from typing import Any

from django import template

from crowd.models import Assignment, Batch
from curation.services import instructions

register = template.Library()


@register.inclusion_tag("worker/_instructions.html")
def worker_guide(page: Assignment) -> dict[str, Any]:
    """Show the version that was current when the worker got the page; in a training it is open."""
    guide = instructions.guide_of(instructions.for_page(page))
    return {"guide": guide, "open": page.batch.kind == Batch.Kind.TRAINING}
