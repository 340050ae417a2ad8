"""`mine -p RECIPE -d image -c PLATFORM -t CLASS… -overlap N`: a campaign in one line; again it adds nothing."""

import json
import sys
import time
from argparse import ArgumentParser
from datetime import datetime
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import InterfaceError, OperationalError, connection, transaction

from crowd.clock import database_now
from crowd.errors import BudgetExceeded, CrowdError
from crowd.money import plain
from crowd.services import ledger
from curation.engine import asking, campaigns, housekeeping
from curation.engine.asking import Campaign
from curation.engine.plan_file import PlanFile, read_plan
from curation.engine.planning import as_rows, planned_micro
from curation.management.changes import changes
from curation.management.terminal import Progress
from curation.models import Asset, Job, Pool, Project
from curation.recipes.loading import BadRecipe
from curation.services import jobs, people, pools
from curation.stages.registry import stage_kind

MOVING = [Asset.State.WAITING, Asset.State.WORKING]


class Command(BaseCommand):
    help = "Create or complete a campaign and open its pools."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("-p", dest="recipe", help="recipe, for example gestures")
        parser.add_argument("--plan", metavar="FILE", help="a plan saved as YAML; the other options change it")
        parser.add_argument("-d", dest="data", default=None, choices=["image", "video"])
        parser.add_argument("-c", dest="platform", help="crowd platform, for example inhouse")
        parser.add_argument("-t", dest="classes", nargs="+", default=[], metavar="CLASS[=N]")
        parser.add_argument(
            "--prompt",
            action="append",
            default=[],
            metavar="CLASS=TEXT",
            dest="prompts",
            help="add a class the recipe does not know, with what workers read about it",
        )
        parser.add_argument("-overlap", type=int, default=None, help="results wanted for each class")
        parser.add_argument("--project", default="", help="name of the project; default: the recipe's title")
        parser.add_argument("--budget", default=None, metavar="USD")
        parser.add_argument("--set", action="append", default=[], metavar="STAGE.NAME=VALUE", dest="changes")
        parser.add_argument("--team", default="")
        parser.add_argument("--owner", default="")
        parser.add_argument("--dry-run", action="store_true", help="print the plan and the price, touch nothing")
        parser.add_argument("--wait", action="store_true", help="stay until the crowd's work is done")
        parser.add_argument(
            "--accept-differences", action="store_true", help="open although the platform cannot do all of it"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        self.accepts = options["accept_differences"]
        try:
            asked = self._asked(options)
            document = dry_run(asked) if options["dry_run"] else self._launch(asked, wait=options["wait"])
        except (BadRecipe, CrowdError) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(json.dumps(document, indent=2) if options["json"] else as_text(document))

    def _asked(self, options: dict[str, Any]) -> Campaign:
        plan = _plan(options)
        names, numbers = _classes(options["classes"])
        settings = {stage: dict(changed) for stage, changed in plan.settings.items()}
        for stage, changed in changes(options["changes"]).items():
            settings[stage] = {**settings.get(stage, {}), **changed}
        asked = asking.campaign(
            recipe=plan.recipe,
            platform=options["platform"] or plan.platform,
            name=options["project"] or plan.name,
            classes=names or list(plan.classes),
            wanted=plan.wanted if options["overlap"] is None else options["overlap"],
            budget=options["budget"] or plan.budget_usd,
            team=options["team"] or plan.team,
            owner=options["owner"] or plan.owner,
            settings=settings,
            quotas={**plan.quotas, **numbers},
            prompts={**plan.prompts, **_pairs(options["prompts"])},
        )
        data = options["data"] or (asked.recipe.media if options["plan"] else "image")
        if asked.recipe.media != data:
            raise CrowdError(f"The recipe {asked.recipe.name} collects {asked.recipe.media}s, not {data}s.")
        return asked

    def _launch(self, asked: Campaign, *, wait: bool) -> dict[str, Any]:
        check_money(asked)
        now = database_now()
        made = campaigns.ensure_project(asked=asked, by=people.operator(), now=now)
        for line in kept_settings(asked, made.project):
            self.stderr.write(line)
        self._open(made.project, now)
        if made.created["tasks"]:
            campaigns.reopen_raised(project=made.project, by=None, now=database_now())
        if wait:
            wait_for(made.project)
        return launched(asked, made.project, made.created)

    @transaction.atomic
    def _open(self, project: Project, now: datetime) -> None:
        """Open all of them, or none where a platform cannot do all of one."""
        for pool in Pool.objects.filter(project=project, state=Pool.State.DRAFT).order_by("id"):
            pools.open_pool(pool_id=pool.pk, by=None, now=now, accept_differences=self.accepts)


def _plan(options: dict[str, Any]) -> PlanFile:
    """Return the plan of the file, or the one that the options alone stand for."""
    if options["plan"]:
        path = Path(options["plan"])
        try:
            plan = read_plan(path.read_text(encoding="utf-8"), origin=path.name)
        except (OSError, UnicodeDecodeError) as error:
            raise CrowdError(f"The plan {path} cannot be read: {error}.") from None
        return plan.model_copy(update={"recipe": options["recipe"]}) if options["recipe"] else plan
    missing = [flag for flag, name in (("-p", "recipe"), ("-c", "platform")) if not options[name]]
    if missing:
        raise CrowdError(f"Say {' and '.join(missing)}, or --plan with a file.")
    return PlanFile(recipe=options["recipe"], platform=options["platform"])


def _classes(texts: list[str]) -> tuple[list[str], dict[str, int]]:
    """Read `peace` and `peace=500`."""
    names, numbers = [], {}
    for text in texts:
        name, separator, number = text.partition("=")
        names.append(name)
        if separator:
            if not number.isdecimal():
                raise CrowdError(f"-t {text}: the number of {name} must be a whole number, not {number!r}.")
            numbers[name] = int(number)
    return names, numbers


def _pairs(texts: list[str]) -> dict[str, str]:
    wrong = [text for text in texts if "=" not in text]
    if wrong:
        raise CrowdError(f"--prompt {wrong[0]!r} must look like CLASS=TEXT.")
    return {name: prompt for name, _, prompt in (text.partition("=") for text in texts)}


def kept_settings(asked: Campaign, project: Project) -> list[str]:
    """Say which settings are others than asked for: those of stages that exist stay as they are."""
    lines = []
    for stage in project.stages.filter(name__in=asked.settings).order_by("position"):
        read = stage_kind(stage.kind).Settings.model_validate
        now, wanted = read(stage.settings), read({**stage.settings, **asked.settings[stage.name]})
        lines += [
            f"{stage.name}.{name} stays {json.dumps(value)}: change it under Settings → Stages → {stage.title}."
            for name, value in now.model_dump(mode="json").items()
            if wanted.model_dump(mode="json")[name] != value
        ]
    return lines


def check_money(asked: Campaign) -> None:
    """Refuse a campaign whose plan does not fit the budget, before anything is made."""
    project = Project.objects.filter(slug=asked.slug).first()
    if project is not None:
        return
    needed = planned_micro(asked)
    if needed > asked.budget_micro:
        raise BudgetExceeded(needed, asked.budget_micro)


def dry_run(asked: Campaign) -> dict[str, Any]:
    """Describe what would be made and what it is expected to cost."""
    project = Project.objects.filter(slug=asked.slug).first()
    rows = [
        {
            "name": name.upper(),
            "class": name,
            "platform": asked.platform,
            "status": "planned",
            "wanted": asked.wanted_of(name),
            "price_usd": None,
        }
        for name in asked.classes
    ]
    spent = plain(ledger.totals(project_id=project.pk).paid_micro) if project else "0.00"
    return {
        "project": asked.name,
        "pools": rows,
        "created": {"projects": 0, "classes": 0, "pools": 0, "tasks": 0},
        "planned_usd": plain(planned_micro(asked)),
        "per_stage": as_rows(asked),
        "budget_usd": plain(asked.budget_micro),
        "spent_usd": spent,
        "dry_run": True,
    }


def launched(asked: Campaign, project: Project, created: dict[str, int]) -> dict[str, Any]:
    rows = Pool.objects.filter(project=project).select_related("label_class", "account", "project").order_by("id")
    return {
        "project": project.name,
        "pools": [
            {
                "name": pool.full_name,
                "class": pool.label_class.name if pool.label_class else None,
                "platform": pool.account.platform,
                "status": pool.state,
                "wanted": pool.wanted,
                "accepted": pools.accepted_count(pool_id=pool.pk),
                "price_usd": plain(pool.price_micro),
            }
            for pool in rows
        ],
        "created": created,
        "planned_usd": plain(planned_micro(asked)),
        "spent_usd": plain(ledger.totals(project_id=project.pk).paid_micro),
        "dry_run": False,
    }


def wait_for(project: Project) -> None:
    """Stay until nothing is left for crowd or machine, lending a hand: leases keep workers and us apart.

    A database that goes away is waited for; what is done is in it.
    """
    with Progress(project.name, visible=sys.stderr.isatty()) as bar:
        while True:
            try:
                if _is_done(project):
                    return
                bar.show(_accepted(project), _wanted(project))
                _lend_a_hand(project)
            except (OperationalError, InterfaceError):
                connection.close()
                time.sleep(1.0)


def _lend_a_hand(project: Project) -> None:
    now = database_now()
    housekeeping.sweep(now=now)
    ids = jobs.due_ids(now=now, project_id=project.pk)
    done = [jobs.run(job_id=job_id, now=database_now()) for job_id in ids]
    if not any(done):
        time.sleep(0.3)


def _is_done(project: Project) -> bool:
    """Collecting is over, and nothing is in the hands of machines or the crowd; people's review may be waiting."""
    collecting = Pool.objects.filter(project=project, label_class__isnull=False)
    if collecting.filter(state__in=[Pool.State.OPENING, Pool.State.OPEN]).exists():
        return False
    if Asset.objects.filter(project=project, state__in=MOVING).exists():
        return False
    busy = Job.objects.filter(project_id=project.pk, state__in=[Job.State.DUE, Job.State.RUNNING])
    return not busy.exclude(kind="rehearse").exists()


def _accepted(project: Project) -> int:
    return sum(
        pools.accepted_count(pool_id=pool.pk)
        for pool in Pool.objects.filter(project=project, label_class__isnull=False)
    )


def _wanted(project: Project) -> int:
    return sum(Pool.objects.filter(project=project).values_list("wanted", flat=True))


def as_text(document: dict[str, Any]) -> str:
    lines = [f"{document['project']}{' (plan only, nothing was touched)' if document['dry_run'] else ''}"]
    for pool in document["pools"]:
        accepted = f"{pool['accepted']:,} / " if "accepted" in pool else ""
        lines.append(f"  {pool['name']:<28}{pool['platform']:<12}{accepted}{pool['wanted']:,}  {pool['status']}")
    lines.append(f"planned ${document['planned_usd']}, spent ${document['spent_usd']}")
    return "\n".join(lines)
