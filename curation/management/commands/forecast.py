"""`forecast gestures --images 10000`: what a campaign costs, stage by stage, and how sure that is."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.money import exact_text
from curation.engine import asking, forecasting
from curation.engine.forecasting import Forecast
from curation.engine.planning_time import pace_of
from curation.management.changes import changes
from curation.management.projects import project_or_exit
from curation.models import Project
from curation.recipes.loading import BadRecipe, load

USUAL_PEOPLE = 10


class Command(BaseCommand):
    help = "Say what a recipe or a running project will cost and how long it takes; nothing is made or spent."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recipe", nargs="?", help="recipe, for example gestures")
        parser.add_argument("--project", help="a project that runs: what it has paid, and its end at its pace")
        parser.add_argument("--published", action="store_true", help="the counts its authors printed")
        parser.add_argument("--images", type=int, help="delivered images; default: what the recipe wants")
        parser.add_argument("--platform", default="inhouse", help="crowd platform or account, for its fees")
        parser.add_argument("--set", action="append", default=[], metavar="STAGE.NAME=VALUE", dest="changes")
        parser.add_argument("--people", type=int, default=USUAL_PEOPLE, help="at work at once (%(default)s)")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            found = _forecast(options)
        except (BadRecipe, CrowdError) as error:
            raise CommandError(str(error), returncode=2) from None
        document = found.to_json()
        self.stdout.write(json.dumps(document, indent=2) if options["json"] else as_text(found))


def _forecast(options: dict[str, Any]) -> Forecast:
    if bool(options["recipe"]) == bool(options["project"]):
        raise CrowdError("Name a recipe, or a project with --project.")
    if options["images"] is not None and not 1 <= options["images"] <= asking.MOST_WANTED:
        raise CrowdError(f"--images must be from 1 to {asking.MOST_WANTED:,}, not {options['images']}.")
    if options["people"] < 1:
        raise CrowdError("--people must be at least 1.")
    if options["project"]:
        return forecasting.running(project_or_exit(options["project"]), now=database_now())
    recipe = load(options["recipe"])
    if options["published"]:
        return forecasting.published(recipe, images=options["images"])
    asked = asking.campaign(
        recipe=recipe.name,
        platform=options["platform"],
        quotas=_shared(options["images"], list(recipe.classes)) if options["images"] else None,
        settings=changes(options["changes"]),
    )
    pace = pace_of(Project.objects.values_list("id", flat=True))
    return forecasting.planned(asked, pace=pace, people=options["people"])


def _shared(images: int, classes: list[str]) -> dict[str, int]:
    """Share images out to the classes as evenly as possible."""
    if images < len(classes):
        raise CrowdError(f"The recipe has {len(classes)} classes: --images must be at least {len(classes)}.")
    each, more = divmod(images, len(classes))
    return {name: each + (number < more) for number, name in enumerate(classes)}


def as_text(found: Forecast) -> str:
    tables = found.comparison
    lines = [f"{'stage':<22}{'n':>10}{'answers':>9}{'as is':>16}{'with aggregation':>18}"]
    for before, now in tables.pairs:
        amounts = f"{exact_text(before.micro):>16}{exact_text(now.micro):>18}"
        lines.append(f"{before.title:<22.21}{before.n:>10,}{float(before.answers):>9.2f}{amounts}")
    total = f"{exact_text(tables.as_is.total_micro):>16}{exact_text(tables.with_aggregation.total_micro):>18}"
    lines.append(f"{'total':<41}{total}")
    document = found.to_json()
    for name, key in (("sum of unit prices", "unit_sum_usd"), ("per delivered image", "per_delivered_usd")):
        sides = [document[side][key] for side in ("as_is", "with_aggregation")]
        lines.append(
            f"{name:<41}" + "".join(f"{_short(amount):>{width}}" for amount, width in zip(sides, (16, 18), strict=True))
        )
    if found.interval:
        low, high = (exact_text(round(amount, -4)) for amount in found.interval)
        lines.append(f"With aggregation, in 9 of 10 cases from {low} to {high}.")
    if found.time:
        lines.append(
            f"Half of such campaigns are done in {found.time.p50:.1f} h, nine in ten in {found.time.p90:.1f} h."
        )
    return "\n".join([*lines, *found.notes])


def _short(amount: str | None) -> str:
    return "–" if amount is None else f"${float(amount):.4f}"
