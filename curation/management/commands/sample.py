"""`sample PROJECT --size 20000 --shares "light: low 30%, normal 70%"`: balanced, the same for the same seed."""

import json
from argparse import ArgumentParser
from dataclasses import asdict
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.management.projects import project_or_exit
from curation.models import Asset
from curation.services import people, sampling
from curation.services.asset_query import QueryError
from curation.services.coverage.plan import plan_of, read_plan


class Command(BaseCommand):
    help = "Choose assets so that several conditions have the shares wanted; say what there is too little of."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("project", help="short name or id")
        parser.add_argument("--size", type=int, default=0, help="how many assets; not with --under")
        parser.add_argument("--query", default="", help="among which: a query such as state:published")
        parser.add_argument(
            "--shares",
            action="append",
            default=[],
            metavar="TEXT",
            help='such as "light: low 30%%, normal 70%%"; more than once for more conditions; default: the plan',
        )
        parser.add_argument("--seed", type=int, default=0, help="the same seed takes the same assets (0)")
        parser.add_argument("--strict", action="store_true", help="take fewer rather than other shares")
        parser.add_argument(
            "--under",
            choices=["rarest", "next"],
            default="",
            help="no shares: as many of each value of one condition as of the rarest; next: all of the rarest, "
            "and as many of the others as of the next rarest",
        )
        parser.add_argument("--diverse", action="store_true", help="of equal values those that look most unlike")
        parser.add_argument("--keep", metavar="NAME", help="tag the assets `sample: NAME`, and keep the view")
        parser.add_argument("--json", action="store_true", help="print one JSON document, with the ids")

    def handle(self, *, project: str, **options: Any) -> None:
        found = project_or_exit(project)
        try:
            factors = read_plan("\n".join(options["shares"])) if options["shares"] else plan_of(found)
            order = sampling.Order(
                factors=factors,
                size=options["size"],
                query=options["query"],
                seed=options["seed"],
                mode="strict" if options["strict"] else "fill",
                under=options["under"],
                diverse=options["diverse"],
            )
            if options["keep"]:
                now = database_now()
                drawn = sampling.keep(project=found, name=options["keep"], order=order, by=people.operator(), now=now)
            else:
                drawn = sampling.drawn(project=found, order=order)
        except (CrowdError, QueryError) as error:
            raise CommandError(str(error), returncode=2) from None
        self.stdout.write(_document(drawn) if options["json"] else _table(drawn))


def _document(drawn: sampling.Sample) -> str:
    ids = Asset.objects.filter(pk__in=drawn.asset_ids).order_by("public_id").values_list("public_id", flat=True)
    return json.dumps(
        {
            "taken": len(drawn.asset_ids),
            "among": drawn.among,
            "counts": [asdict(one) for one in drawn.counts],
            "deficits": [{**asdict(one), "missing": one.missing} for one in drawn.deficits],
            "ids": [str(one) for one in ids],
        },
        ensure_ascii=False,
    )


def _table(drawn: sampling.Sample) -> str:
    lines = [f"{len(drawn.asset_ids):,} of {drawn.among:,} assets"]
    lines += [f"{one.factor:<16} {one.value:<24} {one.taken:>9,} of {one.wanted:,} wanted" for one in drawn.counts]
    lines += [f"collect {one.missing:,} more of {one.attribute} {one.value}" for one in drawn.deficits]
    return "\n".join(lines)
