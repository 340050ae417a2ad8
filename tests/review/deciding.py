"""What reviewers do: look at the queue, decide."""

import uuid
from typing import Any

from django.utils import timezone

from curation.models import Asset, Project, User
from curation.services import reviews
from curation.services.reviews import Decided
from tests import scenes


def decide(world: Project, user: User, image: Asset, verdict: str, **more: Any) -> reviews.Saved:
    decided = Decided(key=more.pop("key", uuid.uuid4()), asset=image.public_id, verdict=verdict, **more)
    return reviews.record(project=world, user=user, decisions=[decided], now=timezone.now())


def next_names(world: Project, name: str, n: int = 10) -> list[str]:
    found = reviews.next_images(project=world, user=scenes.person(name), n=n, now=timezone.now())
    return [asset.name for asset in found]
