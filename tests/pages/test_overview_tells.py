"""What the overview tells without being asked: work that fails, cheats that were caught."""

from datetime import timedelta

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.models import Evidence
from curation.models import Event, Job, Project
from tests.factories import make_asset, make_evidence, make_worker

FAILS = "Part of the work stands still"


def overview(client: Client, project: Project) -> str:
    return client.get(reverse("project", args=[project.public_id])).content.decode()


def failing(project: Project, **fields: object) -> Job:
    given = {"kind": "rehearse", "key": "1", "failures": 12, "last_error": "ValueError: no light", **fields}
    return Job.objects.create(project_id=project.pk, **given)


@pytest.mark.parametrize("state", ["dead", "due"])
def test_work_that_fails_again_and_again_is_told_of_with_the_way_out(state, project, people, alice):
    failing(project, state=state)
    page = overview(people["vera"], project)
    assert (FAILS in page, "ValueError: no light" in page, "show this to an operator" in page) == (True, True, True)
    alice.is_staff = True
    alice.save()
    assert f"{reverse('system')}#jobs" in overview(people["alice"], project)


@pytest.mark.parametrize(
    "fields",
    [
        {"failures": 1, "state": "due"},
        {"state": "done"},
        {"state": "cancelled"},
        {"kind": "export", "state": "dead"},
        {"project_id": 0, "state": "dead"},
    ],
    ids=["once", "since done", "given up", "its own page tells", "of another project"],
)
def test_what_mends_itself_or_is_told_elsewhere_is_no_alarm(fields, project, people):
    job = failing(project)
    Job.objects.filter(pk=job.pk).update(**fields)
    assert FAILS not in overview(people["vera"], project)


def test_just_now_names_cheats_among_what_happened_and_false_alarms_not(project, people):
    now, worker = timezone.now(), make_worker()
    for n in range(8):
        at = now - timedelta(minutes=30 - n)
        Event.objects.create(kind="pool.opened", text=f"Pool {n} was opened.", project_id=project.pk, created_at=at)
    rows = [make_evidence(make_asset(project, worker=worker), at=now - timedelta(minutes=9 - n)) for n in range(5)]
    wrong = make_evidence(make_asset(project, worker=make_worker("Nobody")), 5, at=now)
    Evidence.objects.filter(pk=wrong.pk).update(overturned_at=now)
    feed = overview(people["vera"], project).partition('id="events-h"')[2]
    assert feed.count(f"{worker.short_id}: Sent the same photo again.") == 3
    assert [f"Pool {n} was opened." in feed for n in (7, 6, 5, 4)] == [True, True, True, False]
    assert feed.index(worker.short_id) < feed.index("Pool 7")
    assert reverse("worker", args=[project.public_id, worker.pk]) in feed
    assert wrong.worker.short_id not in feed
    Evidence.objects.filter(pk=rows[-1].pk).update(awaits_person=True)
    assert "A person decides." in overview(people["vera"], project).partition('id="events-h"')[2]
