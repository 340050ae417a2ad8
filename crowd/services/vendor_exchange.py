"""What goes to a vendor and what comes from it by hand: packages, tables that wait to be read, the cost of a batch."""

import re
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.db import transaction

from crowd.errors import CrowdError
from crowd.models import Batch
from crowd.platforms.tagme_files import packages
from crowd.platforms.tagme_files.store import INCOMING, PACKAGES, Folder, put
from crowd.vendor_tables import Table, read_table

PLATFORM = "tagme_files"
KEPT_NAME = re.compile(r"[0-9a-f]{64}\.(csv|tsv|txt|json|jsonl|ndjson|xlsx)")
COST = "vendor_cost"
MOST_COST_MICRO = 10**13


def folder_of(batch: Batch) -> Folder:
    if batch.account.platform != PLATFORM:
        raise CrowdError(f"{batch.account.label} does not work from files.")
    if not batch.remote_id:
        raise CrowdError("The pool has no package yet. Open it first.")
    return Folder.existing(batch.account, batch.remote_id)


@dataclass(frozen=True, slots=True)
class Package:
    """One zip for the vendor."""

    name: str
    number: int
    tasks: int
    pictures: int
    bytes: int
    made_at: datetime
    key: str


def packages_of(batch: Batch) -> list[Package]:
    """Return the packages of a batch, the newest first; none before it was opened."""
    if not batch.remote_id:
        return []
    folder = folder_of(batch)
    return [
        Package(
            name=one["name"],
            number=one["number"],
            tasks=len(one["tasks"]),
            pictures=one["media"],
            bytes=one["bytes"],
            made_at=datetime.fromisoformat(one["made_at"]),
            key=folder.key(PACKAGES, f"{one['name']}.zip"),
        )
        for one in reversed(packages.records(folder))
    ]


def keep_table(*, batch: Batch, data: bytes, name: str) -> str:
    """Store a table that can be read until somebody has said what its columns are. Raises BadTable."""
    read_table(data, name)
    token = f"{sha256(data).hexdigest()}.{name.lower().rpartition('.')[2]}"
    put(folder_of(batch).key(INCOMING, token), ContentFile(data))
    return token


def kept_table(*, batch: Batch, token: str) -> Table | None:
    """Return a table that was stored before."""
    key = folder_of(batch).key(INCOMING, token)
    if not KEPT_NAME.fullmatch(token) or not default_storage.exists(key):
        return None
    with default_storage.open(key, "rb") as file:
        return read_table(file.read(), f"table.{token.rpartition('.')[2]}")


@transaction.atomic
def enter_cost(*, batch_id: int, cost_micro: int) -> None:
    """Note what the vendor charges for the whole batch; results imported from now on share what is left of it."""
    if not 0 <= cost_micro <= MOST_COST_MICRO:
        raise CrowdError("What the vendor charges must be an amount of money, 0 or more.")
    row = Batch.objects.select_for_update(no_key=True).get(pk=batch_id)
    row.remote = {**row.remote, COST: cost_micro}
    row.save(update_fields=["remote"])


def entered_cost(batch: Batch) -> int | None:
    cost = batch.remote.get(COST)
    return int(cost) if cost is not None else None
