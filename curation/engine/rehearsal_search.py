"""Rehearsals of recipes that begin with search engines: a simulated web and data sets on disk, then the usual path.

The crawl keeps real time (its pauses are passed over), the crowd its virtual one. The same seed finds the same pictures
in the same order.
"""

import hashlib
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import timedelta
from math import prod
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from crowd.clock import database_now
from crowd.emulators.search.server import SearchEmulator
from crowd.emulators.search.world import World
from crowd.errors import CrowdError
from crowd.rehearsal.models import HiddenTruth
from curation.engine.public_sets import write_sets
from curation.engine.rehearsal import rehearse
from curation.engine.search_plan import ClassShare, scaled, web_of, web_of_classes
from curation.engine.wish import Wish
from curation.models import Crawl, CrawlLink, Job, Project
from curation.recipes.loading import Recipe, load
from curation.recipes.search import Search
from curation.services.coverage.report import class_balance
from curation.services.crawling import counting, fetching, plans, presets, searching
from curation.services.crawling.reach import simulated_web
from curation.services.crawling.report import is_over, report
from curation.services.import_preparing import Wanted
from curation.services.importing import Origin, import_dataset

NAME = "rehearsal"
A_QUERY = 25  # addresses, at most
MODEL = "simulated"
PATIENCE = timedelta(hours=2)


def rehearse_search(*, wish: Wish, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
    """Run the recipe against a simulated web of `size` addresses (images, where the recipe publishes classes)."""
    recipe = load(wish.recipe)
    if wish.platform != "rehearsal":
        raise CrowdError(f"{wish.recipe} is rehearsed with our own market, not through {wish.platform}.")
    told: dict[str, Any] = {}
    project: list[Project] = []
    wish = replace(wish, settings=_with_model(recipe, wish))

    def feed(made: Project) -> None:
        project.append(made)
        told.update(_fed(made, wish, recipe))

    document = rehearse(wish=wish, progress=progress, feed=feed)
    return {**document, **told, "classes": _classes(project[0])}


def _with_model(recipe: Recipe, wish: Wish) -> dict[str, Mapping[str, Any]]:
    """Let a filter by names ask the simulated model, unless another one is wanted."""
    filters = [one.name for one in recipe.stages if one.kind == "tag" and one.settings.get("terms")]
    return {**wish.settings, **{name: {"model": MODEL, **wish.settings.get(name, {})} for name in filters}}


def _fed(project: Project, wish: Wish, recipe: Recipe) -> dict[str, Any]:
    """Bring in what public sets and search engines hold, and remember what is really in the pictures."""
    search = recipe.search
    if search is None:
        raise CrowdError(f"{recipe.name} asks no search engine.")
    told: dict[str, Any] = {}
    shares = scaled(search.published, wish.size) if search.published and search.published.classes else []
    if shares:
        told["public_sets"] = _import(project, wish, shares)
    spec, web = _web(search, shares, wish)
    with _serving(SearchEmulator(World(f"{wish.recipe} {wish.seed}", web)), project) as emulator:
        with simulated_web(emulator.hosts):
            crawl = plans.start(
                project=project, spec=replace(spec, searx_url=emulator.url), by=None, now=database_now()
            )
            _run(crawl)
            lists = {name: list(values) for name, values in spec.lists.items()}
            counts = presets.counting_of(
                search, name=f"{NAME} counts", searx_url=emulator.url, lists=lists, seconds_between=0.0
            )
            if counts is not None:
                told["counts"] = _count(project, counts)
        _learn_truths(crawl, emulator.world)
    told["crawl"] = {name: value for name, value in report(crawl).items() if name not in {"hours", "crawl", "stopped"}}
    return told


def _web(search: Search, shares: list[ClassShare], wish: Wish) -> tuple[plans.Spec, dict[str, Any]]:
    spec = presets.spec_of(search, name=NAME, searx_url="http://127.0.0.1", seconds_between=0.0)
    wanted = list(spec.product)
    if shares:
        return spec, web_of_classes([(one.text, one.attributes[search.class_from]) for one in wanted], shares)
    enough = max(1, -(-wish.size // A_QUERY))
    lists = _shortened(search, enough)
    spec = replace(spec, lists=lists)
    return spec, dict(web_of([one.text for one in spec.product], search.published, wish.size))


def _shortened(search: Search, queries: int) -> dict[str, list[str]]:
    """Return the lists without so many of their last values, the longest list first, that enough queries are left."""
    lists = {name: list(values) for name, values in search.lists.items()}
    while prod(map(len, lists.values())) > queries and max(map(len, lists.values())) > 1:
        max(lists.values(), key=len).pop()
    return lists


def _serving(emulator: SearchEmulator, project: Project) -> Any:
    """Serve at the address of an interrupted run, so that what it has written down still leads there."""
    earlier = Crawl.objects.filter(project=project, name=NAME).values_list("searx_url", flat=True).first()
    return emulator.serve((urlsplit(earlier).port or 0) if earlier else 0)


def _run(crawl: Crawl) -> None:
    """Ask and fetch until nothing is left; where something waits, its time comes at once."""
    now = database_now()
    end = now + PATIENCE
    while not is_over(crawl) and now < end:
        crawl.refresh_from_db()
        if crawl.stopped:
            raise CrowdError(f"The simulated search stopped: {crawl.stopped}")
        job = Job(kind=NAME, key=str(crawl.pk))
        searching.run_search(job, now)
        fetching.run_fetch(job, now)
        waiting = CrawlLink.objects.filter(crawl=crawl, state=CrawlLink.State.WAITING).order_by("next_at").first()
        now = max(database_now(), waiting.next_at if waiting else now)


def _count(project: Project, spec: plans.Spec) -> dict[str, Any]:
    crawl = plans.start(project=project, spec=spec, by=None, now=database_now())
    _run(crawl)
    rows = counting.vectors(crawl)
    return {"things": len(rows), "even": sum(row.is_even for row in rows), "questions": report(crawl)["questions"]}


def _learn_truths(crawl: Crawl, world: World) -> None:
    """Remember what each picture shows: the simulated crowd looks there, the product never does."""
    for link in CrawlLink.objects.filter(crawl=crawl, asset__isnull=False).select_related("asset"):
        _, digest, place = urlsplit(link.url).path.removesuffix(".jpg").rsplit("/", 2)
        drawn = world.picture(digest, int(place))
        if drawn is not None and link.asset is not None:
            _learn(drawn[0], drawn[1].to_json())


def _learn(data: bytes, truth: dict[str, Any]) -> None:
    HiddenTruth.objects.get_or_create(sha256=hashlib.sha256(data).digest(), defaults={"truth": truth})


def _import(project: Project, wish: Wish, shares: list[ClassShare]) -> list[dict[str, Any]]:
    """Write public data sets in several formats, with names of their own and other things in them, and import them."""
    done = []
    with tempfile.TemporaryDirectory(prefix="public-sets-") as folder:
        for one in write_sets(Path(folder), seed=f"{wish.recipe} {wish.seed}", shares=shares, learn=_learn):
            taken = import_dataset(
                project=project,
                path=one.path,
                form=one.form,
                wanted=Wanted(frozenset(one.names), one.names),
                origin=Origin(one.name, "CC BY 4.0"),
                now=database_now(),
            )
            done.append(
                {
                    "source": one.name,
                    "format": one.form,
                    "new": taken.new,
                    "left_out": taken.left_out,
                    "boxes": sum(taken.boxes.values()),
                }
            )
    return done


def _classes(project: Project) -> list[dict[str, Any]]:
    """Return the table of classes: images and boxes of each, and what is over or under."""
    rows = class_balance(project=project, among="published")
    return [{"class": one.label.name, "images": one.images, "boxes": one.boxes, "flag": one.flag} for one in rows]
