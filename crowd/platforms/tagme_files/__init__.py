"""Any vendor that works from files, such as TagMe: a package of tasks goes out, a table of results comes back.

Nobody answers at the other end: the storage is the far side, and a person carries the files.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime

from crowd.errors import AuthFailed, NotFound, NotSupported
from crowd.models import Account, Assignment
from crowd.platforms import base
from crowd.platforms.tagme_files import bans, packages, results
from crowd.platforms.tagme_files.store import BATCH, Folder, remote_id_of, write_json


class VendorFiles:
    capabilities = base.Capabilities(
        pages="remote",
        live_api=False,
        training=False,
        exam=False,
        control_tasks=True,
        price_by_skill=False,
        postponed_acceptance=False,
        undo_rejection=True,
        ban_with_scope=False,
        native_upload=False,
        interfaces=frozenset({"choice", "boxes"}),
        priority=False,
        bonuses=False,
        note=(
            "Files are carried by hand: download the package, hand it to the vendor, import the table it sends back. "
            "What a batch costs is entered with its results."
        ),
    )

    def check(self, account: Account) -> base.Health:
        batches = account.batches.exclude(remote_id="").count()
        return base.Health(
            ok=True, sentence=f"Files are carried by hand; {batches} batches have a folder in the storage."
        )

    def fee(self, account: Account, *, price_micro: int, overlap: int) -> int:
        """Return nothing: what the vendor charges for a batch is entered as a whole."""
        return 0

    def quote(self, account: Account, *, pages: int, price_micro: int, overlap: int = 1) -> int:
        return pages * price_micro

    def lacks(self, account: Account, batch: base.BatchSpec) -> list[str]:
        said = []
        if batch.interface not in self.capabilities.interfaces:
            said.append(f"Tasks of the kind “{batch.interface}” cannot be done from files.")
        if batch.kind != "main" or batch.needs_skill:
            said.append("A vendor's people are neither trained nor examined here: agree on that with the vendor.")
        if not batch.audience.is_everybody():
            said.append("Who may work cannot be chosen here: agree on that with the vendor.")
        if batch.price_table:
            said.append("A vendor is not paid by skill: the price by skill is not used.")
        if not batch.auto_accept:
            said.append("What is rejected here has to be settled with the vendor: it does not hear of it from us.")
        return said

    def ensure_batch(self, account: Account, batch: base.BatchSpec) -> str:
        remote_id = remote_id_of(account, batch.key)
        self._write(account, remote_id, batch)
        return remote_id

    def update_batch(self, account: Account, remote_id: str, batch: base.BatchSpec) -> None:
        Folder.existing(account, remote_id)
        self._write(account, remote_id, batch)

    def _write(self, account: Account, remote_id: str, batch: base.BatchSpec) -> None:
        told = {
            "key": batch.key,
            "title": batch.title,
            "interface": batch.interface,
            "spec": dict(batch.spec),
            "overlap": batch.overlap,
            "price_micro": batch.price_micro,
            "real_per_page": max(1, batch.page_size - batch.control_per_page),
            "project_id": batch.project_id,
        }
        write_json(Folder(account, remote_id).key(BATCH), told)

    def push_tasks(
        self, account: Account, remote_id: str, tasks: Sequence[base.TaskSpec], key: str = ""
    ) -> base.Receipt:
        return packages.push(account, Folder.existing(account, remote_id), tasks, key)

    def set_overlap(self, account: Account, remote_id: str, task_remote_id: str, overlap: int) -> None:
        """A package that is out cannot be changed: fewer answers are simply not counted, more need a vendor's word."""
        asked = packages.packed_tasks(Folder.existing(account, remote_id))
        found = {packages.item_name(key): n for key, n in asked.items()}
        if task_remote_id not in found:
            raise NotFound(f"Batch {remote_id} has no task {task_remote_id}.")
        if overlap > (found[task_remote_id] or 0):
            raise NotSupported("More answers to a task that is with the vendor already have to be asked for there.")

    def offer_pages(self, account: Account, remote_id: str, pages: int, key: str) -> None:
        Folder.existing(account, remote_id)

    def open(self, account: Account, remote_id: str, now: datetime) -> None:
        Folder.existing(account, remote_id)  # the vendor begins when somebody hands it the package

    def close(self, account: Account, remote_id: str, now: datetime) -> None:
        Folder.existing(account, remote_id)

    def archive(self, account: Account, remote_id: str, now: datetime) -> None:
        Folder.existing(account, remote_id)

    def set_priority(self, account: Account, remote_id: str, priority: int) -> None:
        Folder.existing(account, remote_id)

    def pull(self, account: Account, remote_id: str, watermark: str) -> base.Pull:
        return results.pull(Folder.existing(account, remote_id), watermark)

    def accept(self, account: Account, ext_id: str, now: datetime, comment: str = "") -> None:
        results.judge(account, ext_id, Assignment.State.ACCEPTED)

    def reject(self, account: Account, ext_id: str, reason: str, now: datetime) -> None:
        results.judge(account, ext_id, Assignment.State.REJECTED)

    def pay_bonus(self, account: Account, bonus: base.BonusSpec) -> str:
        raise NotSupported("A vendor's people are paid by the vendor; agree on a bonus there.")

    def set_skill(self, account: Account, worker_ext_id: str, skill: str, value: int) -> None:
        """Skills are ours alone: a vendor chooses its people itself."""

    def restrict(self, account: Account, remote_id: str, ban: base.Ban) -> None:
        bans.exclude(Folder.existing(account, remote_id), ban)

    def unrestrict(self, account: Account, remote_id: str, ban: base.Ban, now: datetime) -> None:
        bans.readmit(Folder.existing(account, remote_id), ban)

    def bans(self, account: Account, remote_id: str) -> Sequence[base.Ban]:
        return ()

    def message(self, account: Account, worker_ext_ids: Sequence[str], topic: str, text: str) -> None:
        raise NotSupported("Nobody can be written to through files; write to the vendor.")

    def fetch_file(self, account: Account, ref: str) -> Iterator[bytes]:
        raise NotFound(f"Results of {account.slug} hold no files; there is no {ref!r}.")

    def parse_event(
        self, account: Account, headers: Mapping[str, str], body: bytes, now: datetime
    ) -> list[base.EventNote]:
        raise AuthFailed("A vendor that works from files has nothing to tell us by itself.")

    def books(self, account: Account, remote_id: str) -> base.RemoteBooks:
        return results.books(Folder.existing(account, remote_id))
