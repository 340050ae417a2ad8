"""`reconcile [--account A] [--recount] [--json]`: local against remote, books against rows; exit 1 if they differ."""

import json
from argparse import ArgumentParser
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from crowd.clock import database_now
from crowd.models import Account
from crowd.services import holding, rollups, tallies
from crowd.services.own_books import Difference, counts
from crowd.services.reconcile import reconcile
from curation.services import reviews
from curation.services.overview.counted import ASSETS

COUNTED = frozenset({"rollup", "count", "queue"})


class Command(BaseCommand):
    help = "List the differences between us and the crowd platforms, and between our books and our rows."
    requires_system_checks = ()

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--account", metavar="A", help="only this platform account, by its short name")
        parser.add_argument(
            "--recount", action="store_true", help="first count anew what screens show: pages, answers, money, assets"
        )
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        account = _account(options["account"]) if options["account"] else None
        if options["recount"]:
            if account is not None:
                raise CommandError("Counts are made anew for all accounts at once: leave out --account.", returncode=2)
            recount(now=database_now())
        found = [*reconcile(now=database_now(), account=account), *(() if account else _of_the_product())]
        self._let_go(found, account)
        if options["json"]:
            self.stdout.write(json.dumps({"differences": [one.as_json() for one in found]}, indent=2))
        else:
            for one in found:
                self.stdout.write(f"{one.kind:<10}here {one.local}, there {one.remote}: {one.where}")
        if not options["recount"] and any(one.kind in COUNTED for one in found):
            self.stderr.write("Counts are made anew from their rows by ./winnow reconcile --recount.")
        if found:
            n = "1 difference" if len(found) == 1 else f"{len(found)} differences"
            raise CommandError(f"{n}.", returncode=1)
        if not options["json"]:
            self.stdout.write("No differences.")

    def _let_go(self, found: list[Difference], account: Account | None) -> None:
        """End the hold of a restore on every account whose platform has answered."""
        silent = {one.where.split(",")[0] for one in found if one.kind == "platform"}
        asked = Account.objects.exclude(slug__in=silent).filter(
            is_active=True, **({} if account is None else {"pk": account.pk})
        )
        released = holding.release(account_ids=asked.values("pk"), now=database_now())
        if released:
            self.stderr.write(f"What waited since the restore is sent again on {released:,} accounts.")


def _of_the_product() -> Iterator[Difference]:
    yield from counts(source=ASSETS)
    outlived, missing = reviews.misplaced()
    if outlived or missing:
        local = f"{outlived:,} places of images that do not wait"
        yield Difference("queue", local, f"{missing:,} images that wait without a place", "the queue of review")


def recount(*, now: datetime) -> None:
    rollups.rebuild()
    for source in (tallies.PAGES, ASSETS):
        tallies.rebuild(source=source, now=now)
    reviews.place_all()


def _account(slug: str) -> Account:
    account = Account.objects.filter(slug=slug).first()
    if account is None:
        known = ", ".join(Account.objects.order_by("slug").values_list("slug", flat=True)) or "none"
        raise CommandError(f"There is no account {slug!r}; known are {known}.", returncode=2)
    return account
