"""`upgrade --check [--json]`: what this release would change in the database, and what to do before it starts."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError
from django.db import Error

from curation.embedded.checkup_upgrade import data_findings, upgrade_findings
from curation.embedded.command_line import first_line
from curation.embedded.findings import Finding
from curation.embedded.plan import embedded_plan
from curation.management.commands.up import embedded_services


class Command(BaseCommand):
    help = "Compare this release with the database it would meet; nothing is changed."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--check", action="store_true", required=True, help="only look (`./winnow up` upgrades)")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        findings = []
        for finding in all_findings():
            findings.append(finding)
            if not options["json"]:
                self.stdout.write(finding.line())
        failed = [finding for finding in findings if finding.level == "fail"]
        if options["json"]:
            told = {"ok": not failed, "release": settings.VERSION, "checks": [asdict(each) for each in findings]}
            self.stdout.write(json.dumps(told, indent=2))
        if failed:
            raise CommandError(f"{len(failed)} of these must be mended before this release is started.", returncode=1)


def all_findings() -> Iterator[Finding]:
    plan = embedded_plan(settings)
    if plan is not None and plan.postgres:
        found = data_findings(settings.PATHS)
        yield from found
        if found[0].level == "fail" or not (settings.PATHS.pg_data / "PG_VERSION").exists():
            return
    try:
        with embedded_services():
            yield from upgrade_findings()
    except Error as error:
        yield Finding("database", "fail", f"does not answer: {first_line(error)}", "start it, or check DATABASE_URL")
