"""`jobs [--retry-dead]`: what is due, running or dead, and another chance for the dead."""

import json
from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand

from curation.models import Job
from curation.services import jobs


class Command(BaseCommand):
    help = "List jobs that are not finished; with --retry-dead give the dead ones another chance."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--retry-dead", action="store_true")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_: Any, **options: Any) -> None:
        revived = 0
        if options["retry_dead"]:
            dead = Job.objects.filter(state=Job.State.DEAD).values_list("pk", flat=True)
            revived = sum(jobs.retry(job_id=pk) for pk in dead)
        rows = [describe(job) for job in Job.objects.exclude(state=Job.State.DONE).order_by("state", "next_at")[:200]]
        if options["json"]:
            self.stdout.write(json.dumps({"retried": revived, "jobs": rows}, indent=2))
            return
        for row in rows:
            self.stdout.write(f"{row['state']:<10}{row['kind']:<12}{row['key']:<8}{row['last_error']}")
        self.stdout.write(f"{len(rows)} unfinished" + (f", {revived} tried again" if options["retry_dead"] else ""))


def describe(job: Job) -> dict[str, Any]:
    return {
        "id": job.pk,
        "kind": job.kind,
        "key": job.key,
        "state": job.state,
        "crashes": job.crashes,
        "failures": job.failures,
        "last_error": job.last_error.splitlines()[0] if job.last_error else "",
    }
