"""The market without HTTP: workspaces, studies, people, money. One lock, one clock, ids in one sequence."""

import secrets
import threading
from collections.abc import Callable, Iterable, Mapping
from datetime import datetime, timedelta
from typing import TypeVar

from crowd.emulators.prolific.clock import Clock
from crowd.emulators.prolific.errors import Refusal, not_found
from crowd.emulators.prolific.nouns import (
    HOLDS_A_PLACE,
    Bulk,
    Group,
    Letter,
    Study,
    Submission,
    Subscription,
    Workspace,
)

Owned = TypeVar("Owned", Study, Group, Subscription)
CHOICES = {
    "current-country-of-residence": ["United Kingdom", "United States", "Germany", "Poland"],
    "fluent-languages": ["Rather not say", "English", "German", "Polish"],
}


class Market:
    def __init__(self, clock: Clock | None = None) -> None:
        self.clock = clock or Clock()
        self.lock = threading.RLock()
        self.workspaces: dict[str, Workspace] = {}
        self.studies: dict[str, Study] = {}
        self.submissions: dict[str, Submission] = {}
        self.groups: dict[str, Group] = {}
        self.bulks: dict[str, Bulk] = {}
        self.subscriptions: dict[str, Subscription] = {}
        self.letters: list[Letter] = []
        self.watchers: list[Callable[[str, Study | Submission], None]] = []
        self.bonus_delay = timedelta()
        self.only_days = False  # dates as DD/MM/YYYY, as some answers of the platform have them
        self._count = 0

    def new_id(self) -> str:
        self._count += 1
        return f"{0x67000000 + self._count:08x}{self._count:016x}"

    def open_workspace(self, *, deposit: int = 100_000, currency: str = "USD") -> Workspace:
        with self.lock:
            made = Workspace(self.new_id(), secrets.token_urlsafe(24), self.new_id(), currency, deposit)
            self.workspaces[made.id] = made
            return made

    def workspace_of_token(self, token: str) -> Workspace:
        for one in self.workspaces.values():
            if secrets.compare_digest(one.token, token):
                return one
        raise Refusal(401, "Authentication error", "Invalid token.")

    def own(self, shelf: Mapping[str, Owned], workspace: Workspace, one: str, what: str) -> Owned:
        """Return something of this workspace; what others own is not found."""
        found = shelf.get(one)
        if found is None or found.workspace != workspace.id:
            raise not_found(what, one)
        return found

    def study(self, workspace: Workspace, one: str) -> Study:
        return self.own(self.studies, workspace, one, "study")

    def submission(self, workspace: Workspace, one: str) -> Submission:
        found = self.submissions.get(one)
        if found is None or self.studies[found.study].workspace != workspace.id:
            raise not_found("submission", one)
        return found

    def submissions_of(self, study: Study) -> list[Submission]:
        return [one for one in self.submissions.values() if one.study == study.id]

    def places_taken(self, study: Study) -> int:
        return sum(one.status in HOLDS_A_PLACE for one in self.submissions_of(study))

    def say(self, kind: str, about: Study | Submission) -> None:
        """Tell whoever watches that something has changed."""
        for watcher in self.watchers:
            watcher(kind, about)

    def text_of(self, moment: datetime | None) -> str | None:
        if moment is None:
            return None
        return moment.strftime("%d/%m/%Y") if self.only_days else moment.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def paged(rows: Iterable[object], query: Mapping[str, str]) -> dict[str, object]:
    """Return one page of a list as the platform gives it."""
    everything = list(rows)
    number, size = int(query.get("page", "1")), min(100, int(query.get("page_size", "20")))
    shown = everything[(number - 1) * size : number * size]
    return {"results": shown, "meta": {"count": len(everything)}}
