"""`crawl PROJECT --searx URL --query "{colour} {model} car" --list colour=red,blue …`: pictures from search engines."""

import json
import sys
import time
from argparse import ArgumentParser
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.management.terminal import Progress
from curation.models import Crawl, CrawlCall, CrawlLink, Project
from curation.recipes.loading import BadRecipe, load
from curation.services import people
from curation.services.crawling import counting, plans, presets, rounds
from curation.services.crawling.funnel import funnel
from curation.services.crawling.report import is_over, report

LOOK_EVERY = 1.0


class Command(BaseCommand):
    help = "Look for pictures by search engines behind a searx instance, and take them in. Again, it goes on."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="short name of the project")
        parser.add_argument("--name", default="crawl", help="of this crawl; the same name goes on with it")
        parser.add_argument("--searx", metavar="URL", help="address of the instance; it must allow the format json")
        parser.add_argument("--query", metavar="PATTERN", help='such as "{colour} {model} car"')
        parser.add_argument(
            "--list",
            action="append",
            default=[],
            dest="lists",
            metavar="NAME=A,B|NAME=@FILE",
            help="values of {NAME}: with commas, or a file with one a line",
        )
        parser.add_argument("--without", metavar="FILE", help="queries that are not asked, one a line")
        parser.add_argument("--engines", metavar="A,B", help="as the instance calls them: google images,bing images")
        parser.add_argument("--class-from", default="", metavar="NAME", help="the list whose values are classes")
        parser.add_argument("--pages", type=int, default=1, help="of each query")
        parser.add_argument("--per-query", type=int, default=100, help="pictures of each query and engine at most")
        parser.add_argument(
            "--every", type=float, metavar="S", help="seconds between questions to an engine; 1.7, or as in the recipe"
        )
        parser.add_argument(
            "--count", action="store_true", help="count results, as the recipe proposes it, about what was searched for"
        )
        parser.add_argument("--stop", action="store_true", help="ask and fetch nothing more; the same line goes on")
        parser.add_argument(
            "--filter-again", action="store_true", help="its pictures go through the filter by names as it is set now"
        )
        parser.add_argument("--dry-run", action="store_true", help="say what would be asked, ask nothing")
        parser.add_argument("--wait", action="store_true", help="stay until everything is asked and fetched")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        try:
            document = self._done(options)
        except (BadRecipe, CrowdError) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(json.dumps(document, indent=2) if options["json"] else "\n".join(_lines(document)))

    def _done(self, options: dict[str, Any]) -> dict[str, Any]:
        project = Project.objects.filter(slug=options["project"]).first()
        if project is None:
            raise CrowdError(f"There is no project {options['project']!r}; its short name is in its address.")
        if options["stop"]:
            crawl = _known(project, options["name"])
            plans.stop(crawl=crawl, why="Stopped by hand.")
            crawl.refresh_from_db()
            return _document(crawl)
        if options["filter_again"]:
            crawl = _known(project, options["name"])
            sent = rounds.begin(crawl=crawl, by=people.operator(), now=database_now())
            return {**_document(_filtered(crawl, sent, long=options["wait"])), "filtered_again": sent}
        if options["count"]:
            spec = _counts(project, _known(project, options["name"]), options["every"])
        elif options["query"] is not None:
            spec = _spec(options)
        elif options["searx"]:
            spec = _proposed(project, options)
        else:
            return _document(_wait(_known(project, options["name"]), long=options["wait"]))
        if options["dry_run"]:
            return {"crawl": spec.name, "dry_run": True, **asdict(plans.previewed(spec))}
        crawl = plans.start(project=project, spec=spec, by=people.operator(), now=database_now())
        return _document(_wait(crawl, long=options["wait"]))


def _document(crawl: Crawl) -> dict[str, Any]:
    """Return the report; of pictures with what became of them, of counts with the vectors."""
    found = report(crawl)
    if not crawl.counts:
        steps = [asdict(step) for step in funnel(crawl, found["hours"])]
        told = [asdict(one) for one in rounds.rounds(crawl)]
        repeated = {"rounds": told, "changed": rounds.changed(crawl)} if len(told) > 1 else {}
        return {**found, "funnel": steps, **repeated}
    rows = [
        {"thing": row.thing, "counts": dict(row.counts), "label": row.label, "asked_at": str(row.asked_at or "")}
        for row in counting.vectors(crawl)
    ]
    return {**found, "vectors": rows}


def _proposed(project: Project, options: dict[str, Any]) -> plans.Spec:
    """Return the search of the project's recipe; what is said on the line comes before it."""
    search = load(project.recipe).search
    if search is None:
        raise CrowdError(f"The recipe {project.recipe} proposes no search; say --query.")
    spec = presets.spec_of(search, name=options["name"], searx_url=options["searx"], seconds_between=options["every"])
    given = dict(map(_list, options["lists"]))
    engines = _words(options["engines"]) if options["engines"] else spec.engines
    without = _file(options["without"]) if options["without"] else []
    return replace(spec, lists={**spec.lists, **given}, engines=engines, without=without)


def _counts(project: Project, crawl: Crawl, every: float | None) -> plans.Spec:
    search = load(project.recipe).search
    name = f"{crawl.name} counts"[:120]
    spec = search and presets.counting_of(
        search, name=name, searx_url=crawl.searx_url, lists=crawl.lists, seconds_between=every
    )
    if not isinstance(spec, plans.Spec):
        raise CrowdError(f"The recipe {project.recipe} counts nothing.")
    return spec


def _known(project: Project, name: str) -> Crawl:
    crawl = Crawl.objects.filter(project=project, name=name).first()
    if crawl is None:
        raise CrowdError(f"{project.name} has no crawl “{name}”; say --searx, --query and --engines to begin it.")
    return crawl


def _spec(options: dict[str, Any]) -> plans.Spec:
    missing = [f"--{name}" for name in ("searx", "engines") if not options[name]]
    if missing:
        raise CrowdError(f"Say {' and '.join(missing)}.")
    return plans.Spec(
        name=options["name"],
        searx_url=options["searx"],
        pattern=options["query"],
        engines=_words(options["engines"]),
        lists=dict(_list(text) for text in options["lists"]),
        without=_file(options["without"]) if options["without"] else [],
        class_from=options["class_from"],
        pages=options["pages"],
        per_query=options["per_query"],
        seconds_between=1.7 if options["every"] is None else options["every"],
    )


def _list(text: str) -> tuple[str, list[str]]:
    name, separator, values = text.partition("=")
    if not separator or not name:
        raise CrowdError(f"--list {text!r} must look like NAME=A,B or NAME=@FILE.")
    return name, _file(values[1:]) if values.startswith("@") else _words(values)


def _words(text: str) -> list[str]:
    return [word for part in text.split(",") if (word := part.strip())]


def _file(name: str) -> list[str]:
    try:
        lines = Path(name).read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise CrowdError(f"{name} cannot be read: {error}.") from None
    return [line for part in lines if (line := part.strip())]


def _wait(crawl: Crawl, *, long: bool) -> Crawl:
    with Progress("crawling", visible=long and sys.stderr.isatty()) as bar:
        while long and not is_over(crawl) and not crawl.stopped:
            asked = CrawlCall.objects.filter(query__crawl=crawl).exclude(state=CrawlCall.State.PLANNED).count()
            links = CrawlLink.objects.filter(crawl=crawl)
            bar.show(asked + links.exclude(state=CrawlLink.State.WAITING).count(), _all(crawl))
            time.sleep(LOOK_EVERY)
            crawl.refresh_from_db()
    return crawl


def _filtered(crawl: Crawl, n: int, *, long: bool) -> Crawl:
    with Progress("filtering", visible=long and sys.stderr.isatty()) as bar:
        while long and (job := rounds.under_way(crawl)):
            bar.show(job.done_n, n)
            time.sleep(LOOK_EVERY)
    return crawl


def _all(crawl: Crawl) -> int:
    return CrawlCall.objects.filter(query__crawl=crawl).count() + CrawlLink.objects.filter(crawl=crawl).count()


def _lines(document: dict[str, Any]) -> list[str]:
    if document.get("dry_run"):
        return [
            f"{document['queries']:,} queries, {document['calls']:,} questions, up to {document['most_pictures']:,} "
            f"pictures, about {document['hours']:.1f} hours. Nothing was asked."
        ]
    asked, found = document["questions"], document["addresses"]
    lines = [
        f"questions   {asked.get('done', 0):,} answered, {asked.get('planned', 0):,} to ask, "
        f"{asked.get('refused', 0):,} given up",
        f"addresses   {found.get('taken', 0):,} taken, {found.get('waiting', 0):,} to fetch, "
        f"{found.get('refused', 0):,} refused",
    ]
    lines += [f"  {n:>9,}  {code}" for code, n in document["refused"].items()]
    lines += [f"{one['class']:<24} {one['found']:>9,} found {one['taken']:>9,} taken" for one in document["classes"]]
    lines += [_step(one) for one in document.get("funnel", [])]
    lines += [
        f"round {one['number']} of the filter: {one['kept']:,} of {one['came']:,}" for one in document.get("rounds", [])
    ]
    if differs := document.get("changed"):
        lines.append(
            f"the last one lets {len(differs['came']):,} in and {len(differs['left']):,} out (--json names them)"
        )
    if "filtered_again" in document:
        lines.append(f"{document['filtered_again']:,} pictures go through the filter again; what it says is kept stays")
    lines += [_vector(one) for one in document.get("vectors", [])]
    lines += [f"{one['name']}: {one['note']}" for one in document["engines"] if one["note"]]
    return [*lines, f"Stopped: {document['stopped']}"] if document["stopped"] else lines


def _step(step: dict[str, Any]) -> str:
    took = "" if step["hours"] is None else f"  {step['hours']:.2f} h"
    return f"{step['title']:<24} {step['came']:>9,} in {step['passed']:>9,} on {step['dropped']:>9,} out{took}"


def _vector(row: dict[str, Any]) -> str:
    counts = ", ".join(f"{word} {n:,}" for word, n in row["counts"].items())
    return f"{row['thing']:<24} {row['label'] or 'even':<10} {counts}"
