"""`rehearse RECIPE`: the whole campaign with the simulated crowd, before a cent is spent."""

import json
import sys
from argparse import ArgumentParser
from collections.abc import Callable, Mapping
from fractions import Fraction
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.rehearsal.arrivals import Coming
from crowd.services.likeness import Likeness
from curation.engine.rehearsal import rehearse
from curation.engine.rehearsal_compare import MOST_SEEDS, Cell, cells_of, compared, in_words
from curation.engine.rehearsal_footage import rehearse_footage
from curation.engine.rehearsal_pictures import rehearse_pictures
from curation.engine.rehearsal_search import rehearse_search
from curation.engine.rehearsal_setup import ran_as
from curation.engine.replay import replay
from curation.engine.wish import Wish
from curation.management.changes import changes
from curation.management.projects import project_or_exit
from curation.management.terminal import Progress
from curation.recipes.loading import BadRecipe, Recipe, load
from curation.services import rehearsals
from curation.services.likeness import people_like
from curation.services.rehearsals import Asked

MOST = 1_000_000
USUAL = 100
REPLAY = "replay=published"
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
    "pictures": rehearse_pictures,
}


class Command(BaseCommand):
    help = "Run a whole recipe with the simulated crowd on a virtual clock and report cost, time and quality."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("recipe")
        parser.add_argument("--seed", type=int, default=1)
        parser.add_argument(
            "--size",
            default=None,
            help="photos accepted over all classes; of footage: clips; of searches: addresses; usually 100. "
            "Of a replay: images delivered, or a share of the published ones such as 0.01; usually all",
        )
        parser.add_argument("--seeds", type=int, default=1, metavar="N", help="run N seeds, from --seed on")
        parser.add_argument(
            "--compare",
            action="append",
            default=[],
            metavar="STAGE.NAME=VALUE,VALUE",
            help="rehearse each value on the same seeds; several make a grid of at most 12",
        )
        parser.add_argument("--set", action="append", default=[], metavar="STAGE.NAME=VALUE", dest="changes")
        parser.add_argument(
            "--platform",
            default="rehearsal",
            choices=["rehearsal", "toloka"],
            help="toloka: through the adapter, against an emulator with the same people in it",
        )
        parser.add_argument(
            "--visits-a-turn", type=int, default=0, help="visits between two rounds of machine work; 0 = by size"
        )
        parser.add_argument(
            "--pictures",
            default="yes",
            choices=["yes", "full", "no"],
            help="full: photos are drawn at full size, not smaller; no: nothing is drawn, the checks know what "
            "they would have seen; the rest is the same",
        )
        parser.add_argument(
            "--like", default="", metavar="PROJECT", help="people come as they did in this project's first hours"
        )
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        if REPLAY in options["changes"]:
            self._replay(options)
            return
        options["size"] = _whole(options["size"] or str(USUAL))
        if not 1 <= options["seeds"] <= MOST_SEEDS:
            raise CommandError(f"--seeds must be from 1 to {MOST_SEEDS}, not {options['seeds']}.", returncode=2)
        try:
            recipe = load(options["recipe"])
            _require_crowd(recipe, options["platform"])
            cells = cells_of(changes(options["changes"]), options["compare"])
            people = self._people(options["like"], recipe)
            with Progress("rehearsing", visible=sys.stderr.isatty()) as bar:
                runs = [(cell.varied, self._run_seeds(cell, recipe, options | people, bar)) for cell in cells]
        except (BadRecipe, CrowdError) as error:
            raise CommandError(str(error), returncode=2) from None
        if len(runs) == options["seeds"] == 1:
            document = runs[0][1][0]
            self.stdout.write(json.dumps(document, indent=2) if options["json"] else as_text(document))
            return
        table = {"recipe": recipe.name, "size": options["size"], "compared": compared(runs)}
        self.stdout.write(json.dumps(table, indent=2) if options["json"] else table_text(table))

    def _replay(self, options: Mapping[str, Any]) -> None:
        """Write what the recipe's authors printed as rows, and print the reports of those rows."""
        if len(options["changes"]) > 1 or options["compare"] or options["like"] or options["seeds"] != 1:
            raise CommandError(f"--set {REPLAY} takes --size and nothing else.", returncode=2)
        size = options["size"] or ""
        share, delivered = (_share(size), None) if "." in size else (None, _whole(size) if size else None)
        try:
            with Progress("replaying", visible=sys.stderr.isatty()) as bar:
                document = replay(recipe=options["recipe"], delivered=delivered, share=share, progress=bar.show)
        except (BadRecipe, CrowdError) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(json.dumps(document, indent=2) if options["json"] else as_text(document))

    def _people(self, name: str, recipe: Recipe) -> dict[str, Any]:
        """Return how people come by, and say what that was learned from."""
        if not name:
            return {"coming": Coming(), "like": ""}
        if recipe.rehearsed_with == "clips":
            raise BadRecipe(f"{recipe.name} asks no crowd that could be like another one: leave --like out.")
        project = project_or_exit(name)
        found = people_like(project=project, now=database_now())
        self.stderr.write(in_words_of(project.slug, found))
        return {"coming": found.coming, "like": project.slug}

    def _run_seeds(self, cell: Cell, recipe: Recipe, options: dict[str, Any], bar: Progress) -> list[dict[str, Any]]:
        """Rehearse one cell on every seed, and keep what came of each."""
        documents = []
        for seed in range(options["seed"], options["seed"] + options["seeds"]):
            wish = Wish(
                recipe.name,
                seed,
                options["size"],
                cell.settings,
                platform=options["platform"],
                visits_a_turn=max(0, options["visits_a_turn"]),
                pictures=options["pictures"] != "no",
                full_size=options["pictures"] == "full",
                coming=options["coming"],
                like=options["like"],
            )
            document = RUNS[recipe.rehearsed_with](wish=wish, progress=bar.show)
            _keep(wish, cell, document)
            documents.append(document)
        return documents


def _whole(text: str) -> int:
    if not text.isdecimal() or not 1 <= int(text) <= MOST:
        raise CommandError(f"--size must be from 1 to {MOST:,}, not {text}.", returncode=2)
    return int(text)


def _share(text: str) -> Fraction:
    try:
        share = Fraction(text)
    except ValueError:
        share = Fraction(0)
    if not 0 < share <= 1:
        raise CommandError(f"--size of a replay is a number of images or a share up to 1.0, not {text}.", returncode=2)
    return share


def _keep(wish: Wish, cell: Cell, document: Mapping[str, Any]) -> None:
    varied = {**cell.varied, **_of_its_own(wish)}
    asked = Asked(wish.recipe, wish.seed, wish.size, cell.settings, varied, pictures=wish.pictures)
    rehearsals.keep(asked=asked, ran_as=ran_as(wish), report=document, now=database_now())


def _of_its_own(wish: Wish) -> dict[str, Any]:
    """Return what makes it another rehearsal than the usual one beside its settings: whose people, through what."""
    told = {"like": wish.like, "visits a turn": wish.visits_a_turn}
    told["platform"] = wish.platform if wish.platform != "rehearsal" else ""
    told["pictures"] = "at full size" if wish.full_size else ""
    return {name: value for name, value in told.items() if value}


def in_words_of(name: str, found: Likeness) -> str:
    """Say what the first hours of a project told about who takes its work up."""
    told = [
        f"{one.counted:,} {things} in {one.hours} h: take {one.take:.3f} ({one.low:.3f} to {one.high:.3f})"
        for things, one in (("photos", found.photos), ("films", found.films))
        if one is not None
    ]
    return f"people like those of {name}: {'; '.join(told)}; the day swings by {found.coming.rhythm.amplitude:.0%}"


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


def table_text(table: Mapping[str, Any]) -> str:
    """Return a comparison as a table for people; a star stands before what nothing else beats."""
    rows = table["compared"]
    width = max(len(in_words(row["settings"])) for row in rows)
    head = (
        f"  {'settings':<{width}}{'$':>10}{'$ each':>9}{'hours':>8}{'P':>7}{'R':>7}{'IoU':>7}{'labels':>8}{'cheats':>8}"
    )
    lines = [f"{table['recipe']}, size {table['size']}, seeds {', '.join(map(str, rows[0]['seeds']))}", "", head]
    for row in rows:
        quality = "".join(
            f"{_shown(row['quality'][name], 3):>{n}}" for name, n in zip(MEASURED, (7, 7, 7, 8), strict=True)
        )
        lines.append(
            f"{'*' if row['on_front'] else ' '} {in_words(row['settings']):<{width}}{_shown(row['cost_usd'], 2):>10}"
            f"{_shown(row['per_delivered_usd'], 4):>9}{_shown(row['virtual_hours'], 1):>8}{quality}"
            f"{_shown(row['cheaters_through'], 1):>8}{_shown(row['delivered'], 0):>8} delivered"
        )
    return "\n".join([*lines, "", "* no other row is cheaper, faster and better at once (cost an image, hours, F1)"])


def _shown(value: float | None, digits: int) -> str:
    return "-" if value is None else f"{value:,.{digits}f}"
