"""Quality rules and control tasks in a round: people followed in memory are judged as those who come one by one."""

from datetime import timedelta

import pytest
from django.db import transaction

from crowd.errors import NoWork
from crowd.models import Answer, Assignment, Restriction, SkillEvent, SkillValue, Worker
from crowd.services.rounds import Round
from tests.crowd import market, ruled
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db


@transaction.atomic
def test_what_a_rule_refuses_is_done_by_others_in_the_same_round():
    refuse = {"kind": "speed", "seconds_per_task": 60, "times": 1, "action": {"kind": "reject", "comment": "Too fast."}}
    batch = market.batch(auto_accept=False, rules=[refuse])
    (task,) = market.tasks(batch)
    wanda, willa = market.workers(batch.account, 2)
    together = Round([wanda, willa], [batch])
    page = market.hand_in(together, batch, wanda)
    together.write()
    assert Assignment.objects.get(pk=page.pk).state == "rejected"
    assert [row.task for row in together.take(batch=batch, worker=willa, now=NOON)[1]] == [task]


WATCHED = (
    {"kind": "control", "method": "bound", "least_answers": 2, "least_accuracy": 0.7},
    {"kind": "speed", "method": "fixed", "seconds_per_task": 10, "times": 2},
)
WORK = (("correct", 60_000), ("incorrect", 60_000), ("correct", 900), ("correct", 60_000))  # answer and milliseconds


def stands(workers: list[Worker]) -> list[object]:
    """What is known of workers, each by his place, with its history; and what is held against whom."""
    place = {worker.pk: number for number, worker in enumerate(workers)}
    values = SkillValue.objects.values_list("worker", "value", "ok", "n", "ok_worth", "n_worth")
    events = SkillEvent.objects.order_by("pk").values_list("worker", "value", "reason", "created_at")
    against = Restriction.objects.values_list("worker", "scope", "by_rule", "reason")
    return [sorted((place[who], *rest) for who, *rest in rows if who in place) for rows in (values, events, against)]


@pytest.mark.parametrize("is_written_at_once", [True, False])
def test_workers_of_a_round_are_judged_as_those_who_come_one_by_one(is_written_at_once):
    """In rounds of an hour as in one of six hours, in which people come again before anything is written."""
    together, alone = (ruled.pool(*WATCHED, known="correct") for _ in range(2))
    some, others = (market.workers(batch.account, len(WORK)) for batch in (together, alone))
    round_ = Round(some, [together])
    for hour in range(6):
        now = NOON + hour * timedelta(hours=1)
        for who, (answer, ms) in zip(some, WORK, strict=True):
            round_.meet(who)
            if not round_.known(who).is_restricted(together, now):
                market.hand_in(round_, together, who, now=now, answer=answer, ms=ms)
        if is_written_at_once:
            round_.write()
            round_ = Round(some, [together])
        for who, (answer, ms) in zip(others, WORK, strict=True):
            if not ruled.struck(alone, who):
                market.submit(market.claim(alone, who, now), now + MINUTE, ms=ms, answer=answer)
    round_.write()
    found = stands(some)
    assert found == stands(others)
    assert [place for place, *_ in found[2]] == [1, 2], "who is wrong, and who cannot have looked"


@transaction.atomic
def test_who_comes_again_meets_no_control_task_twice():
    batch = ruled.pool(known="correct", overlap=9)
    (wanda,) = market.workers(batch.account, 1)
    together = Round([wanda], [batch])
    pages = [market.hand_in(together, batch, wanda) for _ in range(3)]
    together.write()
    met = Answer.objects.filter(assignment__in=pages, task__known_answer__isnull=False).values_list("task", flat=True)
    assert len(met) == len(set(met)) == 3


def test_who_is_asked_about_in_the_database_is_written_before_he_comes_again():
    batch = market.batch(rules=[{"kind": "answer_count", "most": 1}])
    market.tasks(batch, 3)
    (wanda,) = market.workers(batch.account, 1)
    together = Round([wanda], [batch])
    together.meet(wanda)
    market.hand_in(together, batch, wanda)
    together.meet(wanda)
    assert Assignment.objects.count() == 1
    with pytest.raises(NoWork, match="sent all 1"):
        together.take(batch=batch, worker=wanda, now=NOON)
