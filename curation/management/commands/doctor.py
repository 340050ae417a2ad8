"""Check the installation, and say how to mend what is wrong."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.embedded.checkup_accounts import account_findings
from curation.embedded.checkup_machine import machine_findings
from curation.embedded.checkup_services import database_findings, redis_findings, worker_findings
from curation.embedded.errors import ServiceError
from curation.embedded.findings import Finding
from curation.embedded.locks import is_held
from curation.embedded.plan import embedded_plan
from curation.embedded.services import running_services


class Command(BaseCommand):
    help = (
        "Check Python, packages, environment, disk, storage, database, Redis, workers, the clock and platform accounts."
    )
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *, json: bool, **_: Any) -> None:
        findings = []
        for finding in all_findings():
            findings.append(finding)
            if not json:
                self.stdout.write(finding.line())
        failed = [finding for finding in findings if finding.level == "fail"]
        if json:
            self.stdout.write(document(findings))
        if failed:
            raise CommandError(f"{len(failed)} of {len(findings)} checks failed.", returncode=1)


def all_findings() -> Iterator[Finding]:
    yield from machine_findings()
    plan = embedded_plan(settings)
    if plan is None:
        yield from service_findings()
        return
    try:
        running = is_held(settings.PATHS.run / "lock")
    except OSError:
        running = False
    try:
        with running_services(settings.PATHS, plan):
            text = "running already" if running else "nothing was running: started for this check, stopped after it"
            yield Finding("services", "ok", text)
            yield from service_findings()
    except ServiceError as failure:
        yield Finding("services", "fail", failure.sentence)


def service_findings() -> Iterator[Finding]:
    yield from database_findings()
    yield from redis_findings()
    yield from worker_findings()
    yield from account_findings()


def document(findings: list[Finding]) -> str:
    return json.dumps(
        {"ok": all(finding.level != "fail" for finding in findings), "checks": [asdict(each) for each in findings]},
        indent=2,
    )
