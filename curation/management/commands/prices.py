"""Try several prices in a pool: begin, look, stop."""

import json
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.money import micro, plain
from curation.models import Pool, PriceTrial
from curation.services import price_dealing, price_trials

A_HUNDRED = 100


class Command(BaseCommand):
    help = (
        "try two to four prices in a pool at once: --try begins, --take or --stop ends, without either it is looked at"
    )

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("project", help="slug of the project")
        parser.add_argument("pool", type=int, help="number of the pool, as its address says it")
        parser.add_argument("--try", dest="prices", default="", metavar="0.02,0.03", help="prices of a page")
        parser.add_argument("--hours", type=int, default=48, help="until all is to be done")
        parser.add_argument("--cap", default="", metavar="USD", help="what the trial may cost at most")
        parser.add_argument("--take", type=int, help="stop, and keep the price of this number")
        parser.add_argument("--stop", action="store_true", help="stop, and go on at the former price")
        parser.add_argument("--json", action="store_true")

    def handle(self, *_args: Any, **options: Any) -> None:
        pool = Pool.objects.filter(project__slug=options["project"], pk=options["pool"]).first()
        if pool is None:
            raise CommandError(f"The project {options['project']!r} has no pool {options['pool']}.", returncode=2)
        try:
            trial = _carry_out(pool, options)
        except (CrowdError, ValueError) as error:
            raise CommandError(str(error), returncode=2) from None
        if trial is None:
            raise CommandError(
                f"No prices were tried in {pool.title} yet: begin with --try 0.02,0.03 --cap 20.", returncode=2
            )
        shown = _shown(trial)
        self.stdout.write(json.dumps(shown) if options["json"] else _lines(shown))


def _carry_out(pool: Pool, options: dict[str, Any]) -> PriceTrial | None:
    now = database_now()
    if options["prices"]:
        return price_trials.start(
            pool_id=pool.pk,
            prices_micro=[micro(text) for text in options["prices"].split(",")],
            deadline=now + timedelta(hours=options["hours"]),
            cap_micro=micro(options["cap"]),
            by=None,
            now=now,
        )
    trial = price_trials.running(pool)
    if options["stop"] or options["take"] is not None:
        if trial is None:
            raise CrowdError(f"No trial of prices runs in {pool.title}.")
        return price_trials.stop(trial_id=trial.pk, take=options["take"], by=None, now=now)
    return trial or PriceTrial.objects.filter(pool=pool).first()


def _shown(trial: PriceTrial) -> dict[str, Any]:
    return {
        "state": trial.state,
        "deadline": trial.deadline.isoformat(),
        "cap_usd": plain(trial.cap_micro),
        "note": trial.note,
        "arms": [
            {
                "number": one.arm.number,
                "price_usd": plain(one.arm.price_micro),
                "share": one.arm.batch.trial_share,
                "pages": one.pages,
                "accepted": one.accepted,
                "judged": one.judged,
                "cost_usd": plain(one.cost_micro),
                "taken": one.arm.is_taken,
            }
            for one in price_dealing.look(trial)
        ],
    }


def _lines(shown: dict[str, Any]) -> str:
    head = f"{shown['state']}, at most {shown['cap_usd']} USD, until {shown['deadline']} {shown['note']}".strip()
    arms = [
        f"{one['number']}  {one['price_usd']:>8}  {A_HUNDRED * (one['share'] or 0):5.1f} %  {one['pages']:>6} pages  "
        f"{one['accepted']} of {one['judged']} accepted  {one['cost_usd']} USD{'  kept' if one['taken'] else ''}"
        for one in shown["arms"]
    ]
    return "\n".join([head, *arms])
