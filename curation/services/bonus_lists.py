"""Bonuses from what people type: one worker, or a list with one worker on each line."""

from crowd.errors import CrowdError
from crowd.models import Worker
from crowd.money import micro
from crowd.services import bonuses
from crowd.services.bonuses import Wish
from curation.models import Pool, Project
from curation.services.pseudonyms import find_worker

SEPARATORS = str.maketrans({",": " ", ";": " ", "\t": " "})


def wish_for(
    *, project: Project, worker: Worker, amount: str, key: str, message: str, pool: Pool | None = None
) -> Wish:
    """Make a wish of typed words; the bonus belongs to the worker's last page, in this pool if one is named."""
    pool_id = pool.pk if pool else None
    page = bonuses.last_page(project_id=project.pk, worker_id=worker.pk, pool_id=pool_id)
    if page is None:
        where = f"in {pool.title}" if pool else "in this project"
        raise CrowdError(f"{worker.short_id} has sent nothing {where}: there is no work the bonus could be for.")
    return Wish(page, _amount(amount), key, message)


def _amount(text: str) -> int:
    try:
        return micro(text)
    except ValueError as error:
        raise CrowdError(str(error)) from None


def read_list(*, project: Project, pool: Pool, text: str, key: str, message: str) -> list[Wish]:
    """Read lines such as “w_1a2b3c 0.50”; what follows on a line is said to this worker instead of `message`."""
    wishes = []
    for number, line in enumerate(text.splitlines(), start=1):
        words = line.translate(SEPARATORS).split(maxsplit=2)
        if not words:
            continue
        try:
            wishes.append(_read_line(project, pool, words, key, message))
        except CrowdError as error:
            raise CrowdError(f"Line {number}: {error}") from None
        if len(wishes) > bonuses.MOST_AT_ONCE:
            raise CrowdError(f"At most {bonuses.MOST_AT_ONCE:,} bonuses at once: make two lists of it.")
    if not wishes:
        raise CrowdError("The list is empty: give each worker a line, such as “w_1a2b3c 0.50”.")
    return wishes


def _read_line(project: Project, pool: Pool, words: list[str], key: str, message: str) -> Wish:
    if len(words) < 2:
        raise CrowdError(f"{words[0]!r} is not a worker and an amount, such as “w_1a2b3c 0.50”.")
    worker = find_worker(project=project, text=words[0])
    said = words[2] if len(words) > 2 else message
    return wish_for(project=project, worker=worker, amount=words[1], key=key, message=said, pool=pool)
