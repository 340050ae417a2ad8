"""The adaptive share of control tasks, and the skill they give."""

import pytest

from crowd.models import (
    Answer,
    Assignment,
    Batch,
    SkillEvent,
    SkillValue,
)
from crowd.services import skills
from tests.crowd import market
from tests.crowd.ruled import pool, welcome


def shown(batch: Batch, pages: int) -> list[int]:
    """How many control tasks one good worker meets on each page."""
    wanda = market.worker(batch.account)
    met = []
    for _ in range(pages):
        page = market.claim(batch, wanda)
        rows = Answer.objects.filter(assignment=page, task__known_answer__isnull=False)
        met.append(rows.count())
        market.submit(page)
    return met


@pytest.mark.django_db
def test_the_adaptive_share_is_a_fifth_at_first_and_small_later():
    spec = {**market.SPECS["choice"], "control_rate": "adaptive"}
    watched = market.batch(page_size=10, control_per_page=1, spec=spec)
    market.tasks(watched, 200)
    market.tasks(watched, 40, known="correct")
    met = shown(watched, 16)
    assert met[:7] == [2] * 7
    assert sum(met[8:]) <= 4
    assert sum(met) <= 18


@pytest.mark.django_db
def test_every_full_page_of_an_adaptive_pool_pays_the_full_price():
    spec = {**market.SPECS["choice"], "control_rate": "adaptive"}
    watched = market.batch(page_size=10, control_per_page=1, spec=spec)
    market.tasks(watched, 120)
    market.tasks(watched, 40, known="correct")
    shown(watched, 10)
    assert set(Assignment.objects.values_list("price_micro", flat=True)) == {30_000}


@pytest.mark.django_db
def test_the_fixed_share_stays_as_it_was():
    watched = market.batch(page_size=10, control_per_page=1)
    market.tasks(watched, 60)
    market.tasks(watched, 40, known="correct")
    assert shown(watched, 5) == [1] * 5


@pytest.mark.django_db
def test_control_answers_give_a_skill_that_gates_by_its_lower_bound():
    watched = pool(known="correct")
    wanda = market.worker(watched.account)
    for _ in range(10):
        market.sent(watched, wanda)
    row = SkillValue.objects.get(worker=wanda)
    assert (row.ok, row.n, row.value) == (10, 10, 77)
    known = skills.quality_of(worker_id=wanda.pk, batch=watched)
    assert (round(known.mean, 4), round(known.lower, 4)) == (0.9, 0.7736)
    assert "10 of 10 right, mean 90%, surely 77%" in SkillEvent.objects.latest("id").reason
    hard = market.batch(at=watched.account, needs_skill=row.skill, needs_value=77)
    market.tasks(hard, 2)
    assert welcome(hard, wanda) == ""
    Batch.objects.filter(pk=hard.pk).update(needs_value=78)
    assert welcome(hard, wanda).startswith("Needs 78 in “Quality: Is this the sign?")
    newcomer = market.worker(watched.account)
    assert "first" in welcome(hard, newcomer)
    assert round(skills.quality_of(worker_id=newcomer.pk, batch=watched).mean, 2) == 0.8
