"""Serve an emulator of a crowd platform, to rehearse against its real protocol."""

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.emulators.registry import EMULATORS, BadOption, server
from curation.engine.guests import RehearsalPeople

HOSTED = frozenset({"mturk", "prolific"})  # their people work on our own pages, and see by our rows what is shown
_OPTIONS = {
    "port": ("N", "port of the server; 0 takes a free one"),
    "seed": ("N", "decides ids, people and faults"),
    "script": ("FILE", "JSON: what each worker does"),
    "balance": ("USD", "money on the account"),
    "commission": ("SHARE", "fee of the platform, such as 0.3"),
    "people": ("N", "let so many people in, who work by themselves"),
    "crowd": ("SEED", "let the people of a rehearsal come by"),
    "population": ("N", "how many of them there are"),
    "visits-per-second": ("X", "how often one of them comes by"),
    "days-per-second": ("X", "how fast the platform's clock runs; without it as the one on the wall"),
}


class Command(BaseCommand):
    help = "Serve an emulator of a crowd platform until Ctrl-C; prints its address and a token."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("platform", help=", ".join(sorted(EMULATORS)))
        for name, (metavar, text) in _OPTIONS.items():
            parser.add_argument(f"--{name}", metavar=metavar, help=text)
        parser.add_argument("--fault", action="append", metavar="NAME=RATE", help="may be given several times")

    def handle(self, *, platform: str, **options: Any) -> None:
        names = (*(name.replace("-", "_") for name in _OPTIONS), "fault")
        given = {name: options[name] for name in names if options[name] is not None}
        if platform in HOSTED and "crowd" in given:
            given["guests"] = RehearsalPeople(given["crowd"])
        try:
            server(platform)(given)
        except BadOption as wrong:
            raise CommandError(str(wrong), returncode=2) from None
