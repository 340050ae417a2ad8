"""Careless annotators on the board and on their own page, and what a lead can do about it."""

import re

import pytest
from django.core.cache import cache
from django.urls import reverse

from crowd.models import Answer, Assignment, Restriction, Worker
from curation.models import Annotation, Asset, Box, Event, Project
from curation.services.quality_facts.examples import examples_of
from tests import scenes

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def _nothing_kept() -> None:
    cache.clear()


def answered(image: Asset, who: Worker, shift: float, boxes: int = 2) -> None:
    """One more answer to an image, its boxes moved aside."""
    first = Answer.objects.select_related("assignment").filter(task__item_id=image.pk).earliest("id")
    page = Assignment.objects.get(pk=first.assignment_id)
    page.pk, page.ext_id, page.worker = None, f"{page.ext_id}-{who.pk}", who
    page.ext_digest = f"{image.pk}-{who.pk}".encode().ljust(14, b".")[:14]
    page.save()
    answer = Answer.objects.create(assignment=page, task_id=first.task_id, worker=who)
    note = Annotation.objects.create(
        project_id=image.project_id,
        asset=image,
        stage_id=image.project.stages.get(kind="boxes").pk,
        answer_id=answer.pk,
        worker_id=who.pk,
        kind=Annotation.Kind.BOXES,
    )
    Box.objects.bulk_create(
        Box(annotation=note, seq=n, label=r[0], x=r[1] + shift, y=r[2], w=r[3], h=r[4])
        for n, r in enumerate(scenes.TWO_HANDS[:boxes])
    )


@pytest.fixture
def world() -> Project:
    return scenes.project(Rita="reviewer", Vera="viewer")


@pytest.fixture
def sloppy(world) -> Worker:
    """Twelve images, three careful people, and Silvio who is off in nine of them."""
    boxes, who = scenes.batch(world, "boxes"), scenes.worker("Silvio")
    for n in range(12):
        image = scenes.image_at_review(world, boxes, seed=f"{n}", spread=0.002)
        answered(image, who, 0.06 if n < 9 else 0.0)
    return who


def opened(client, world: Project, name: str, *more: object, person: str = "Alice") -> str:
    client.force_login(scenes.person(person))
    answer = client.get(reverse(name, args=[world.public_id, *more]))
    assert answer.status_code == 200
    return re.sub(r"\s+", " ", answer.content.decode())


def test_a_careless_annotator_stands_on_the_board_with_pictures(client, world, sloppy):
    page = opened(client, world, "workers")
    section = page[page.index('id="careless"') : page.index('id="all-workers"')]
    assert section.count("<article") == 1
    assert sloppy.short_id in section
    assert "3 of 12" in section
    assert "Put a box beside the object (IoU 0.2" in section
    assert section.count("<svg viewBox") == 2


def test_pictures_of_several_annotators_take_as_many_statements_as_of_one(world, sloppy, django_assert_num_queries):
    other, stage = scenes.worker("Otto"), world.stages.get(kind="aggregate")
    answered(Asset.objects.filter(project=world).latest("id"), other, 0.06, boxes=1)
    with django_assert_num_queries(4):  # one of them looks for the stage that was answered
        examples = examples_of(stage, [sloppy.pk, other.pk], 2)
    assert [len(of_one) for of_one in examples.values()] == [2, 1]
    assert examples == {who.pk: examples_of(stage, [who.pk], 2)[who.pk] for who in (sloppy, other)}


def test_without_careless_annotators_the_board_does_not_speak_of_them(client, world):
    scenes.image_at_review(world, scenes.batch(world, "boxes"))
    assert 'id="careless"' not in opened(client, world, "workers")


def test_the_workers_page_says_what_was_missed_and_links_to_the_images(client, world, sloppy):
    page = opened(client, world, "worker", sloppy.pk, person="Vera")
    assert "18 of 24" in page
    assert page.count('class="own"') == 18
    wrong = Asset.objects.filter(project=world).order_by("id").first()
    assert reverse("asset", args=[world.public_id, wrong.public_id]) in page
    assert "Ban from this project" not in page


def test_the_quality_page_names_the_careless(client, world, sloppy):
    assert "1 careless</a>" in opened(client, world, "quality")


def test_a_lead_warns_and_it_is_on_record(client, world, sloppy):
    client.force_login(scenes.person("Alice"))
    client.post(reverse("worker-warn", args=[world.public_id, sloppy.pk]))
    row = Restriction.objects.get(worker=sloppy)
    assert row.effect == "warning"
    assert row.lifted_at is not None
    assert row.reason.startswith("Careless boxes: 9 of 12 images wrong, 18 of 24 objects missed")
    assert Event.objects.filter(kind="worker.warned").count() == 1


def test_a_lead_keeps_somebody_out_for_some_days(client, world, sloppy):
    client.force_login(scenes.person("Alice"))
    client.post(reverse("worker-keep-out", args=[world.public_id, sloppy.pk]), {"days": "10"})
    row = Restriction.objects.get(worker=sloppy)
    assert (row.effect, row.scope, row.scope_id) == ("no_work", "project", world.pk)
    assert "Banned" in opened(client, world, "worker", sloppy.pk)


@pytest.mark.parametrize("days", ["", "many", "0", "9999999", "4000"])
def test_a_ban_of_no_sensible_length_is_refused_with_a_sentence(client, world, sloppy, days):
    client.force_login(scenes.person("Alice"))
    answer = client.post(reverse("worker-keep-out", args=[world.public_id, sloppy.pk]), {"days": days}, follow=True)
    assert "of a ban" in answer.content.decode() or "A ban lasts" in answer.content.decode()
    assert not Restriction.objects.exists()


@pytest.mark.parametrize("name", ["worker-warn", "worker-keep-out"])
@pytest.mark.parametrize("person", ["Rita", "Vera", "Charlie"])
def test_only_leads_act(client, world, sloppy, name, person):
    client.force_login(scenes.person(person))
    assert client.post(reverse(name, args=[world.public_id, sloppy.pk]), {"days": "5"}).status_code == 404
    assert not Restriction.objects.exists()


def test_a_worker_of_another_project_is_not_found(client, world, sloppy):
    other = scenes.project()
    client.force_login(scenes.person("Alice"))
    assert client.post(reverse("worker-warn", args=[other.public_id, sloppy.pk])).status_code == 404
