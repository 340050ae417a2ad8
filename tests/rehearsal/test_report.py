"""What a rehearsal says about its people: who was caught, who got through."""

from datetime import datetime
from functools import partial

import pytest
from django.utils import timezone

from crowd.models import Batch, Worker
from crowd.models.worker import digest_of
from crowd.rehearsal.models import PlayedTrick, RehearsalCrowd
from crowd.rehearsal.people import CrowdMix, Person, profile
from crowd.rehearsal.population import Kind
from curation.engine.report import workers_of
from tests.factories import make_answer, make_asset, make_pool, make_project

pytestmark = pytest.mark.django_db
SEED = "7"


@pytest.fixture
def now() -> datetime:
    return timezone.now()


def test_a_clicker_who_worked_and_a_picture_of_somebody_else_s_get_through_and_a_slip_does_not(now: datetime):
    project = make_project()
    pool, exam = make_pool(project), make_pool(project, "EXAM")
    Batch.objects.filter(pool_id=exam.pk).update(kind=Batch.Kind.EXAM)
    RehearsalCrowd.objects.create(account=pool.account, seed=SEED, clock=now)
    comes = partial(_worker, pool.account)
    make_answer(pool, comes(Kind.CLICKER, 0))
    make_answer(exam, comes(Kind.CLICKER, 1))
    comes(Kind.SYNTHETIC, 1)
    for kind in (Kind.SYNTHETIC, Kind.HONEST):
        sender = comes(kind, 0)
        answer = make_answer(pool, sender)
        PlayedTrick.objects.create(answer=answer, trick="third_party")
        make_asset(project, worker=sender, answer=answer)
    found = workers_of(project)
    assert (found["honest"], found["dishonest"]) == (1, 4)
    assert (found["caught"], found["missed"], found["wrongly_accused"]) == (0, 2, 0)


def _worker(account, kind: Kind, place: int) -> Worker:
    """Let the person of a kind come who has this place among them."""
    person: Person = [one for one in (profile(SEED, n, CrowdMix()) for n in range(4_000)) if one.kind == kind][place]
    ext_id = f"p-{person.number}"
    return Worker.objects.create(account=account, ext_id=ext_id, ext_digest=digest_of(ext_id), name=person.identity)
