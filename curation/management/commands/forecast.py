"""`forecast gestures --images 10000`: what a campaign costs, stage by stage, and how sure that is."""

import json
from argparse import ArgumentParser
from fractions import Fraction
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.money import exact_text, money_text
from curation.engine import asking, forecasting
from curation.engine.forecasting import Forecast
from curation.engine.past import past_of
from curation.management.changes import changes
from curation.management.projects import project_or_exit
from curation.models import Project
from curation.recipes.loading import BadRecipe, load
from curation.services.pools.changing import MOST_WANTED

USUAL_PEOPLE, USUAL_PLATFORM = 10, "inhouse"


class Command(BaseCommand):
    help = "Say what a recipe or a running project will cost and how long it takes; nothing is made or spent."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recipe", nargs="?", help="recipe, for example gestures")
        parser.add_argument("--project", help="a project that runs: what it has paid, and its end at its pace")
        parser.add_argument("--published", action="store_true", help="the counts its authors printed")
        parser.add_argument("--images", type=int, help="delivered images; default: what the recipe wants")
        parser.add_argument("--platform", default=USUAL_PLATFORM, help="crowd platform or account, for its fees")
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
    if options["images"] is not None and not 1 <= options["images"] <= MOST_WANTED:
        raise CrowdError(f"--images must be from 1 to {MOST_WANTED:,}, not {options['images']}.")
    if options["people"] < 1:
        raise CrowdError("--people must be at least 1.")
    if unused := [f"--{name}" for name, there in _unused(options) if there]:
        raise CrowdError(f"{unused[0]} changes nothing of a project that runs or of published counts.")
    if options["project"]:
        return forecasting.running(project_or_exit(options["project"]), now=database_now())
    recipe = load(options["recipe"])
    if options["published"]:
        return forecasting.published(recipe, images=options["images"])
    asked = asking.campaign(
        recipe=recipe.name,
        platform=options["platform"],
        quotas=asking.shared_out(options["images"], list(recipe.classes)) if options["images"] else None,
        settings=changes(options["changes"]),
    )
    past = past_of(Project.objects.values_list("id", flat=True))
    return forecasting.planned(past.told(asked), pace=past.pace, people=options["people"])


def _unused(options: dict[str, Any]) -> list[tuple[str, bool]]:
    """Return the options that have no say in what is asked for, and whether they were given."""
    of_plan = [("set", bool(options["changes"])), ("platform", options["platform"] != USUAL_PLATFORM)]
    if options["project"]:
        return [*of_plan, ("images", options["images"] is not None), ("published", options["published"])]
    return of_plan if options["published"] else []


def as_text(found: Forecast) -> str:
    sides, currency = (found.comparison.as_is, found.comparison.with_aggregation), found.currency
    lines = [f"{'stage':<22}{'n':>10}{'answers':>9}{_columns('as is', 'with aggregation')}"]
    for before, now in found.comparison.pairs:
        amounts = _columns(*(exact_text(row.micro, currency) for row in (before, now)))
        lines.append(f"{before.title:<22.21}{before.n:>10,}{float(before.answers):>9.2f}{amounts}")
    lines += [
        f"{'total':<41}{_columns(*(exact_text(side.total_micro, currency) for side in sides))}",
        f"{'sum of unit prices':<41}{_columns(*(_each(side.unit_sum_micro, currency) for side in sides))}",
        f"{'per delivered image':<41}{_columns(*(_each(side.per_delivered_micro, currency) for side in sides))}",
    ]
    if found.interval:
        low, high = (money_text(amount, currency=currency) for amount in found.interval)
        lines.append(f"With aggregation, in 9 of 10 cases from {low} to {high}.")
    if found.time:
        p50, p90 = f"{found.time.p50:.1f} h", f"{found.time.p90:.1f} h"
        lines.append(f"Half of such campaigns are done in {p50}, nine in ten in {p90}.")
    return "\n".join([*lines, *found.notes])


def _columns(before: str, now: str) -> str:
    return f"{before:>20}{now:>20}"


def _each(micro: Fraction | None, currency: str) -> str:
    return "–" if micro is None else money_text(round(micro), 4, currency)
