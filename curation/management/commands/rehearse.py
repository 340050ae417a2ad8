"""`rehearse RECIPE`: the whole campaign with the simulated crowd, before a cent is spent."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crowd.errors import CrowdError
from curation.engine.rehearsal import rehearse
from curation.engine.rehearsal_footage import rehearse_footage
from curation.engine.rehearsal_search import rehearse_search
from curation.engine.wish import USUAL_VISITS, Wish
from curation.management.changes import changes
from curation.management.terminal import Progress
from curation.recipes.loading import BadRecipe, Recipe, load

MOST = 1_000_000
MEASURED = {
    "precision": "precision",
    "recall": "recall",
    "mean_iou": "mean IoU",
    "label_accuracy": "labels right",
}
RUNS: Mapping[str, Callable[..., dict[str, Any]]] = {
    "crowd": rehearse,
    "clips": rehearse_footage,
    "search": rehearse_search,
}


class Command(BaseCommand):
    help = "Run a whole recipe with the simulated crowd on a virtual clock and report cost, time and quality."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recipe")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--size",
            type=int,
            default=100,
            help="photos accepted over all classes; of footage: clips; of searches: addresses",
        )
        parser.add_argument("--set", action="append", default=[], metavar="STAGE.NAME=VALUE", dest="changes")
        parser.add_argument(
            "--platform",
            default="rehearsal",
            choices=["rehearsal", "toloka"],
            help="toloka: through the adapter, against an emulator with the same people in it",
        )
        parser.add_argument(
            "--visits-a-turn", type=int, default=USUAL_VISITS, help="visits between two rounds of machine work"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        if not 1 <= options["size"] <= MOST:
            raise CommandError(f"--size must be from 1 to {MOST:,}, not {options['size']}.", returncode=2)
        try:
            recipe = load(options["recipe"])
            _require_crowd(recipe, options["platform"])
            wish = Wish(
                options["recipe"],
                options["seed"],
                options["size"],
                changes(options["changes"]),
                platform=options["platform"],
                visits_a_turn=max(1, options["visits_a_turn"]),
            )
            with Progress("rehearsing", visible=sys.stderr.isatty()) as bar:
                document = RUNS[recipe.rehearsed_with](wish=wish, progress=bar.show)
        except (BadRecipe, CrowdError) as error:
            raise CommandError(str(error), returncode=2) from None
        if options["json"]:
            self.stdout.write(json.dumps(document, indent=2))
        else:
            self.stdout.write(as_text(document))


def _require_crowd(recipe: Recipe, platform: str) -> None:
    if recipe.media == "video" and platform != "rehearsal":
        raise BadRecipe(f"{recipe.name} asks for videos, which are rehearsed in our own market only.")
    if recipe.rehearsed_with == "crowd" and not any(stage.kind == "collect" for stage in recipe.stages):
        raise BadRecipe(f"{recipe.name} collects nothing from a crowd, so there is nothing to rehearse: ingest files.")


def as_text(document: dict[str, Any]) -> str:
    """Return the report as a table for people."""
    lines = [f"{document['recipe']}, seed {document['seed']}, size {document['size']}", ""]
    lines += _found(document)
    lines.append(f"{'stage':<12}{'in':>8}{'passed':>8}{'dropped':>9}   reasons")
    for row in document["funnel"]:
        reasons = ", ".join(f"{name} {n}" for name, n in row["reasons"].items())
        lines.append(f"{row['stage']:<12}{row['in']:>8}{row['passed']:>8}{row['dropped']:>9}   {reasons}")
    lines += _described(document)
    cost, quality, workers = document["cost"], document["quality"], document["workers"]
    lines += ["", f"cost        ${cost['total_usd']}"]
    lines += [f"  {row['stage']:<12}${row['usd']} for {row['n']}" for row in cost["per_stage"]]
    lines.append(f"  a delivered image ${cost['per_delivered_usd']}, sum of unit prices ${cost['unit_sum_usd']}")
    measured = [f"{words} {quality[name]}" for name, words in MEASURED.items() if quality.get(name) is not None]
    if measured:
        lines.append(f"quality     {', '.join(measured)}")
    if workers["honest"] or workers["dishonest"]:
        lines.append(
            f"workers     {workers['dishonest']} dishonest: {workers['caught']} caught, {workers['missed']} missed; "
            f"{workers['wrongly_accused']} wrongly accused"
        )
    lines.append(f"time        {document['time']['virtual_hours']} hours, {document['time']['wall_seconds']} s here")
    return "\n".join(lines)


def _found(document: dict[str, Any]) -> list[str]:
    """Say what public sets and search engines gave, before a stage saw it."""
    lines = [f"{'public set':<12}{one['format']}: {one['new']} new" for one in document.get("public_sets", [])]
    if crawl := document.get("crawl"):
        states = crawl["addresses"]
        lines.append(f"{'addresses':<12}{sum(states.values())} found, {states.get('taken', 0)} pictures")
        lines += [f"{n:>12}  {reason}" for reason, n in crawl["refused"].items()]
    return [*lines, ""] if lines else []


def _described(document: dict[str, Any]) -> list[str]:
    """Say what each layer let through, what tags were found, and what each class has."""
    layers = [f"  {one['tagger']:<10}{one['in']} in, {one['passed']} passed" for one in document.get("layers", [])]
    tags = [f"  {tag}  {share:.1%}" for tag, share in document.get("tags", {}).items()]
    classes = [
        f"  {row['class']:<14}{row['images']:>6} images{row['boxes']:>7} boxes  {row['flag']}".rstrip()
        for row in document.get("classes", [])
    ]
    parts = (("layers", layers), ("tags", tags), ("classes", classes))
    return [line for title, rows in parts if rows for line in ("", title, *rows)]
