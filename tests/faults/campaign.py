"""One campaign through the adapter while calls fail and workers are killed, judged by the platform's own books."""

import json
import random
import tempfile
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from crowd.money import micro
from tests.faults.sides import COMMISSION, THROTTLE, Emulator, Product

CLASSES = ("call", "like", "fist")
A_TURN, A_LOOK = 10, 3  # people who come by at once
MOST_BEHIND = 200  # pages and commands: the crowd waits for the product when it lags behind so far
BREATH = 0.3
GIVEN_UP_AFTER = 1800.0  # two thousand pages on a busy machine
PULLED_WITHIN = 60.0  # seconds for the last pages that nobody waits for
BONUS_MICRO = 50_000
PAGES_A_PICTURE = 5.2  # two to three judgements of one picture each, and as many drawings of boxes
PAGES_A_PHOTO = 9.0
SIZE = (320, 240)
SETTINGS = {
    "checks": {"min_long": 320, "min_short": 240, "edited_templates": "reject"},  # no person is there to look
    "validate": {"page_size": 2, "control_per_page": 1},
    "boxes": {"page_size": 1},
    "collect": {"per_worker": 0},
}

SET_UP = """
import json
from crowd.clock import database_now
from crowd.models import Account
from crowd.secrets import Secrets
from curation.engine import asking, campaigns
from curation.services.ingest import ingest
now = database_now()
account = Account.objects.create(slug={slug!r}, platform="toloka", label={slug!r}, base_url={url!r},
    commission_percent={percent}, secrets=Secrets(token={token!r}, webhook="a secret of the two"))
asked = asking.campaign(recipe="gestures", platform={slug!r}, name={slug!r}, classes={classes!r},
    wanted={wanted}, budget="20000", settings={settings!r})
project = campaigns.ensure_project(asked=asked, by=None, now=now).project
campaigns.open_all(project=project, by=None, now=now, accept_differences=True)
label = project.classes.get(name={classes!r}[0])
ingest(project=project, sources=[{folder!r}], label_class=label, now=now)
print(json.dumps(account.pk))
"""
GIVE_BONUSES = """
import json
from crowd.models import Assignment
from crowd.services import bonuses
pages = Assignment.objects.filter(account_id={account}, state="accepted", price_micro__gt=0).order_by("id")[:{n}]
wishes = [bonuses.Wish(page, {amount}, f"well done {{page.pk}}", "Well done.") for page in pages]
print(json.dumps(bonuses.plan_many(wishes=wishes, by_id=None).new))
"""


@dataclass(frozen=True, slots=True)
class Plan:
    """At least so many `pages` handed in, `kills` spread over them."""

    seed: int
    pages: int
    kills: int
    photos: int = 6
    bonuses: int = 20


@dataclass
class Outcome:
    """What came of it. `wrong` is empty when both sides agree to the cent and nothing was lost or paid twice."""

    seed: int
    pages: int = 0
    kills: int = 0
    seconds: float = 0.0
    seconds_after_the_last_kill: float = 0.0
    accepted: int = 0
    bonuses: int = 0
    paid_usd: str = ""
    faults: dict[str, int] = field(default_factory=dict)
    wrong: list[str] = field(default_factory=list)

    def as_json(self) -> dict[str, Any]:
        return asdict(self)


@dataclass
class Campaign:
    """A project on an account of its own, connected to an emulator of its own."""

    product: Product
    far: Emulator
    plan: Plan
    account: int = 0

    @property
    def slug(self) -> str:
        return f"toloka-{self.plan.seed}"

    def begin(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            pictures(Path(folder), round((self.plan.pages - self.plan.photos * PAGES_A_PHOTO) / PAGES_A_PICTURE))
            code = SET_UP.format(
                slug=self.slug, url=self.far.url, token=self.far.token, percent=int(float(COMMISSION) * 100),
                classes=list(CLASSES), wanted=max(1, self.plan.photos // len(CLASSES)), settings=SETTINGS,
                folder=folder,
            )  # fmt: skip
            self.account = int(self.product.shell(code))

    def run(self) -> Outcome:
        """Let people come until there is nothing left to do, while workers die; then compare."""
        rng = random.Random(f"kills-{self.plan.seed}")
        outcome = Outcome(self.plan.seed)
        began = last = busy = time.monotonic()
        given, came = 0, 1
        while True:
            if not came:
                time.sleep(BREATH)
            # Every visit moves the platform's clock on: while there is nothing to do only a few people look.
            came = self.far.visits(A_TURN if came else A_LOOK) if self._behind() < MOST_BEHIND else 0
            outcome.pages += came
            busy = time.monotonic() if came else busy
            if outcome.kills < self.plan.kills and outcome.pages >= self._kill_after(outcome.kills):
                self.product.kill_a_worker(rng)
                outcome.kills, last = outcome.kills + 1, time.monotonic()
            if not given and outcome.pages >= self.plan.pages // 2:
                given = self._give_bonuses()
            if not came and self.is_over() and (not self._not_pulled() or time.monotonic() - busy > PULLED_WITHIN):
                break
            assert time.monotonic() - began < GIVEN_UP_AFTER, f"{outcome.pages} pages only: {self.standing()}"
        now = time.monotonic()
        outcome.seconds, outcome.seconds_after_the_last_kill = round(now - began, 1), round(now - last, 1)
        return self._judge(outcome, given)

    def _kill_after(self, number: int) -> float:
        """Spread the kills over the pages; the last one comes when as many as planned are in."""
        return self.plan.pages * (number + 1) / self.plan.kills

    def _behind(self) -> int:
        """Return how far the product lags behind the crowd."""
        return self._waiting() + self._commands() + self._not_taken_in()

    def _commands(self) -> int:
        return self.product.one(
            "SELECT count(*) FROM crowd_outboxcommand WHERE account_id = %s AND kind <> 'open_batch' AND state IN"
            " ('planned', 'sending', 'unknown', 'needs_person')",
            self.account,
        )

    def _give_bonuses(self) -> int:
        code = GIVE_BONUSES.format(account=self.account, n=self.plan.bonuses, amount=BONUS_MICRO)
        return int(self.product.shell(code))

    def _waiting(self) -> int:
        """Return how many pages wait for a verdict of ours."""
        return int(self.far.door("GET", "/")["pages"].get("SUBMITTED", 0))

    def _not_taken_in(self) -> int:
        """Return how many pages are stored and paid here, and not looked into: drawings need no verdict first."""
        return self.product.one(
            "SELECT count(*) FROM crowd_assignment WHERE account_id = %s AND submitted_at IS NOT NULL"
            " AND processed_at IS NULL",
            self.account,
        )

    def standing(self) -> dict[str, int]:
        """Return what is still under way, on both sides."""
        mine = [self.account]
        ask = self.product.one
        return {
            "waits for a verdict there": self._waiting(),
            "commands": self._commands(),
            "pages not taken in": self._not_taken_in(),
            "files": ask(
                "SELECT count(*) FROM crowd_remotefile f JOIN crowd_assignment a ON a.id = f.assignment_id"
                " WHERE a.account_id = %s AND f.state = 'waiting'", *mine),
            "pictures under way": ask(
                "SELECT count(*) FROM curation_asset a JOIN curation_stage s ON s.id = a.stage_id"
                " WHERE a.state IN ('waiting', 'working') AND s.kind IN ('checks', 'validate', 'boxes', 'aggregate')"
                " AND a.project_id IN (SELECT project_id FROM crowd_batch WHERE account_id = %s)", *mine),
            "tasks to push": ask(
                "SELECT count(*) FROM crowd_task t JOIN crowd_batch b ON b.id = t.batch_id"
                " WHERE b.account_id = %s AND t.to_push AND b.published_at IS NOT NULL", *mine),
        }  # fmt: skip

    def is_over(self) -> bool:
        return not any(self.standing().values())

    def _not_pulled(self) -> set[str]:
        """Return the pages that the platform accepted by itself, as in a training, and that are not told here yet."""
        rows = self.product.rows("SELECT ext_id FROM crowd_assignment WHERE account_id = %s", self.account)
        there = {ident for ident, state in self._pages_there().items() if state == "ACCEPTED"}
        return there - {ext_id for (ext_id,) in rows}

    def _judge(self, outcome: Outcome, given: int) -> Outcome:
        outcome.faults = {name: fault["hits"] for name, fault in self.far.door("GET", "/faults").items()}
        self.far.door("DELETE", "/faults")
        books, pages = self.far.door("GET", "/books"), self._pages_there()
        paid = Counter(line["about"]["assignment_id"] for line in books["lines"] if line["kind"] == "REWARD")
        outcome.accepted = sum(state == "ACCEPTED" for state in pages.values())
        outcome.bonuses = sum(line["kind"] == "BONUS" for line in books["lines"])
        outcome.paid_usd = str(books["rewards"])
        outcome.wrong = [
            *self._lost(pages),
            *(f"page {ident} paid {n} times" for ident, n in paid.items() if n > 1),
            *([f"{outcome.bonuses} bonuses paid, {given} given"] if outcome.bonuses != given else []),
            *self._money(books),
            *self._difference_of_reconcile(),
        ]
        if not self.is_over():
            outcome.wrong.append(f"not finished: {self.standing()}")
        return outcome

    def _pages_there(self) -> dict[str, str]:
        rows = self.product.rows("SELECT remote_id FROM crowd_batch WHERE account_id = %s", self.account)
        pools = [remote_id.removeprefix("training-") for (remote_id,) in rows if remote_id]
        return {ident: state for pool in pools for ident, state in self.far.pages(pool).items()}

    def _lost(self, there: Mapping[str, str]) -> list[str]:
        rows = self.product.rows("SELECT ext_id, state FROM crowd_assignment WHERE account_id = %s", self.account)
        here = {ext_id: state.upper() for ext_id, state in rows}
        names = sorted(name for name in here.keys() | there.keys() if here.get(name) != there.get(name))
        unpaid = {"ACTIVE", "SKIPPED", "EXPIRED", None}
        return [
            f"page {name}: here {here.get(name)}, there {there.get(name)}"
            for name in names
            if not {here.get(name), there.get(name)} <= unpaid
        ]

    def _money(self, books: Mapping[str, Any]) -> list[str]:
        """Compare our ledger with the platform's books, to the micro-unit."""
        sums = dict(
            self.product.rows(
                "SELECT target, sum(amount_micro) FROM crowd_ledgerentry WHERE target IN ('workers', 'platform')"
                " AND project_id IN (SELECT project_id FROM crowd_batch WHERE account_id = %s) GROUP BY target",
                self.account,
            )
        )
        due = {
            "workers": micro(books["rewards"]) + micro(books["bonuses"]),
            "platform": micro(books["fees"]),
        }
        here = {name: int(sums.get(name, 0)) for name in due}
        told = [f"{name}: {here[name]} here, {due[name]} there" for name in due if here[name] != due[name]]
        return [*told, *([] if books["adds_up"] else ["the platform's books do not add up"])]

    def _difference_of_reconcile(self) -> list[str]:
        told = self.product.manage("reconcile", "--account", self.slug, "--json", may_fail=True)
        return [f"reconcile: {json.dumps(one)}" for one in json.loads(told)["differences"]]


def pictures(folder: Path, n: int) -> None:
    """Write so many small pictures, each quite another one."""
    chance = np.random.default_rng(n)
    for number in range(n):
        coarse = Image.fromarray(chance.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        coarse.resize(SIZE, Image.Resampling.NEAREST).save(folder / f"{number:05}.png")


def strained(far: Emulator, rare: Mapping[str, Any]) -> None:
    """Switch on what the command line cannot say: faults with more than a rate."""
    far.door("PUT", "/faults", {**THROTTLE, **rare})
