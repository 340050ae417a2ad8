"""Who gets no more work: lists that go into every package from then on; a vendor is told by them, nothing stops him."""

from crowd.errors import Invalid
from crowd.platforms.base import Ban
from crowd.platforms.tagme_files.store import EXCLUDED, Folder, read_json_or_nothing, write_json


def _list_of(folder: Folder, scope: str) -> tuple[str, str]:
    """Return file and name of the list for a scope."""
    if scope == "batch":
        return folder.key(EXCLUDED), "batch"
    project = str(folder.batch()["project_id"])
    return f"{folder.home}/{EXCLUDED}", f"project {project}" if scope == "project" else "account"


def exclude(folder: Folder, ban: Ban) -> None:
    _change(folder, ban, add=True)


def readmit(folder: Folder, ban: Ban) -> None:
    _change(folder, ban, add=False)


def _change(folder: Folder, ban: Ban, *, add: bool) -> None:
    if not ban.worker_ext_id:
        raise Invalid({"worker": "a ban needs the worker's number at the vendor"})
    key, name = _list_of(folder, ban.scope)
    lists = read_json_or_nothing(key)
    people = set(lists.get(name, []))
    people = people | {ban.worker_ext_id} if add else people - {ban.worker_ext_id}
    write_json(key, {**lists, name: sorted(people)})


def excluded_from(folder: Folder) -> list[str]:
    people: set[str] = set()
    for scope in ("batch", "project", "account"):
        key, name = _list_of(folder, scope)
        people |= set(read_json_or_nothing(key).get(name, []))
    return sorted(people)
