"""Hold the pictures of a folder or an archive out of a project."""

import json
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.clock import database_now
from crowd.errors import CrowdError
from curation.intake.found import UnknownSource
from curation.management.projects import project_or_exit
from curation.services import held_out, people


class Command(BaseCommand):
    help = "Name pictures that a project must not contain: what is in it already is taken out, what comes is refused."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="short name or id")
        parser.add_argument("name", help="what the set is called")
        parser.add_argument("source", metavar="SOURCE", help="a folder or an archive of pictures")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, project: str, name: str, source: str, **options: Any) -> None:
        found = project_or_exit(project)
        by = people.operator()
        try:
            row = held_out.add_source(project=found, name=name, source=source, by=by, now=database_now())
        except (UnknownSource, CrowdError) as error:
            raise CommandError(str(error), returncode=2) from None
        size = row.pictures.count()
        if options["json"]:
            self.stdout.write(json.dumps({"set": row.name, "pictures": size, "refused": row.refused}))
        else:
            refused = sum(row.refused.values())
            self.stdout.write(f"{size:,} pictures are held out of {found.name}; {refused:,} files are none.")
