"""A row of the workers' table."""

import pytest
from django.core.cache import caches

from curation.dashboard import worker_list
from curation.dashboard.worker_list import SkillHeld, WorkerRow, worker_rows
from curation.services import shared_cache
from tests.factories import make_answer, make_pool, make_project, make_worker


def test_what_names_of_skills_have_in_common_is_said_once():
    names = ["Checking hands: exam", "Checking hands: training", "Recording", "Recording: agreement: boxes"]
    values = tuple(SkillHeld(name=name, value=n) for n, name in enumerate(names))
    row = WorkerRow(None, 0, 0, 0, 0, 0, 0, False, values)  # type: ignore[arg-type]
    said = [(name, [(rest, value.value) for rest, value in group]) for name, group in row.skill_groups]
    assert said == [
        ("Checking hands", [("exam", 0), ("training", 1)]),
        ("Recording", [("", 2), ("agreement: boxes", 3)]),
    ]


@pytest.mark.django_db
def test_nobody_is_on_two_pages_although_the_order_changes_while_one_turns_them(monkeypatch):
    caches["shared"].clear()
    monkeypatch.setattr(shared_cache, "LEAST_COST", 0.0)
    monkeypatch.setattr(shared_cache, "PAUSE_FOR_COST", 10**9)
    monkeypatch.setattr(worker_list, "PAGE", 1)
    project = make_project()
    pool, workers = make_pool(project), [make_worker() for _ in range(3)]
    for worker, pages in zip(workers, (3, 2, 1), strict=True):
        for _ in range(pages):
            make_answer(pool, worker)
    seen = [worker_rows(project=project, sort="-pages", page=1)]
    for _ in range(5):
        make_answer(pool, workers[2])
    seen += [worker_rows(project=project, sort="-pages", page=page) for page in (2, 3)]
    assert [(row.worker, row.pages, more) for [row], more in seen] == [
        (workers[0], 3, True),
        (workers[1], 2, True),
        (workers[2], 6, False),
    ]
    monkeypatch.setattr(worker_list, "KEPT_TOGETHER", 2)
    [third], more = worker_rows(project=project, sort="-pages", page=3)
    assert (third.worker, more) == (workers[1], False)
