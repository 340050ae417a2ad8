"""Take pictures and videos from outside into a project."""

import json
import sys
from collections import Counter
from dataclasses import asdict
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.clock import database_now
from crowd.errors import CrowdError, StorageRefused
from curation.engine import asking, campaigns
from curation.intake.found import UnknownSource
from curation.management.changes import changes
from curation.management.projects import find_project, project_or_exit, stage_or_exit
from curation.models import LabelClass, Project, Stage
from curation.recipes.loading import BadRecipe
from curation.services import people, registering
from curation.services.ingest import Receipt, RefusedFile, entry_stage, ingest
from curation.services.registering import Progress, Wish
from curation.storing.sources import SCHEME

INTERRUPTED = 130


class Command(BaseCommand):
    help = (
        "Take files into a project: a folder, an archive, a video, a listing, a picture; or s3://bucket/prefix, whose "
        "pictures are registered where they lie. Repeat it to go on."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="short name or id")
        parser.add_argument("sources", nargs="+", metavar="SOURCE")
        parser.add_argument("--stage", help="stage to enter at; the checks if left out")
        parser.add_argument("--class", dest="label_class", metavar="CLASS", help="class that the pictures belong to")
        parser.add_argument(
            "--set",
            action="append",
            default=[],
            metavar="STAGE.NAME=VALUE",
            dest="changes",
            help="with --create: a setting of a stage, for example checks.min_long=640",
        )
        parser.add_argument("--create", metavar="RECIPE", help="make the project from this recipe if there is none")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, project: str, sources: list[str], **options: Any) -> None:
        found = _project(project, options["create"], changes(options["changes"]))
        stage = stage_or_exit(found, options["stage"]) if options["stage"] is not None else None
        label_class = _class(found, options["label_class"])
        try:
            receipt = take(found, sources, stage, label_class)
        except StorageRefused as error:
            raise CommandError(str(error), returncode=1) from None
        except (UnknownSource, CrowdError) as error:
            raise CommandError(str(error), returncode=2) from None
        except KeyboardInterrupt:
            self.stderr.write("\nInterrupted. What is in stays in; run the same command again to go on.")
            sys.exit(INTERRUPTED)
        _clear()
        self.stdout.write(json.dumps(document(receipt), ensure_ascii=False) if options["json"] else table(receipt))


def take(project: Project, sources: list[str], stage: Stage | None, label_class: LabelClass | None) -> Receipt:
    """Take in what lies here, then register what lies in buckets."""
    buckets = [source for source in sources if source.startswith(SCHEME)]
    for source in buckets:
        registering.check(source)
    here = [source for source in sources if source not in buckets]
    now = database_now()
    receipts = [_registered(project, source, stage, label_class, now) for source in buckets]
    if here:
        receipts.append(
            ingest(project=project, sources=here, stage=stage, label_class=label_class, now=now, progress=_show)
        )
    return _sum(receipts)


def _registered(
    project: Project, source: str, stage: Stage | None, label_class: LabelClass | None, now: datetime
) -> Receipt:
    def show() -> bool:
        _show(progress.received)
        return True

    progress, wish = Progress(), Wish(source, stage or entry_stage(project), label_class)
    registering.register(project=project, wish=wish, progress=progress, now=now, go_on=show)
    registering.record(project=project, source=source, progress=progress, by=None, now=now)
    refused = [RefusedFile(one["file"], one["reason"], one["sentence"]) for one in progress.files_refused]
    counts = (progress.received, progress.new, progress.existing, progress.refused)
    return Receipt(*counts, reasons=progress.reasons, files_refused=refused)


def _sum(receipts: list[Receipt]) -> Receipt:
    reasons = Counter[str]()
    for one in receipts:
        reasons.update(one.reasons)
    return Receipt(
        received=sum(one.received for one in receipts),
        new=sum(one.new for one in receipts),
        existing=sum(one.existing for one in receipts),
        refused=sum(one.refused for one in receipts),
        reasons=dict(sorted(reasons.items())),
        files_refused=[file for one in receipts for file in one.files_refused],
    )


def _project(name: str, recipe: str | None, settings: dict[str, dict[str, Any]]) -> Project:
    if recipe is None or find_project(name) is not None:
        return project_or_exit(name)
    try:
        asked = asking.campaign(recipe=recipe, platform="inhouse", name=name, settings=settings)
        return campaigns.ensure_project(asked=asked, by=people.operator(), now=database_now()).project
    except (BadRecipe, CrowdError) as error:
        raise CommandError(str(error), returncode=2) from None


def _class(project: Project, name: str | None) -> LabelClass | None:
    if name is None:
        return None
    classes = {label.name: label for label in project.classes.filter(retired_at=None)}
    if name not in classes:
        raise CommandError(f"{name!r} is no class of {project.slug}; classes are {', '.join(classes)}.", returncode=2)
    return classes[name]


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
