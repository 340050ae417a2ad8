"""After a failed exam a worker reads from when on it may be sat again, and sits it then with other questions."""

from datetime import timedelta

import pytest
from django.urls import reverse

from crowd.models import Answer, Assignment, Skill
from crowd.services import invitations
from crowd.services.retrying import Retries
from tests import scenes

pytestmark = pytest.mark.django_db


@pytest.fixture
def exam(world):
    """Four questions, two a try, one try more after a week; work behind it."""
    skill = Skill.objects.create(account=invitations.inhouse_account(), name="Checking static gestures: exam")
    batch = scenes.batch(world, "choice", kind="exam", price_micro=0, page_size=2, grants_skill=skill)
    batch.spec |= Retries(1, 7).spec()
    batch.save(update_fields=["spec"])
    for name in ("a", "b", "c", "d"):
        scenes.task(batch, name, known="correct")
    scenes.task(scenes.batch(world, "choice", needs_skill=skill, needs_value=70), "work")
    return batch


def sit(phone, exam, answer: str) -> Assignment:
    phone.post(reverse("w-take", args=[exam.pk]))
    page = Assignment.objects.filter(batch=exam).latest("id")
    for row in page.answers.all():
        phone.post(reverse("w-answer", args=[page.pk, row.pk]), {"answer": answer})
    phone.post(reverse("w-submit", args=[page.pk]))
    return page


def test_a_failed_exam_says_when_it_may_be_sat_again_and_is_then_sat_with_other_questions(exam, wandas, wanda):
    page = sit(wandas, exam, "incorrect")
    result = reverse("w-result", args=[page.pk])
    assert "You may try again from" in wandas.get(result).content.decode()
    assert "It is taken once" not in wandas.get(result).content.decode()
    assert "You may try again on" in wandas.get(reverse("w-home")).content.decode()
    assert "Можно попробовать ещё раз с" in wandas.get(result, headers={"accept-language": "ru"}).content.decode()

    Assignment.objects.filter(pk=page.pk).update(submitted_at=page.issued_at - timedelta(days=8))
    again = sit(wandas, exam, "correct")
    assert again.pk != page.pk
    assert Answer.objects.filter(worker=wanda).values("task").distinct().count() == 4
    shown = wandas.get(reverse("w-result", args=[again.pk])).content.decode()
    assert "you have passed" in shown
    assert "You may try again" not in shown
