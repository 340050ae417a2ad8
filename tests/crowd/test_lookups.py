"""Long lists of ids are asked for as one array, and mean what `IN` means."""

import pytest
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from crowd.lookups import MANY
from crowd.models import Skill, SkillValue
from tests.crowd import market

pytestmark = pytest.mark.django_db


def skills(n: int) -> list[Skill]:
    account = market.account()
    return Skill.objects.bulk_create(Skill(account=account, name=f"skill {number}") for number in range(n))


def test_a_long_list_is_one_parameter_and_finds_the_same_rows() -> None:
    rows = skills(MANY + 2)
    asked = [*(row.pk for row in rows[:MANY]), rows[0].pk, 0, None]
    with CaptureQueriesContext(connection) as asked_for:
        found = set(Skill.objects.filter(pk__in=asked).values_list("pk", flat=True))
    assert found == {row.pk for row in rows[:MANY]}
    assert "ANY(" in asked_for[0]["sql"]
    left = Skill.objects.exclude(pk__in=asked).filter(pk__in=[row.pk for row in rows])
    assert {row.pk for row in left} == {row.pk for row in rows[MANY:]}


def test_a_short_list_is_as_before() -> None:
    rows = skills(MANY)
    with CaptureQueriesContext(connection) as asked_for:
        assert Skill.objects.filter(pk__in=[row.pk for row in rows[: MANY - 1]]).count() == MANY - 1
    assert "ANY(" not in asked_for[0]["sql"]


def test_rows_that_are_referred_to_may_be_given_themselves() -> None:
    rows = skills(MANY + 1)
    who = market.worker(rows[0].account)
    for row in rows:
        market.grade(who, row, 50)
    with CaptureQueriesContext(connection) as asked_for:
        found = {value.skill_id for value in SkillValue.objects.filter(skill__in=rows[:MANY])}
    assert found == {row.pk for row in rows[:MANY]}
    assert "ANY(" in asked_for[0]["sql"]


def test_a_list_may_hold_texts_and_expressions_or_be_a_statement() -> None:
    rows = skills(MANY)
    texts = [str(row.pk) for row in rows]
    assert Skill.objects.filter(pk__in=texts).count() == MANY
    assert Skill.objects.filter(pk__in=[F("id"), *(row.pk for row in rows)]).count() == MANY
    assert not Skill.objects.filter(pk__in=[None] * MANY).exists()
    assert Skill.objects.filter(pk__in=Skill.objects.filter(name__startswith="skill").values("pk")).count() == MANY


def test_numbers_that_no_id_can_be_find_nothing() -> None:
    rows = skills(MANY)
    for too_large in (2**63, -(2**63) - 1):
        assert Skill.objects.filter(pk__in=[*(row.pk for row in rows), too_large]).count() == MANY
