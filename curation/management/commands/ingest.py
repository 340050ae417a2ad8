"""Take pictures and videos from outside into a project."""

import json
import sys
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.engine import campaigns
from curation.intake.found import UnknownSource
from curation.management.projects import find_project, project_or_exit
from curation.models import Project, Stage, User
from curation.recipes.loading import BadRecipe
from curation.services.ingest import Receipt, ingest

INTERRUPTED = 130


class Command(BaseCommand):
    help = "Take files into a project: a folder, an archive, a video, a listing, a picture. Repeat it to go on."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="short name or id")
        parser.add_argument("sources", nargs="+", metavar="SOURCE")
        parser.add_argument("--stage", help="stage to enter at; the checks if left out")
        parser.add_argument("--create", metavar="RECIPE", help="make the project from this recipe if there is none")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, project: str, sources: list[str], **options: Any) -> None:
        found = _project(project, options["create"])
        stage = _stage(found, options["stage"])
        try:
            receipt = ingest(project=found, sources=sources, stage=stage, now=database_now(), progress=_show)
        except (UnknownSource, CrowdError) as error:
            raise CommandError(str(error), returncode=2) from None
        except KeyboardInterrupt:
            self.stderr.write("\nInterrupted. What is in stays in; run the same command again to go on.")
            sys.exit(INTERRUPTED)
        _clear()
        self.stdout.write(json.dumps(document(receipt), ensure_ascii=False) if options["json"] else table(receipt))


def _project(name: str, recipe: str | None) -> Project:
    if recipe is None or find_project(name) is not None:
        return project_or_exit(name)
    operator = User.objects.filter(is_staff=True, is_active=True).order_by("pk").first()
    try:
        return campaigns.create_project(recipe=recipe, name=name, by=operator, now=database_now())
    except (BadRecipe, CrowdError) as error:
        raise CommandError(str(error), returncode=2) from None


def _stage(project: Project, name: str | None) -> Stage | None:
    if name is None:
        return None
    stages = {stage.name: stage for stage in project.stages.order_by("position")}
    if name not in stages:
        raise CommandError(f"{name!r} is no stage of {project.slug}; stages are {', '.join(stages)}.", returncode=2)
    return stages[name]


def document(receipt: Receipt) -> dict[str, Any]:
    return asdict(receipt)


def table(receipt: Receipt) -> str:
    lines = [f"{one.file}: {one.sentence}" for one in receipt.files_refused]
    lines.append(
        f"{receipt.received} received: {receipt.new} new, {receipt.existing} already there, {receipt.refused} refused"
    )
    return "\n".join(lines)


def _show(count: int) -> None:
    """Count up on a terminal: how many files a source holds is known only at its end."""
    if sys.stderr.isatty():
        sys.stderr.write(f"\r{count} files")
        sys.stderr.flush()


def _clear() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")
