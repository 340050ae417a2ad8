"""Start everything on this machine and keep it running."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandParser
from django.db import connections

from crowd.clock import database_now
from curation import sibling_counts
from curation.embedded.door import Door, Question, listening
from curation.embedded.plan import embedded_plan
from curation.embedded.processes import say
from curation.embedded.programs import Serving, product_programs
from curation.embedded.schema import apply_pending_migrations
from curation.embedded.services import Services, make_folders, running_services
from curation.embedded.static import collect_changed
from curation.embedded.supervisor import (
    Supervisor,
    hearing,
    note_address,
    only_supervisor,
)
from curation.engine.demo import ensure_demo
from curation.services import people


class Command(BaseCommand):
    help = "Start the embedded services, the web server, the workers and the clock; Ctrl-C stops all of them."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--port", type=int, help="port of the web server (default: PORT or 8000)")
        parser.add_argument("--demo", action="store_true", default=True, help="have the demo project (the default)")
        parser.add_argument("--no-demo", dest="demo", action="store_false", help="start without the demo project")

    def handle(self, *, demo: bool, **_: Any) -> None:
        make_folders(settings.PATHS)
        with (
            hearing((signal.SIGTERM, signal.SIGHUP), signal.default_int_handler),
            only_supervisor(settings.PATHS),
            listening(settings.HOST, settings.PORT) as door,
        ):
            note_address(settings.PATHS, settings.BASE_URL)
            sibling_counts.forget(settings.PATHS.web_counts)
            with embedded_services() as services:
                link = prepare(demo=demo)
                self._supervise(services, link, door)

    def _supervise(self, services: Services | None, link: str, door: Door) -> None:
        say("starting the web server, the workers and the clock.")
        serving = Serving(door.fileno(), settings.WEB_PROCESSES, settings.WORKERS)
        Supervisor(
            programs=product_programs(settings.PATHS, serving),
            services=services,
            is_ready=Question(settings.HOST, settings.PORT).is_answered,
            announce=lambda: self._announce(link),
            close_the_door=door.close,
        ).run()
        say("stopped.")

    def _announce(self, link: str) -> None:
        lines = [f"Winnow is ready: {settings.BASE_URL}"]
        if link:
            lines.append(f"Sign in once with: {link}")
        self.stdout.write("\n".join([*lines, "Stop with Ctrl-C"]))
        self.stdout.flush()


@contextmanager
def embedded_services() -> Iterator[Services | None]:
    """Have the embedded services, or none when both servers are yours."""
    plan = embedded_plan(settings)
    if plan is None:
        yield None
        return
    names = [name for name, wanted in (("PostgreSQL", plan.postgres), ("Redis", plan.redis)) if wanted]
    say(f"starting {' and '.join(names)} in {settings.DATA_DIR}.")
    with running_services(settings.PATHS, plan) as services:
        yield services


def prepare(*, demo: bool) -> str:
    """Bring tables, static files and the demo project up to date; return the first sign-in link."""
    applied = apply_pending_migrations()
    if applied:
        say(f"applied {len(applied)} migrations.")
    if collect_changed():
        say("collected the static files.")
    if demo:
        say("looking after the demo project (--no-demo leaves it out).")
        ensure_demo(by=people.operator(), now=database_now())
    link = people.first_sign_in_link(base_url=settings.BASE_URL)
    connections.close_all()
    return link
