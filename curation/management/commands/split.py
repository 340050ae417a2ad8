"""Split a frozen version into train, val and test so that nobody stands in two of them."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.clock import database_now
from curation.datasets.splitting import USUAL_SHARES
from curation.management.projects import project_or_exit
from curation.management.versions import add_version, version_or_exit
from curation.models import DatasetVersion
from curation.services import freezing, people
from curation.services.splits import TIES, USUAL_TIES, BadSplit, SplitPlan


class Command(BaseCommand):
    help = "Freeze the next version of a data set: the same pictures, dealt out to parts without leaks."
    requires_system_checks = []

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """Let --version be the version of the data set: Django's own would print Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="short name or id")
        add_version(parser, "number of a frozen version; the newest if left out")
        usual = ",".join(f"{name}={share:g}" for name, share in USUAL_SHARES.items())
        parser.add_argument("--shares", default=usual, metavar="NAME=SHARE,…", help=f"parts and their shares ({usual})")
        parser.add_argument(
            "--by",
            default=",".join(USUAL_TIES),
            metavar="A,B",
            help=f"what stays together, of {', '.join(TIES)} ({','.join(USUAL_TIES)}); `picture` for nothing",
        )
        parser.add_argument("--seed", type=int, default=0, help="the same seed gives the same parts (0)")
        parser.add_argument("--anew", action="store_true", help="do not keep what earlier versions had in a part in it")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, project: str, **options: Any) -> None:
        found = project_or_exit(project)
        whole = version_or_exit(found, options["number"])
        try:
            ties = tuple(tie.strip() for tie in options["by"].split(",") if tie.strip() not in {"", "picture"})
            plan = SplitPlan(ties, _shares(options["shares"]), options["seed"], keep=not options["anew"])
            version = freezing.split_version(dataset_id=whole.pk, plan=plan, by=people.operator(), now=database_now())
        except BadSplit as error:
            raise CommandError(str(error), returncode=2) from None
        told = {"version": version.number, "of": whole.number, **version.splits}
        self.stdout.write(json.dumps(told, ensure_ascii=False) if options["json"] else _table(version, whole))


def _shares(text: str) -> dict[str, float]:
    found = {}
    for part in text.split(","):
        name, _, share = part.partition("=")
        try:
            found[name.strip()] = float(share)
        except ValueError:
            raise CommandError(
                f"{part.strip()!r} must look like NAME=SHARE, such as train=0.8.", returncode=2
            ) from None
    return found


def _table(version: DatasetVersion, whole: DatasetVersion) -> str:
    told = version.splits
    lines = [f"{version} is {whole}, split by {', '.join(told['by']) or 'picture'} with seed {told['seed']}:"]
    lines += [f"{n['images']:>10,} images {n['boxes']:>10,} boxes  {name}" for name, n in told["counts"].items()]
    leaks = [f"{n if n is not None else 'too many'} {kind}" for kind, n in told["leaks"].items() if n != 0]
    lines.append(f"in more than one part: {', '.join(leaks) or 'nothing'}")
    return "\n".join(lines)
