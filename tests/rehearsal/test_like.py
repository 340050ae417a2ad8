"""A rehearsal with people like those of a project takes the hours that such people take."""

from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from crowd.clock import database_now
from crowd.models import Assignment, Batch
from crowd.rehearsal.models import RehearsalCrowd
from curation.engine.rehearsal import rehearse
from curation.engine.wish import Wish
from curation.services.likeness import people_like
from tests import scenes

pytestmark = pytest.mark.django_db(transaction=True)
SHORT = {
    "collect": {"per_worker": 0},
    "validate": {"training_tasks": 2, "exam_tasks": 2, "control_per_page": 0, "exam_gate": 0, "training_gate": 0},
    "boxes": {"needs_value": 0},
}


def a_slow_project():
    """A project whose pool of photos got one in each of its ten hours."""
    project = scenes.project(Alice="lead")
    now = database_now()
    collecting = scenes.batch(project, "photo", opened_at=now - timedelta(hours=10, minutes=1))
    wanda = scenes.worker("Wanda")
    Assignment.objects.bulk_create(
        Assignment(
            account=collecting.account,
            ext_id=f"page-{hour}",
            ext_digest=bytes([hour] * 32),
            batch=collecting,
            project_id=project.pk,
            worker=wanda,
            state=Assignment.State.ACCEPTED,
            issued_at=now,
            lease_until=now,
            submitted_at=now - timedelta(hours=hour + 0.5),
        )
        for hour in range(10)
    )
    return project


def rehearsed(**changed: Any) -> dict[str, Any]:
    return rehearse(wish=Wish("gestures", 3, 2, SHORT, pictures=False, **changed))


def test_people_like_those_of_a_slow_project_take_longer_for_the_same_photos():
    project = a_slow_project()
    found = people_like(project=project, now=database_now())
    assert found.photos is not None
    assert (found.photos.counted, found.photos.hours) == (10, 10)
    slow, usual = rehearsed(coming=found.coming, like=project.slug), rehearsed()
    assert slow["time"]["virtual_hours"] > 5 * usual["time"]["virtual_hours"]
    assert slow["quality"]["delivered"] == usual["quality"]["delivered"] == 2
    takes = [row.mix.get("coming", {}).get("photos", {}).get("take") for row in RehearsalCrowd.objects.order_by("id")]
    assert takes == [found.coming.photos.take, None]


def test_only_pools_that_were_open_in_the_same_hours_share_the_people():
    project, now = a_slow_project(), database_now()
    alone = people_like(project=project, now=now)
    over = now - timedelta(days=3)
    scenes.batch(project, "choice", opened_at=over)
    Batch.objects.filter(opened_at=over).update(state=Batch.State.CLOSED, closed_at=over + timedelta(hours=8))
    assert people_like(project=project, now=now) == alone
    for arm in range(3):
        scenes.batch(project, "choice", opened_at=now - timedelta(hours=9), trial_id=7, per_worker=arm)
    beside = people_like(project=project, now=now)
    assert beside.photos is not None
    assert beside.photos.take == pytest.approx(2**0.5 * alone.photos.take, rel=0.05)


def test_the_command_says_what_it_learned_and_refuses_a_project_without_a_full_hour():
    project = a_slow_project()
    said = StringIO()
    words = [f"--set={stage}.{name}={value}" for stage, parts in SHORT.items() for name, value in parts.items()]
    call_command(
        "rehearse", "gestures", "--size=1", "--pictures=no", *words, f"--like={project.slug}", stdout=StringIO(),
        stderr=said,
    )  # fmt: skip
    assert f"people like those of {project.slug}: 10 photos in 10 h: take 0.0" in said.getvalue()
    Assignment.objects.filter(project_id=project.pk).delete()
    with pytest.raises(CommandError, match="open for a full hour"):
        call_command("rehearse", "gestures", f"--like={scenes.project(Rita='lead').slug}")
    with pytest.raises(CommandError, match="is no project"):
        call_command("rehearse", "gestures", "--like=nowhere")
