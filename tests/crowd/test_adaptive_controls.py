"""The adaptive share of control tasks, and the skill they give."""

from datetime import timedelta

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
from tests.crowd.market import NOON
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
    assert "10 of 10 right, mean 90 %, surely 77 %" in SkillEvent.objects.latest("id").reason
    hard = market.batch(at=watched.account, needs_skill=row.skill, needs_value=77)
    market.tasks(hard, 2)
    assert welcome(hard, wanda) == ""
    Batch.objects.filter(pk=hard.pk).update(needs_value=78)
    assert welcome(hard, wanda).startswith("Needs 78 in “Quality: Is this the sign?")
    newcomer = market.worker(watched.account)
    assert "first" in welcome(hard, newcomer)


@pytest.mark.django_db
@pytest.mark.parametrize(("spec", "value"), [({}, 72), ({"skill_kept_a_day": 1}, 78), ({"skill_kept_a_day": 0.5}, 60)])
def test_what_was_shown_long_ago_counts_less(spec, value):
    watched = pool(known="correct")
    Batch.objects.filter(pk=watched.pk).update(spec={**watched.spec, **spec})
    wanda = market.worker(watched.account)
    for _ in range(10):
        market.sent(watched, wanda)
    market.sent(watched, wanda, NOON + timedelta(days=69))
    row = SkillValue.objects.get(worker=wanda)
    assert (row.ok, row.n, row.value) == (11, 11, value)


@pytest.mark.django_db
def test_a_newcomer_is_believed_to_be_like_the_two_hundred_who_are_known():
    watched = pool(known="correct")
    skill = skills.ensure_skill(account=watched.account, name=skills.quality_name(watched))
    for who in market.workers(watched.account, 200):
        SkillValue.objects.create(worker=who, skill=skill, ok=0, n=30, value=10)
    newcomer = market.worker(watched.account)
    market.sent(watched, newcomer)
    assert SkillValue.objects.get(worker=newcomer).value < 20
