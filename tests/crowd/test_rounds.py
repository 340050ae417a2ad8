"""Several workers take a page each and hand it in: written together, it is what one page after the other would be."""

from datetime import timedelta

import pytest
from django.db import transaction

from crowd.bulk import FEW
from crowd.errors import NoWork
from crowd.models import (
    Answer,
    Assignment,
    Batch,
    Budget,
    LedgerEntry,
    Reservation,
    Restriction,
    SkillEvent,
    SkillValue,
    Task,
    Worker,
)
from crowd.services import own_queue, trust
from crowd.services.rounds import NotTogether, Round
from tests.crowd import market, ruled
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db
PRICE = 30_000
RIGHT = {"answer": "correct"}


def hand_in(round_: Round, batch: Batch, who: Worker, *, now=NOON, answer="correct", ms=9_000) -> Assignment:
    page, rows = round_.take(batch=batch, worker=who, now=now)
    given = {row.pk: {"answer": answer} for row in rows}
    round_.hand_in(page=page, answers=given, duration_ms=ms, now=now + MINUTE)
    return page


@transaction.atomic
def written(batch: Batch, *workers: Worker) -> None:
    together = Round(workers)
    for who in workers:
        hand_in(together, batch, who)
    together.write()


def test_pages_taken_together_are_stored_held_counted_and_paid():
    batch = market.batch(page_size=2)
    asked = market.tasks(batch, 4)
    wanda, willa = market.workers(batch.account, 2)
    together = Round([wanda, willa])
    first, second = hand_in(together, batch, wanda), hand_in(together, batch, willa)
    assert not Assignment.objects.exists()
    together.write()
    pages = Assignment.objects.order_by("pk")
    assert [(one.pk, one.worker, one.state, one.price_micro) for one in pages] == [
        (first.pk, wanda, "accepted", PRICE),
        (second.pk, willa, "accepted", PRICE),
    ]
    assert {(one.submitted_at, one.duration_ms) for one in pages} == {(NOON + MINUTE, 9_000)}
    assert {row.task for row in Answer.objects.all()} == set(asked), "which of them are on whose page is drawn"
    assert set(Answer.objects.values_list("raw__payload__answer", flat=True)) == {"correct"}
    assert set(Task.objects.values_list("issued", "done")) == {(1, 1)}
    purse = Budget.objects.get(project_id=batch.project_id)
    assert (purse.reserved_micro, purse.spent_micro) == (0, 2 * PRICE)
    assert sorted(LedgerEntry.objects.values_list("kind", flat=True)) == ["charge", "charge", "reserve", "reserve"]


def test_a_page_that_is_not_handed_in_stays_in_hand_with_its_money():
    batch = market.batch()
    market.tasks(batch)
    (wanda,) = market.workers(batch.account, 1)
    together = Round([wanda])
    page, _ = together.take(batch=batch, worker=wanda, now=NOON)
    together.write()
    page.refresh_from_db()
    assert (page.state, page.submitted_at) == ("active", None)
    assert Reservation.objects.get(ref=f"assignment:{page.pk}").state == "held"
    assert Task.objects.get().done == 0
    again = Round([wanda])
    same, rows = again.take(batch=batch, worker=wanda, now=NOON)
    assert same == page, "it is his page, he gets no second one"
    again.hand_in(page=same, answers={row.pk: RIGHT for row in rows}, duration_ms=9_000, now=NOON + MINUTE)
    again.write()
    page.refresh_from_db()
    assert (page.state, page.submitted_at, page.judged_at) == ("accepted", NOON + MINUTE, NOON + MINUTE)
    assert set(Task.objects.values_list("issued", "done")) == {(1, 1)}
    assert Reservation.objects.get(ref=f"assignment:{page.pk}").state == "paid"


@pytest.mark.parametrize("is_from_before", [True, False])
@transaction.atomic
def test_a_page_whose_time_is_over_goes_back_and_others_get_its_tasks(is_from_before):
    batch = market.batch()
    (task,) = market.tasks(batch)
    wanda, willa = market.workers(batch.account, 2)
    together = Round([wanda, willa], [batch])
    page, _ = together.take(batch=batch, worker=wanda, now=NOON)
    if is_from_before:
        together.write()
        together = Round([wanda, willa], [batch])
    later = NOON + timedelta(seconds=batch.assignment_seconds + 1)
    with pytest.raises(NoWork):
        together.take(batch=batch, worker=wanda, now=later)
    assert Assignment.objects.get(pk=page.pk).state == "expired"
    assert [row.task for row in together.take(batch=batch, worker=willa, now=later)[1]] == [task]
    together.write()
    assert Task.objects.get().issued == 1


@transaction.atomic
def test_many_pages_are_stored_as_few_are():
    batch = market.batch()
    market.tasks(batch, FEW + 1)
    people = market.workers(batch.account, FEW + 1)
    written(batch, *people)
    rows = Answer.objects.values_list("worker", "assignment__worker", "raw__payload__answer", "control_ok")
    assert set(rows) == {(who.pk, who.pk, "correct", None) for who in people}
    assert set(Assignment.objects.values_list("state", "submitted_at")) == {("accepted", NOON + MINUTE)}
    assert Reservation.objects.filter(state="paid", created_at__isnull=False).count() == len(people)
    assert LedgerEntry.objects.filter(kind="reserve", created_at__isnull=False).count() == len(people)


def test_nobody_gets_what_another_one_has_taken_in_the_same_round():
    batch = market.batch()
    market.tasks(batch)
    wanda, willa = market.workers(batch.account, 2)
    together = Round([wanda, willa])
    hand_in(together, batch, wanda)
    with pytest.raises(NoWork):
        together.take(batch=batch, worker=willa, now=NOON)


def test_who_comes_again_is_known_by_what_he_has_done_before():
    batch = market.batch(per_worker=1)
    market.tasks(batch, 3)
    (wanda,) = market.workers(batch.account, 1)
    together = Round([wanda])
    together.meet(wanda)
    hand_in(together, batch, wanda)
    together.meet(wanda)
    assert not Assignment.objects.exists(), "it is not written yet"
    with pytest.raises(NoWork):
        together.take(batch=batch, worker=wanda, now=NOON)


def test_who_may_not_work_here_gets_no_page():
    batch = market.batch()
    market.tasks(batch)
    (wanda,) = market.workers(batch.account, 1)
    trust.restrict(worker_id=wanda.pk, scope="batch", scope_id=batch.pk, reason="fast", until=NOON + MINUTE)
    together = Round([wanda])
    with pytest.raises(NoWork, match="cannot work"):
        together.take(batch=batch, worker=wanda, now=NOON)
    hand_in(together, batch, wanda, now=NOON + 2 * MINUTE)


def test_a_training_counts_first_answers_and_opens_the_work():
    account = market.account()
    skill = market.skill(account)
    training = market.batch(at=account, kind="training", price_micro=0, grants_skill=skill, page_size=2)
    market.tasks(training, 2, known="correct")
    (wanda,) = market.workers(account, 1)
    together = Round([wanda])
    page, rows = together.take(batch=training, worker=wanda, now=NOON)
    assert not together.check_training(page=page, answer_id=rows[0].pk, payload={"answer": "incorrect"}).ok
    assert together.check_training(page=page, answer_id=rows[0].pk, payload=RIGHT).ok
    together.hand_in(page=page, answers={row.pk: RIGHT for row in rows}, duration_ms=9_000, now=NOON)
    together.write()
    assert SkillValue.objects.get(worker=wanda, skill=skill).value == 50
    page.refresh_from_db()
    assert (page.state, page.processed_at) == ("accepted", NOON)


def test_where_the_money_does_not_last_for_all_nothing_is_written():
    batch = market.batch(project_id=market.budget(1), price_micro=600_000)
    market.tasks(batch, 2)
    wanda, willa = market.workers(batch.account, 2)
    with pytest.raises(NotTogether):
        written(batch, wanda, willa)
    assert not Assignment.objects.exists()
    assert set(Task.objects.values_list("issued", flat=True)) == {0}


def test_tasks_go_to_those_who_have_neither_seen_nor_made_them():
    batch = market.batch()
    wanda, willa, will = market.workers(batch.account, 3)
    (seen,), (made,), (free,) = market.tasks(batch, overlap=3), market.tasks(batch, author=wanda), market.tasks(batch)
    written(batch, wanda)
    together = Round([wanda, willa, will])
    assert [row.task for row in together.take(batch=batch, worker=wanda, now=NOON)[1]] == [free]
    assert [row.task for row in together.take(batch=batch, worker=willa, now=NOON)[1]] == [seen]
    assert [row.task for row in together.take(batch=batch, worker=will, now=NOON)[1]] == [seen]
    made.refresh_from_db()
    assert made.issued == 0


def test_more_tasks_are_read_when_the_first_are_given_out():
    batch = market.batch(page_size=2)
    asked = market.tasks(batch, 9)
    some = market.workers(batch.account, 5)
    together = Round(some, [batch])
    pages = [together.take(batch=batch, worker=who, now=NOON)[1] for who in some]
    assert sorted(row.task.pk for rows in pages for row in rows) == [task.pk for task in asked]
    together.write()
    assert set(Task.objects.values_list("issued", "done")) == {(1, 0)}


def test_what_is_kept_for_somebody_by_name_is_given_to_nobody_else():
    batch = market.batch()
    kept, free = market.tasks(batch, 2)
    wanda, willa, will = market.workers(batch.account, 3)
    own_queue.keep(worker=willa, task_ids=[kept.pk])
    together = Round([wanda, willa, will], [batch])
    assert not together.can_give(batch, willa), "her own come first"
    assert [row.task for row in together.take(batch=batch, worker=wanda, now=NOON)[1]] == [free]
    with pytest.raises(NoWork):
        together.take(batch=batch, worker=will, now=NOON)


@transaction.atomic
def test_what_another_gives_out_in_between_is_known():
    batch = market.batch()
    market.tasks(batch, 2)
    wanda, willa, will = market.workers(batch.account, 3)
    together = Round([wanda, willa, will], [batch])
    hand_in(together, batch, wanda)
    together.stand_aside(worker=will)
    market.claim(batch, will)
    with pytest.raises(NoWork):
        together.take(batch=batch, worker=willa, now=NOON)


@transaction.atomic
def test_what_a_rule_refuses_is_done_by_others_in_the_same_round():
    refuse = {"kind": "speed", "seconds_per_task": 60, "times": 1, "action": {"kind": "reject", "comment": "Too fast."}}
    batch = market.batch(auto_accept=False, rules=[refuse])
    (task,) = market.tasks(batch)
    wanda, willa = market.workers(batch.account, 2)
    together = Round([wanda, willa], [batch])
    page = hand_in(together, batch, wanda)
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
                hand_in(round_, together, who, now=now, answer=answer, ms=ms)
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
    pages = [hand_in(together, batch, wanda) for _ in range(3)]
    together.write()
    met = Answer.objects.filter(assignment__in=pages, task__known_answer__isnull=False).values_list("task", flat=True)
    assert len(met) == len(set(met)) == 3


def test_who_is_asked_about_in_the_database_is_written_before_he_comes_again():
    batch = market.batch(rules=[{"kind": "answer_count", "most": 1}])
    market.tasks(batch, 3)
    (wanda,) = market.workers(batch.account, 1)
    together = Round([wanda], [batch])
    together.meet(wanda)
    hand_in(together, batch, wanda)
    together.meet(wanda)
    assert Assignment.objects.count() == 1
    with pytest.raises(NoWork, match="sent all 1"):
        together.take(batch=batch, worker=wanda, now=NOON)
