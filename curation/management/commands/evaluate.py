"""Judge a model in every scenario of a project: pass, fail or undecided, like unit tests."""

import json
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.management.projects import project_or_exit
from curation.management.versions import add_version, version_or_exit
from curation.models import DatasetVersion, Predictions, Project, Scenario, ScenarioVerdict
from curation.services import evaluating, people, predictions, scenarios
from curation.services.asset_query import QueryError
from curation.services.predictions import ModelName
from curation.services.scenarios import Terms

MOST_BYTES = 2**30


class Command(BaseCommand):
    help = "Take predictions in and judge the model in every scenario; exit status 1 when one fails."
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Let --version be the version of the data set: Django's own would print Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="short name or id")
        parser.add_argument("file", nargs="?", help="COCO results or JSON Lines; without one, what was sent is judged")
        add_version(parser, "frozen version the predictions are for; the newest if left out")
        parser.add_argument("--model", metavar="NAME", help="which model said it")
        parser.add_argument("--model-version", metavar="NAME", help="which version of the model")
        parser.add_argument("--part", default="", help="part of the version it was run on, such as test; all of it")
        parser.add_argument("--trained-on", type=int, metavar="V", help="version of the data set it learnt from")
        parser.add_argument(
            "--scenario", action="append", default=[], metavar="NAME=QUERY", help="add or change a scenario first"
        )
        parser.add_argument("--metric", choices=Scenario.Metric.values, default=Scenario.Metric.RECALL.value)
        parser.add_argument("--at-least", type=float, default=0.9, metavar="SHARE", help="tolerated performance (0.9)")
        parser.add_argument("--iou", type=float, default=0.5, help="overlap from which a box counts as found (0.5)")
        parser.add_argument("--confidence", type=float, default=0.5, help="what is said less surely is not said (0.5)")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, project: str, **options: Any) -> None:
        found = project_or_exit(project)
        try:
            self._add_scenarios(found, options)
            row = self._predictions(found, options)
            verdicts = _judged(found, row)
        except (CrowdError, QueryError) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(
            json.dumps(_told(row, verdicts), ensure_ascii=False) if options["json"] else _table(row, verdicts)
        )
        failed = [one.scenario.name for one in verdicts if one.verdict == "fail"]
        if failed:
            raise CommandError(f"{row} fails in {', '.join(failed)}.", returncode=1)

    def _add_scenarios(self, project: Project, options: dict[str, Any]) -> None:
        for text in options["scenario"]:
            name, sign, query = text.partition("=")
            if not sign:
                raise CommandError(f"{text!r} must look like NAME=QUERY, such as dark=light:low.", returncode=2)
            terms = Terms(query, options["at_least"], options["metric"], options["iou"], options["confidence"])
            scenarios.save(project=project, name=name, terms=terms, by=people.operator(), now=database_now())

    def _predictions(self, project: Project, options: dict[str, Any]) -> Predictions:
        if not options["file"]:
            return _sent(project, options)
        if not options["model"] or not options["model_version"]:
            raise CommandError("Say whose predictions these are: --model NAME --model-version NAME.", returncode=2)
        trained = version_or_exit(project, options["trained_on"]) if options["trained_on"] else None
        return predictions.take_in(
            dataset=version_or_exit(project, options["number"]),
            name=ModelName(options["model"], options["model_version"], trained),
            data=_bytes(options["file"]),
            part=options["part"],
            by=people.operator(),
            now=database_now(),
        )


def _sent(project: Project, options: dict[str, Any]) -> Predictions:
    rows = Predictions.objects.judged().filter(project=project).select_related("project", "dataset").order_by("-id")
    rows = rows.filter(model=options["model"]) if options["model"] else rows
    rows = rows.filter(model_version=options["model_version"]) if options["model_version"] else rows
    rows = rows.filter(dataset__number=options["number"]) if options["number"] else rows
    row = rows.first()
    if row is None:
        raise CommandError(f"{project.slug} has no such predictions; name a file of them.", returncode=2)
    return row


def _bytes(name: str) -> bytes:
    path = Path(name)
    try:
        if path.stat().st_size > MOST_BYTES:
            raise CommandError(f"{name} has more than 1 GB; send the predictions in parts.", returncode=2)
        return path.read_bytes()
    except OSError as error:
        raise CommandError(f"{name} cannot be read: {error.strerror}.", returncode=2) from None


def _judged(project: Project, row: Predictions) -> list[ScenarioVerdict]:
    if row.kind == Predictions.Kind.VECTORS:
        return []
    asked = scenarios.standing(project)
    if not asked:
        raise CommandError(
            f"{project.slug} has no scenario; add one, such as --scenario dark=light:low --at-least 0.9.", returncode=2
        )
    return [evaluating.evaluate(predictions=row, scenario=one, now=database_now()) for one in asked]


def _told(row: Predictions, verdicts: list[ScenarioVerdict]) -> dict[str, Any]:
    dataset: DatasetVersion = row.dataset
    return {
        "model": row.model,
        "model_version": row.model_version,
        "version": dataset.number,
        "part": row.part,
        "scenarios": [
            {
                "name": one.scenario.name,
                "query": one.scenario.query,
                "metric": one.scenario.metric,
                "at_least": one.scenario.tolerated,
                "images": one.images,
                "right": one.right,
                "n": one.n,
                "value": one.share,
                "low": one.low,
                "high": one.high,
                "verdict": one.verdict,
                "more_needed": one.more,
                "largest_subject": one.largest_subject,
            }
            for one in verdicts
        ],
    }


def _table(row: Predictions, verdicts: list[ScenarioVerdict]) -> str:
    lines = [f"{row} on {f'{row.part} of ' if row.part else ''}{row.dataset}:"]
    for one in verdicts:
        value = f"{one.share:.1%}" if one.share is not None else "nothing"
        more = f", {one.more:,} more needed" if one.more else ""
        terms = f"{one.scenario.get_metric_display()} at least {one.scenario.tolerated:.1%}"
        lines.append(
            f"{one.verdict:>10}  {one.scenario.name}: {terms}, found {value} "
            f"({one.low:.1%} to {one.high:.1%}, {one.images:,} images{more})"
        )
        if one.largest_subject > evaluating.MUCH_OF_ONE:
            lines.append(f"            one person sent {one.largest_subject:.0%} of them: the interval is too narrow")
    return "\n".join(lines)
