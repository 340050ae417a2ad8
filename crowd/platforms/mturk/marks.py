"""What a batch is called on MTurk: a qualification that keeps people out of it, and tells what belongs to it.

A HIT type cannot be looked up and two batches may share one, so neither can stand for a batch. A qualification type
has a name that is found and an id that lasts; every HIT of the batch asks that its worker does not have it.
"""

import json
from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

from crowd.clock import database_now
from crowd.errors import NotFound, StateConflict, StillRunning
from crowd.platforms.base import BatchSpec
from crowd.platforms.mturk.client import PAUSE, Client, Json, entity

KEPT_OUT: Final = "winnow keeps out of"
SKILL: Final = "winnow skill:"
ABOUT: Final = "Workers with this qualification are not offered this work. "
NO_SKILL: Final = -1


@dataclass(frozen=True, slots=True)
class Tier:
    """People with a skill from `low` to `high` are paid so much; `low` NO_SKILL = those without it, or everybody."""

    low: int
    high: int
    price_micro: int
    type_id: str = ""

    @property
    def label(self) -> str:
        return "all" if self.low == NO_SKILL else f"{self.low}-{self.high}"


@dataclass(frozen=True, slots=True)
class Exam:
    """What an exam that is MTurk's own test is made of, besides its tasks; `skill` is the qualification it gives."""

    skill: str
    title: str
    options: tuple[tuple[str, str], ...]
    seconds: int
    page_size: int = 0
    is_ready: bool = False

    def made_ready(self) -> "Exam":
        return replace(self, is_ready=True)


@dataclass(frozen=True, slots=True)
class Mark:
    """A batch as it stands on MTurk. `tiers` is empty for training and exams: nobody is paid for them."""

    id: str
    key: str
    project: str  # the qualification that keeps people out of the whole project
    is_open: bool = False
    until: str = ""
    tiers: tuple[Tier, ...] = ()
    exam: Exam | None = None

    def tier(self, label: str) -> Tier | None:
        return next((tier for tier in self.tiers if tier.label == label), None)

    def end(self) -> datetime | None:
        return datetime.fromisoformat(self.until) if self.until else None


def ensure(client: Client, batch: BatchSpec) -> Mark:
    """Find the mark of this batch or make it; its HIT types are written into it later."""
    name = f"{KEPT_OUT} {batch.key}"
    found = _find(client, name)
    if found is not None and (mark := _read(found)):
        return mark
    project = ensure_qualification(client, f"{KEPT_OUT} project {batch.project_id}", ABOUT)
    mark = Mark(id=ensure_qualification(client, name, ABOUT), key=batch.key, project=project)
    write(client, mark)
    return mark


def read(client: Client, remote_id: str) -> Mark:
    """Return a batch by its id, and only a batch."""
    told = client.call("get_qualification_type", QualificationTypeId=entity(remote_id, "batch"))
    mark = _read(told["QualificationType"])
    if mark is None:
        raise NotFound(f"MTurk has no batch {remote_id!r}.")
    return mark


def _read(qualification: Json) -> Mark | None:
    """Read what `write` has written; another qualification of the account is no batch."""
    _, _, text = str(qualification.get("Description", "")).partition(ABOUT)
    try:
        plain: Json = json.loads(text)
        tiers, exam = tuple(Tier(**tier) for tier in plain.pop("tiers")), plain.pop("exam")
        found = Exam(**{**exam, "options": tuple(map(tuple, exam["options"]))}) if exam else None
        return Mark(id=str(qualification["QualificationTypeId"]), tiers=tiers, exam=found, **plain)
    except (ValueError, KeyError, TypeError):
        return None


def write(client: Client, mark: Mark, **changes: Any) -> Mark:
    """Keep a batch as it is now."""
    new = replace(mark, **changes)
    plain = {name: value for name, value in asdict(new).items() if name != "id"}
    text = ABOUT + json.dumps(plain, separators=(",", ":"))
    client.call("update_qualification_type", QualificationTypeId=new.id, Description=text)
    return new


def ensure_qualification(client: Client, name: str, about: str) -> str:
    """Find a qualification of ours by its name or make it, and return its id."""
    found = _find(client, name)
    if found is None:
        try:
            made = client.call(
                "create_qualification_type", Name=name, Description=about, QualificationTypeStatus="Active"
            )
        except StateConflict:  # it is there, but no list shows it yet
            raise StillRunning(database_now() + PAUSE, f"the qualification “{name}” is not listed yet") from None
        found = made["QualificationType"]
    return str(found["QualificationTypeId"])


def _find(client: Client, name: str) -> Json | None:
    listed = client.each(
        "list_qualification_types", "QualificationTypes", Query=name, MustBeRequestable=False, MustBeOwnedByCaller=True
    )
    return next((one for one in listed if one["Name"] == name), None)


def ensure_skill(client: Client, skill: str) -> str:
    """Return the qualification in which a skill from 0 to 100 is kept."""
    about = f"Given by the requester: how well a worker has done in “{skill}”, from 0 to 100."
    return ensure_qualification(client, f"{SKILL} {skill}", about)


def find_skill(client: Client, skill: str) -> str:
    """Return the qualification of a skill; empty when there is none."""
    found = _find(client, f"{SKILL} {skill}")
    return str(found["QualificationTypeId"]) if found else ""
