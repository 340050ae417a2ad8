"""Who was erased, kept outside of the database: a backup from before must not bring them back.

Each erasure leaves a note among the files, and every backup adds the notes to `erased.jsonl` beside its own file. They
hold ids and a pseudonym, nothing else.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.clock import database_now
from crowd.errors import CrowdError
from crowd.models import Worker
from curation.embedded.errors import ServiceError
from curation.models import Erasure, Job, Project
from curation.services import erasing, jobs

FOLDER: Final = erasing.NOTES
BESIDE: Final = "erased.jsonl"
AGAIN: Final = "erase_again"  # a job that a restore leaves behind: done at its end, or else at the first start
Note = Mapping[str, Any]


def notes_in_storage() -> dict[str, Note]:
    """Return the notes among the files, by the id of the erasure."""
    try:
        _, names = default_storage.listdir(FOLDER.rstrip("/"))
    except FileNotFoundError:
        return {}
    found: dict[str, Note] = {}
    for name in names:
        with default_storage.open(FOLDER + name) as file:
            note = json.loads(file.read())
        found[note["erasure"]] = note
    return found


def notes_beside(folder: Path) -> dict[str, Note]:
    """Return the notes that backups have left in their folder."""
    try:
        lines = (folder / BESIDE).read_text(encoding="utf-8").splitlines()
        notes = [json.loads(line) for line in lines if line.strip()]
        return {note["erasure"]: note for note in notes}
    except FileNotFoundError:
        return {}
    except (ValueError, KeyError, TypeError):
        raise ServiceError(
            f"{folder / BESIDE} cannot be read as the list of who was erased: mend it, or move it away.", status=2
        ) from None


def write_beside(folder: Path) -> None:
    """Add what was erased to the list in the folder of backups."""
    known = notes_beside(folder)
    notes = {**known, **notes_in_storage()}
    if len(notes) == len(known):
        return
    fresh = folder / f".{BESIDE}.new"
    fresh.touch(mode=0o600)
    fresh.write_text("".join(f"{json.dumps(note)}\n" for note in notes.values()), encoding="utf-8")
    fresh.replace(folder / BESIDE)


def add_to_storage(notes: Mapping[str, Note]) -> Iterator[str]:
    """Put notes among the files, where the first start finds them too. Yields each name before it is written."""
    known = notes_in_storage()
    for ident, note in notes.items():
        if ident not in known:
            name = f"{FOLDER}{UUID(ident)}.json"
            yield name
            default_storage.save(name, ContentFile(json.dumps(note).encode()))


def run_erase_again(_job: Job, now: datetime) -> None:
    """Job: a restore broke off when its rows were there; erase now whom they bring back."""
    erase_again(notes=notes_in_storage(), now=now)


def erase_again(*, notes: Mapping[str, Note], now: datetime) -> int:
    """Erase whom the restored database still knows, with their files. Returns how many contributors that were."""
    done = {str(one) for one in Erasure.objects.values_list("public_id", flat=True)}
    again = 0
    for ident, note in notes.items():
        if ident not in done and _erase(ident, note, now):
            again += 1
    return again


def _erase(ident: str, note: Note, now: datetime) -> bool:
    project = Project.objects.filter(public_id=note["project"]).first()
    worker = Worker.objects.filter(pk=note["worker"]).first()
    if project is None or worker is None or worker.short_id != note["pseudonym"]:
        return False
    row = None
    with suppress(CrowdError):  # had sent nothing yet when the backup was made
        row = erasing.erase(project=project, worker=worker, note="again, after a restore", by=None, now=now)
    if row is None:
        return False
    Erasure.objects.filter(pk=row.pk).update(public_id=UUID(ident))
    job = Job.objects.get(kind="erase", key=str(row.pk))
    while jobs.run(job_id=job.pk, now=database_now()):
        pass
    return True
