"""The project that a command names."""

from contextlib import suppress
from uuid import UUID

from django.core.management.base import CommandError
from django.db.models import Q
from django.utils.text import slugify

from curation.models import Project, Stage

MOST_NAMED = 20


def find_project(name: str) -> Project | None:
    """Return the project with this short name, id, or name from which the short one is made."""
    wanted = Q(slug=name) | Q(slug=slugify(name))
    with suppress(ValueError):
        wanted |= Q(public_id=UUID(name))
    return Project.objects.filter(wanted).first()


def project_or_exit(name: str) -> Project:
    """Return the project, or end with status 2 and the names there are."""
    project = find_project(name)
    if project is None:
        slugs = Project.objects.filter(is_rehearsal=False).order_by("slug").values_list("slug", flat=True)[:MOST_NAMED]
        raise CommandError(f"{name!r} is no project; there are: {', '.join(slugs) or 'none yet'}.", returncode=2)
    return project


def stage_or_exit(project: Project, name: str) -> Stage:
    """Return the project's stage, or end with status 2 and the names there are."""
    stages = {stage.name: stage for stage in project.stages.order_by("position")}
    if name not in stages:
        raise CommandError(f"{name!r} is no stage of {project.slug}; stages are {', '.join(stages)}.", returncode=2)
    return stages[name]
