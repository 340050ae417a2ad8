"""Bring the catalogues under locale/ up to date with the sources and compile them."""

from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser

from curation.portal import catalogue


class Command(BaseCommand):
    help = "update and compile the translations of the workers' pages; --check says what is missing and changes nothing"

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--check", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        root = Path(settings.BASE_DIR)
        wanted = catalogue.messages(root)
        for code, name in settings.LANGUAGES[1:]:
            folder = root / "locale" / code / "LC_MESSAGES"
            found = catalogue.read(folder / "django.po") if (folder / "django.po").exists() else Catalog(locale=code)
            if not options["check"]:
                found = catalogue.updated(found, wanted)
                folder.mkdir(parents=True, exist_ok=True)
                (folder / "django.po").write_bytes(catalogue.written(found))
                (folder / "django.mo").write_bytes(catalogue.compiled(found))
            untold = catalogue.missing(found, wanted)
            self.stdout.write(f"{name}: {len(wanted) - len(untold)} of {len(wanted)} sentences")
            for sentence in untold:
                self.stdout.write(f"  missing: {sentence}")
