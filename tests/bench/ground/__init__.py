"""What benchmarks of the product stand on: a database of their own, and stored answers."""

from __future__ import annotations

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from random import Random
from typing import Any


@contextmanager
def database(folder: str, *, redis: bool = True, durable: bool = True) -> Iterator[None]:
    """Have a migrated embedded PostgreSQL and Redis; what is not durable may forget when the power fails."""
    os.environ["DATA_DIR"] = os.environ["WINNOW_TEST_DATA_DIR"] = folder
    os.environ["DJANGO_SETTINGS_MODULE"] = "curation.settings.test"
    import django

    django.setup()
    from django.conf import settings
    from django.core.management import call_command

    from curation.embedded.keeper import Plan
    from curation.embedded.services import running_services

    with running_services(settings.PATHS, Plan(redis=redis, durable=durable)):
        call_command("migrate", verbosity=0)
        yield


def bare_answers(stage: Any, images: Sequence[Any], *, people: int, answers: int, rng: Random) -> list[Any]:
    """Store so many answers to each image, still without boxes, each by one of so many people."""
    from curation.models import Annotation
    from tests import scenes

    workers = [scenes.worker(f"worker-{number}").pk for number in range(people)]
    return Annotation.objects.bulk_create(
        Annotation(
            project_id=stage.project_id,
            asset=image,
            stage=stage,
            answer_id=place * answers + turn + 1,
            worker_id=worker,
            kind=Annotation.Kind.BOXES,
        )
        for place, image in enumerate(images)
        for turn, worker in enumerate(rng.sample(workers, answers))
    )
