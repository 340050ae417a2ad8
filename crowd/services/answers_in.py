"""Answers that come in by the thousand: tasks locked in one order, rows in one statement, places counted in one."""

import json
from collections.abc import Iterator, Sequence
from typing import Any

from django.db import connection

from crowd.bulk import staged
from crowd.models import Batch
from crowd.services.incoming import ReadPage, TaskKnown

ANSWER_COLUMNS = {
    "page_id": "bigint",
    "task_id": "bigint",
    "worker_id": "bigint",
    "seq": "smallint",
    "control_ok": "boolean",
    "payload": "jsonb",
    "file_ref": "text",
}
TASKS = """
SELECT key, id, known_answer::text FROM crowd_task
 WHERE id IN (SELECT id FROM crowd_task WHERE batch_id = %(batch)s AND key = ANY(%(keys)s)
              UNION SELECT task_id FROM crowd_answer WHERE assignment_id = ANY(%(pages)s))
 ORDER BY id FOR NO KEY UPDATE
"""
# An answer stays where it is, but for tasks that the worker has taken again after giving them back, and for those of
# a training done again. What was answered first is never changed.
STORE = """
WITH kept AS (
    INSERT INTO crowd_answer AS old (assignment_id, task_id, worker_id, seq, control_ok)
    SELECT page_id, task_id, worker_id, seq, control_ok FROM staged_answers ORDER BY task_id, worker_id
    ON CONFLICT (task_id, worker_id) DO UPDATE
       SET assignment_id = excluded.assignment_id, seq = excluded.seq,
           control_ok = coalesce(old.control_ok, excluded.control_ok)
     WHERE old.assignment_id = excluded.assignment_id OR %(again)s OR EXISTS (
           SELECT 1 FROM crowd_assignment page
            WHERE page.id = old.assignment_id AND page.state IN ('skipped', 'expired'))
    RETURNING id, task_id, worker_id, assignment_id
), raw AS (
    INSERT INTO crowd_answerraw (answer_id, payload)
    SELECT kept.id, payload FROM kept JOIN staged_answers USING (task_id, worker_id)
     WHERE payload IS NOT NULL AND file_ref = '' ORDER BY kept.id
    ON CONFLICT (answer_id) DO NOTHING
), files AS (
    INSERT INTO crowd_remotefile (answer_id, assignment_id, ref, payload, state, failures, last_error)
    SELECT kept.id, assignment_id, file_ref, payload, 'waiting', 0, ''
      FROM kept JOIN staged_answers USING (task_id, worker_id) WHERE file_ref <> '' ORDER BY kept.id
    ON CONFLICT (answer_id) DO NOTHING
)
SELECT task_id, worker_id FROM kept
"""
COUNT = """
UPDATE crowd_task SET issued = greatest(0, issued + n * %(issued)s), done = greatest(0, done + n * %(done)s)
  FROM (SELECT task_id, count(*) AS n FROM crowd_answer WHERE assignment_id = ANY(%(pages)s) GROUP BY 1) AS given
 WHERE crowd_task.id = given.task_id AND overlap IS NOT NULL
"""


def lock_tasks(batch: Batch, *, keys: Sequence[str], pages: Sequence[int]) -> dict[str, TaskKnown]:
    """Lock the tasks of these keys and of these pages, in order of id, before an answer refers to one."""
    with connection.cursor() as cursor:
        cursor.execute(TASKS, {"batch": batch.pk, "keys": list(keys), "pages": list(pages)})
        return {key: TaskKnown(pk, json.loads(known) if known else None) for key, pk, known in cursor.fetchall()}


def store_answers(batch: Batch, pages: Sequence[ReadPage]) -> list[str]:
    """Store the answers of pages and return in sentences which were given before."""
    given = {(answer.task_id, page.worker_id): page.told.ext_id for page in pages for answer in page.answers}
    if not given:
        return []
    with staged("staged_answers", ANSWER_COLUMNS, _rows(pages)) as cursor:
        cursor.execute(STORE, {"again": batch.kind != Batch.Kind.MAIN})
        kept = set(cursor.fetchall())
    return [
        f"Page {given[lost]}: its worker has answered the task {lost[0]} on an earlier page."
        for lost in sorted(given.keys() - kept)
    ]


def _rows(pages: Sequence[ReadPage]) -> Iterator[tuple[Any, ...]]:
    for page in pages:
        for answer in page.answers:
            ref = "" if page.fault else answer.file_ref  # nothing is fetched for a page that is not paid
            yield (page.pk, answer.task_id, page.worker_id, answer.seq, answer.control_ok, answer.payload, ref)


def count_places(pages: Sequence[int], *, issued: int, done: int) -> None:
    """Count the real tasks of these pages as given out or done, or take that back. The tasks are locked already."""
    if pages:
        with connection.cursor() as cursor:
            cursor.execute(COUNT, {"pages": list(pages), "issued": issued, "done": done})
