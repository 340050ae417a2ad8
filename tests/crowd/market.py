"""A small labour market: an account, a budget, batches of tasks, people. Only what matters is named by a test."""

import threading
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from django.db import connection

from crowd.models import Account, Assignment, Batch, Skill, SkillValue, Task, Worker
from crowd.models.worker import digest_of
from crowd.services import claims, handing_in, ledger
from crowd.services.rounds import Round

NOON = datetime(2026, 5, 4, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
OPTIONS = [{"value": "correct", "label": "Yes"}, {"value": "incorrect", "label": "No"}]
SPECS: dict[str, dict[str, Any]] = {
    "photo": {"title": "Show this sign"},
    "link": {"title": "Film this sign"},
    "choice": {"title": "Is this the sign?", "options": OPTIONS},
    "boxes": {
        "title": "Box every hand",
        "labels": [{"name": "gesture"}, {"name": "no gesture"}],
        "flags": [{"value": "no_hands", "label": "No hands"}],
    },
}
PHOTO = {"file": {"key": "uploads/a.jpg", "sha256": "ab" * 32, "bytes": 10, "name": "a.jpg"}}
BOX = {"boxes": [{"label": "gesture", "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2}], "flags": []}
ANSWERS: dict[str, dict[str, Any]] = {"photo": PHOTO, "choice": {"answer": "correct"}, "boxes": BOX}
_numbers = count(1)


def account(platform: str = "inhouse") -> Account:
    number = next(_numbers)
    return Account.objects.create(slug=f"market-{number}", platform=platform, label="Market")


def budget(dollars: int = 100) -> int:
    """Make a project that may spend so much and return its id, which is all the market knows of it."""
    project_id = 1000 + next(_numbers)
    ledger.create_budget(project_id=project_id, limit_micro=dollars * 1_000_000)
    return project_id


def batch(interface: str = "choice", *, at: Account | None = None, project_id: int = 0, **fields: Any) -> Batch:
    number = next(_numbers)
    return Batch.objects.create(
        **{
            "account": at or account(),
            "key": f"batch-{number}",
            "project_id": project_id or budget(),
            "pool_id": number,
            "stage_id": number,
            "kind": Batch.Kind.MAIN,
            "interface": interface,
            "spec": SPECS[interface],
            "state": Batch.State.OPEN,
            "price_micro": 30_000,
            **fields,
        }
    )


def tasks(of: Batch, n: int = 1, *, overlap: int = 1, known: str = "", author: Worker | None = None) -> list[Task]:
    return [_task(of, overlap, known, author) for _ in range(n)]


def _task(of: Batch, overlap: int, known: str, author: Worker | None) -> Task:
    number = next(_numbers)
    return Task.objects.create(
        batch=of,
        key=f"task-{number}",
        project_id=of.project_id,
        payload={"class": "peace", "prompt": "Two fingers", "image_key": f"screen/{number}.jpg"},
        known_answer={"answer": known} if known else None,
        hint="Look at the thumb." if known else "",
        overlap=None if known else overlap,
        author_id=author.pk if author else None,
    )


def worker(at: Account, name: str = "wanda") -> Worker:
    ext_id = f"{name}-{next(_numbers)}"
    return Worker.objects.create(account=at, ext_id=ext_id, ext_digest=digest_of(ext_id))


def workers(at: Account, n: int) -> list[Worker]:
    return [worker(at) for _ in range(n)]


def skill(at: Account, name: str = "Checking") -> Skill:
    return Skill.objects.get_or_create(account=at, name=name)[0]


def grade(who: Worker, what: Skill, value: int) -> None:
    SkillValue.objects.update_or_create(worker=who, skill=what, defaults={"value": value, "ok": value, "n": 100})


def claim(of: Batch, who: Worker, now: datetime = NOON) -> Assignment:
    return claims.claim_page(batch_id=of.pk, worker_id=who.pk, now=now)


def answers_for(page: Assignment, **changed: Any) -> dict[int, Mapping[str, Any]]:
    """The same valid answer to every task of the page."""
    answer = {**ANSWERS.get(page.batch.interface, {}), **changed}
    return {task.answer_id: answer for task in claims.page_tasks(page)}


def submit(page: Assignment, now: datetime = NOON, *, ms: int = 60_000, **changed: Any) -> handing_in.Submitted:
    return handing_in.submit_page(
        assignment_id=page.pk,
        worker_id=page.worker_id,
        answers=answers_for(page, **changed),
        duration_ms=ms,
        now=now,
    )


def sent(of: Batch, who: Worker, now: datetime = NOON, *, ms: int = 60_000, **changed: Any) -> Assignment:
    """A page that was claimed and handed in."""
    return submit(claim(of, who, now), now, ms=ms, **changed).assignment


def at_once(call: Callable[[Any], Any], arguments: Iterable[Any]) -> list[Any]:
    """Call from one thread for each argument, all starting together; exceptions are returned in their places."""
    given = list(arguments)
    start = threading.Barrier(len(given))

    def one(argument: Any) -> Any:
        try:
            start.wait(120)
            return call(argument)
        except Exception as error:  # noqa: BLE001  the test looks at it
            return error
        finally:
            connection.close()

    with ThreadPoolExecutor(len(given)) as pool:
        return list(pool.map(one, given))


def hand_in(
    round_: Round, of: Batch, who: Worker, *, now: datetime = NOON, answer: str = "correct", ms: int = 9_000
) -> Assignment:
    """Take a page in a round and hand it in."""
    page, rows = round_.take(batch=of, worker=who, now=now)
    given = {row.pk: {"answer": answer} for row in rows}
    round_.hand_in(page=page, answers=given, duration_ms=ms, now=now + MINUTE)
    return page
