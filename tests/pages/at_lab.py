"""The lab as a signed-in person sees it: its addresses, its form, the shares it shows."""

from django.test import Client
from django.urls import reverse

from curation.models import Membership, Project
from tests import scenes
from tests.engine import answered

TIGHT = (0.4, 0.401, 0.402)


def project_with_people() -> Project:
    row = answered.project(max_answers=3)
    for name, role in {"Rita": "reviewer", "Vera": "viewer"}.items():
        Membership.objects.create(project=row, user=scenes.person(name), role=role)
    return row


def signed_in(name: str = "Alice") -> Client:
    client = Client()
    client.force_login(scenes.person(name))
    return client


def address(project: Project, name: str = "lab", *own: object) -> str:
    return reverse(name, args=[project.public_id, *own])


def look(project: Project, **settings: object) -> str:
    answer = signed_in().get(address(project), settings)
    assert answer.status_code == 200
    return answer.content.decode()


def shares(project: Project, **settings: object) -> list[tuple[int, int]]:
    """Hard, soft and drop: as they stand, as they would be."""
    bars = signed_in().get(address(project), settings).context["bars"]
    return [(bar.before_n, bar.after_n) for bar in bars]
