"""`reencrypt [--json]`: stored secrets get the newest of FIELD_KEYS. For the operator of the server."""

import json
from argparse import ArgumentParser
from collections import Counter
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from curation.services.reencrypting import reencrypt


class Command(BaseCommand):
    help = "Encrypt every stored secret with the first of FIELD_KEYS, so that the older ones can go."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--json", action="store_true", help="print exactly one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        found = reencrypt()
        if options["json"]:
            self.stdout.write(json.dumps({"encrypted": found.done, "locked": found.locked}))
        else:
            self.stdout.write(f"Encrypted with the first of FIELD_KEYS: {_told(found.done)}.")
        if found.locked:
            raise CommandError(
                f"No key of FIELD_KEYS opens {_told(found.locked)}: keep all keys, and add the one that is missing."
            )


def _told(counts: Counter[str]) -> str:
    return ", ".join(f"{n} of {name}" for name, n in sorted(counts.items())) or "nothing"
