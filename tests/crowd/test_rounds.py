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
    SkillValue,
    Task,
    Worker,
)
from crowd.services import own_queue, tallies, trust
from crowd.services.rounds import NotTogether, Round
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db
PRICE = 30_000
RIGHT = {"answer": "correct"}


@transaction.atomic
def written(batch: Batch, *workers: Worker) -> None:
    together = Round(workers)
    for who in workers:
        market.hand_in(together, batch, who)
    together.write()


def test_pages_taken_together_are_stored_held_counted_and_paid():
    batch = market.batch(page_size=2)
    asked = market.tasks(batch, 4)
    wanda, willa = market.workers(batch.account, 2)
    together = Round([wanda, willa])
    first, second = market.hand_in(together, batch, wanda), market.hand_in(together, batch, willa)
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
    assert tallies.compare() == []


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
def test_a_queue_that_is_longer_than_what_is_read_at_first_goes_on_where_it_ended():
    batch = market.batch(page_size=1)
    asked = market.tasks(batch, 40)
    for n, task in enumerate(asked):
        task.priority = (n * 7) % 3 - 1
    Task.objects.bulk_update(asked, ["priority"])
    (wanda,) = market.workers(batch.account, 1)
    together = Round([wanda], [batch])
    pages = [market.hand_in(together, batch, wanda) for _ in asked[20:]]
    together.write()  # what was given out is no longer on offer, and the queue goes on behind it
    pages += [market.hand_in(together, batch, wanda) for _ in asked[:20]]
    together.write()
    given = dict(Answer.objects.values_list("assignment_id", "task_id"))
    in_order = sorted(asked, key=lambda task: (-task.priority, task.pk))
    assert [given[page.pk] for page in pages] == [task.pk for task in in_order]
    with pytest.raises(NoWork):
        together.take(batch=batch, worker=wanda, now=NOON)


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
    assert tallies.compare() == [], "what screens show is counted as one page after the other would be"


def test_nobody_gets_what_another_one_has_taken_in_the_same_round():
    batch = market.batch()
    market.tasks(batch)
    wanda, willa = market.workers(batch.account, 2)
    together = Round([wanda, willa])
    market.hand_in(together, batch, wanda)
    with pytest.raises(NoWork):
        together.take(batch=batch, worker=willa, now=NOON)


def test_who_ends_a_page_from_before_may_have_begun_the_next_one_when_both_are_written():
    batch = market.batch()
    market.tasks(batch, 2)
    wanda = market.worker(batch.account)
    before = market.claim(batch, wanda)
    together = Round([wanda])
    assert market.hand_in(together, batch, wanda).pk == before.pk
    together.take(batch=batch, worker=wanda, now=NOON + MINUTE)
    together.write()
    assert list(Assignment.objects.order_by("pk").values_list("state", flat=True)) == ["accepted", "active"]


def test_that_nothing_is_left_is_known_once_the_last_place_is_given_out():
    batch = market.batch()
    market.tasks(batch, 2)
    wanda, willa, wim = market.workers(batch.account, 3)
    together = Round([wanda, willa, wim], [batch])
    known = [together.has_nothing(batch, wim)]
    for who in (wanda, willa):
        together.take(batch=batch, worker=who, now=NOON)
        known.append(together.has_nothing(batch, wim))
    assert known == [False, False, True]
    assert not together.has_nothing(batch, wanda), "she has a page in hand"
    with pytest.raises(NoWork):
        together.take(batch=batch, worker=wim, now=NOON)


def test_who_comes_again_is_known_by_what_he_has_done_before():
    batch = market.batch(per_worker=1)
    market.tasks(batch, 3)
    (wanda,) = market.workers(batch.account, 1)
    together = Round([wanda])
    together.meet(wanda)
    market.hand_in(together, batch, wanda)
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
    market.hand_in(together, batch, wanda, now=NOON + 2 * MINUTE)


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


@transaction.atomic
def test_who_took_a_page_after_standing_aside_for_nothing_has_it_in_hand():
    batch = market.batch()
    market.tasks(batch, 2)
    (wanda,) = market.workers(batch.account, 1)
    together = Round([wanda], [batch])
    together.meet(wanda)
    together.stand_aside(worker=wanda)
    page, _ = together.take(batch=batch, worker=wanda, now=NOON)
    together.meet(wanda)
    assert together.take(batch=batch, worker=wanda, now=NOON)[0] == page


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
    assert (together.has_nothing(batch, will), together.has_nothing(batch, willa)) == (True, False)


@transaction.atomic
def test_what_another_gives_out_in_between_is_known():
    batch = market.batch()
    market.tasks(batch, 2)
    wanda, willa, will = market.workers(batch.account, 3)
    together = Round([wanda, willa, will], [batch])
    market.hand_in(together, batch, wanda)
    together.stand_aside(worker=will)
    market.claim(batch, will)
    with pytest.raises(NoWork):
        together.take(batch=batch, worker=willa, now=NOON)


@transaction.atomic
def test_pages_of_a_round_are_numbered_in_the_order_in_which_they_are_taken():
    batch = market.batch()
    market.tasks(batch, 3)
    some = market.workers(batch.account, 3)
    together = Round(some, [batch])
    first = market.hand_in(together, batch, some[0])
    together.stand_aside(worker=some[1])
    second = market.claim(batch, some[1])
    third = market.hand_in(together, batch, some[2])
    together.write()
    assert first.pk < second.pk < third.pk
    assert list(Answer.objects.order_by("pk").values_list("assignment", flat=True)) == [first.pk, second.pk, third.pk]
