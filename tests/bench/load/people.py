"""Who works at a loaded project: its lead, reviewers, workers with sessions, programs with tokens, and open work."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tests.bench.load.rows import OVERLAP, PICTURES

CSRF = "w" * 32
TASKS_A_WORKER, POOLS_WITH_WORK = 120, 10
Headers = dict[str, str]


@dataclass(frozen=True, slots=True)
class People:
    """What each sends along with every request."""

    lead: Headers
    reviewers: list[Headers]
    workers: list[Headers]
    programs: list[Headers]


def at_work(project: Any, *, workers: int, reviewers: int, programs: int) -> People:
    """Give everybody a session or a token, and the workers open tasks with pictures."""
    from crowd.clock import database_now
    from crowd.models import Worker
    from curation.models import Membership
    from curation.services import tokens
    from tests.factories import make_user

    lead = project.memberships.get(role="lead").user
    _open_work(project, TASKS_A_WORKER * workers // OVERLAP + 1)
    so_far = project.memberships.count()  # those of a run before, where what was loaded is used again
    judges = [make_user(f"Reviewer {so_far + number}") for number in range(reviewers)]
    Membership.objects.bulk_create([Membership(project=project, user=user, role="reviewer") for user in judges])
    free = Worker.objects.exclude(assignments__state="active")
    texts = [
        tokens.create_token(
            user=lead, name=f"Program {n}", scopes=["read"], projects=[project], now=database_now()
        )[1]
        for n in range(programs)
    ]  # fmt: skip
    return People(
        lead=_session(user=lead),
        reviewers=[_session(user=user) for user in judges],
        workers=[_session(worker=worker) for worker in free.order_by("pk")[:workers]],
        programs=[{"Authorization": f"Bearer {text}"} for text in texts],
    )


def _session(*, user: Any = None, worker: Any = None) -> Headers:
    from django.test import Client

    client = Client()
    if user is not None:
        client.force_login(user)
    else:
        session = client.session
        session["worker_id"] = worker.pk
        session.save()
    cookies = f"sessionid={client.cookies['sessionid'].value}; csrftoken={CSRF}"
    return {"Cookie": cookies, "X-CSRFToken": CSRF}


def _open_work(project: Any, n: int) -> None:
    """Put so many open tasks about waiting images into some pools of choices, with pictures that are there."""
    from django.core.files.base import ContentFile
    from django.core.files.storage import default_storage

    from crowd.models import Batch, Task
    from curation.models import Asset
    from tests.bench.ground import thumb

    batches = Batch.objects.filter(project_id=project.pk, interface="choice").order_by("id")[:POOLS_WITH_WORK]
    for number in range(PICTURES):
        if not default_storage.exists(f"bench/{number}.webp"):
            default_storage.save(f"bench/{number}.webp", ContentFile(thumb(number)))
    first = Task.objects.filter(batch__in=batches).count()
    waiting = list(Asset.objects.filter(project=project, state="waiting").order_by("id").values_list("pk")[:n])
    Task.objects.bulk_create(
        Task(
            batch=batches[number % len(batches)], key=f"open-{first + number}", project_id=project.pk,
            item_id=waiting[number % len(waiting)][0], overlap=OVERLAP,
            payload={"class": "sign", "prompt": "Two fingers", "width": 320, "height": 180,
                     "image_key": f"bench/{number % PICTURES}.webp", "template_key": "bench/0.webp"},
        )
        for number in range(n)
    )  # fmt: skip
