"""What platforms tell of pages: stored once, counted once, paid once, and nothing lost in silence."""

from datetime import timedelta
from typing import Any

import pytest

from crowd.models import (
    Answer,
    AnswerRaw,
    Assignment,
    Batch,
    OutboxCommand,
    RemoteFile,
    Reservation,
    Restriction,
    SkillValue,
    Task,
    Worker,
)
from crowd.models.worker import digest_of
from crowd.platforms.base import RemoteAssignment
from crowd.services import inbox, judging, ledger, publishing
from tests.crowd import market, remote
from tests.crowd.market import NOON
from tests.crowd.remote import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("far_away")]
far_away = remote.far_away
State = Assignment.State
COST = 36_000  # a page of $0.03 and the fifth that the platform takes


def take(of: Batch, *pages: RemoteAssignment) -> inbox.Taken:
    return inbox.take(batch=of, pages=pages, now=NOON)


def numbers(taken: inbox.Taken) -> tuple[int, ...]:
    assert taken.is_whole
    stored = taken.received - taken.repeated - taken.unread - taken.early
    return taken.received, stored, taken.inserted, taken.matched, taken.changed


def places(of: Batch) -> list[tuple[int, int]]:
    return list(Task.objects.filter(batch=of, overlap__isnull=False).order_by("pk").values_list("issued", "done"))


def page_of(remote_page: RemoteAssignment) -> Assignment:
    return Assignment.objects.get(ext_digest=digest_of(remote_page.ext_id))


def again(page: RemoteAssignment, of: Batch, state: str, **fields: Any) -> RemoteAssignment:
    """The same page as the platform tells it later."""
    fields = {"answer": next(iter(page.answers.values()), None), **fields}
    return told(of, *page.answers, state=state, ext_id=page.ext_id, who=page.worker_ext_id, **fields)


def held(of: Batch) -> int:
    return Reservation.objects.get(ref=f"batch:{of.pk}").amount_micro


# Once


def test_a_page_pulled_twice_is_there_once():
    of = remote.batch()
    one, two, three = remote.keys(of)
    pages = [told(of, one), told(of, two, three)]
    assert numbers(take(of, *pages)) == (2, 2, 2, 0, 0)
    assert numbers(take(of, *pages)) == (2, 2, 0, 2, 0)
    assert Assignment.objects.count() == 2
    assert AnswerRaw.objects.count() == Answer.objects.count() == 3
    assert places(of) == [(1, 1), (1, 1), (1, 1)]


def test_a_page_accepted_at_once_is_paid_once_and_the_platform_told_once():
    of = remote.batch(auto_accept=True)
    pages = [told(of, key) for key in remote.keys(of)]
    for _ in range(2):
        assert take(of, *pages).refused == []
    assert set(Assignment.objects.values_list("state", flat=True)) == {State.ACCEPTED}
    assert remote.totals(of).paid_micro == 3 * COST
    commands = OutboxCommand.objects.filter(kind="accept")
    assert {(row.key, row.lane, row.payload["assignment_id"], row.batch_id) for row in commands} == {
        (f"accept-{pk}", f"page:{pk}", pk, of.pk) for pk in Assignment.objects.values_list("pk", flat=True)
    }
    assert Worker.objects.count() == 3


def test_a_page_twice_in_one_pull_is_one_page_as_far_as_it_has_come():
    of = remote.batch()
    page = told(of, *remote.keys(of)[:1])
    taken = take(of, again(page, of, "accepted"), page, again(page, of, "active"))
    assert numbers(taken) == (3, 1, 1, 0, 0)
    assert page_of(page).state == State.ACCEPTED


@pytest.mark.django_db(transaction=True)
def test_two_pulls_of_the_same_pages_at_once_pay_once():
    of = remote.batch(n=30, auto_accept=True)
    pages = [told(of, key) for key in remote.keys(of)]
    results = market.at_once(lambda part: take(of, *part), [pages[:20], pages[10:][::-1], pages])
    assert sum(taken.inserted for taken in results) == 30
    assert Assignment.objects.filter(state=State.ACCEPTED).count() == 30
    assert remote.totals(of).paid_micro == 30 * COST
    assert places(of) == [(1, 1)] * 30


def test_a_page_that_would_be_lost_stops_everything():
    """Another id with the same digest: the INSERT would leave it out."""
    of = remote.batch()
    pages = [told(of, key) for key in remote.keys(of)]
    take(of, pages[0])
    Assignment.objects.update(ext_id="another")
    with pytest.raises(inbox.CountsDiffer, match="Of 3 pages told, 2 came in, 0 were here, 0 were told twice"):
        take(of, *pages)
    assert Assignment.objects.count() == 1
    assert places(of) == [(1, 1), (0, 0), (0, 0)]


def test_nothing_told_changes_nothing():
    assert numbers(take(remote.batch())) == (0, 0, 0, 0, 0)


# What is stored


def test_a_page_is_stored_with_its_price_fee_times_and_answer():
    of = remote.batch(review_days=3)
    (key, *_) = remote.keys(of)
    page = page_of_taken(of, told(of, key, price_micro=50_000, answer={"answer": "incorrect", "note": "no thumb"}))
    assert (page.price_micro, page.fee_micro) == (50_000, 10_000)
    assert (page.issued_at, page.submitted_at) == (NOON - timedelta(minutes=5), NOON)
    assert page.review_until == NOON + timedelta(days=3)
    assert page.duration_ms == 300_000
    assert (page.state, page.platform_state, page.processed_at) == (State.SUBMITTED, "submitted", None)
    assert page.answers.get().raw.payload == {"answer": "incorrect", "note": "no thumb"}


def page_of_taken(of: Batch, page: RemoteAssignment) -> Assignment:
    take(of, page)
    return page_of(page)


def test_a_worker_is_made_on_first_sight_and_known_from_then_on():
    of = remote.batch()
    one, two, _ = remote.keys(of)
    take(of, told(of, one, who="anna"))
    take(of, told(of, two, who="anna"))
    assert Worker.objects.get().assignments.count() == 2


def test_characters_and_numbers_that_a_database_refuses_do_not_stop_a_pull():
    of = remote.batch("boxes")
    box = {"label": "gesture", "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2}
    answer = {"boxes": [box], "flags": [], "note\0": "a\0b \ud800 👋", "weight": float("nan")}
    page = page_of_taken(of, told(of, remote.keys(of)[0], answer=answer))
    assert page.answers.get().raw.payload == {
        "boxes": [box], "flags": [], "note\ufffd": "a\ufffdb \ufffd 👋", "weight": None,
    }  # fmt: skip


def test_a_task_the_batch_does_not_have_is_named_and_the_rest_comes_in():
    of = remote.batch()
    taken = take(of, told(of, remote.keys(of)[0], "foreign", ext_id="p1"))
    assert taken.refused == ["Page p1: the batch has no task 'foreign'."]
    assert Answer.objects.count() == 1


def test_a_state_nobody_knows_is_named_and_the_rest_comes_in():
    of = remote.batch()
    one, two, _ = remote.keys(of)
    taken = take(of, told(of, one, state="blocked", ext_id="p1"), told(of, two))
    assert taken.refused == ["Page p1: 'blocked' is not a known state."]
    assert numbers(taken) == (2, 1, 1, 0, 0)


def test_an_endless_id_is_named_and_the_rest_comes_in():
    of = remote.batch()
    one, two, _ = remote.keys(of)
    taken = take(of, told(of, one, ext_id="x" * 201), told(of, two))
    assert len(taken.refused) == 1
    assert taken.inserted == 1


def test_photos_wait_for_their_files():
    of = remote.batch("photo", auto_accept=True)
    page = page_of_taken(of, told(of, *remote.keys(of)[:2], answer={"file_ref": "file-7", "name": "me.jpg"}))
    assert page.awaits_files
    assert page.state == State.SUBMITTED
    assert not AnswerRaw.objects.exists()
    assert [(row.ref, row.payload["name"], row.state) for row in RemoteFile.objects.all()] == [
        ("file-7", "me.jpg", "waiting")
    ] * 2


# Malformed answers


def test_a_malformed_page_is_kept_and_rejected_with_a_sentence():
    of = remote.batch(auto_accept=True)
    one, two, _ = remote.keys(of)
    bad, good = told(of, one, answer={"answer": "perhaps"}), told(of, two)
    take(of, bad, good)
    page = page_of(bad)
    assert page.state == State.REJECTED
    assert page.reason == "'perhaps' is not one of the answers correct, incorrect."
    assert page.processed_at == NOON
    assert page.answers.get().raw.payload == {"answer": "perhaps"}
    assert OutboxCommand.objects.get(kind="reject").payload == {"assignment_id": page.pk}
    assert page_of(good).state == State.ACCEPTED
    assert places(of) == [(0, 0), (1, 1), (0, 0)]


def test_a_malformed_page_stays_rejected_when_it_is_told_again():
    of = remote.batch()
    page = told(of, remote.keys(of)[0], answer={})
    take(of, page)
    assert numbers(take(of, page)) == (1, 1, 0, 1, 0)
    assert OutboxCommand.objects.count() == 1


def test_a_malformed_page_that_the_platform_has_paid_is_booked_but_its_task_goes_out_again():
    of = remote.batch()
    page = page_of_taken(of, told(of, remote.keys(of)[0], state="accepted", answer={"answer": "perhaps"}))
    assert page.state == State.ACCEPTED
    assert page.reason.startswith("accepted by the platform: 'perhaps'")
    assert page.processed_at == NOON
    assert remote.totals(of).paid_micro == COST
    assert places(of)[0] == (0, 0)


# From state to state


@pytest.mark.parametrize("answered_before", [True, False])
@pytest.mark.parametrize("state", ["submitted", "accepted", "rejected"])
def test_a_page_in_hand_is_handed_in(state, answered_before):
    of = remote.batch()
    (key, *_) = remote.keys(of)
    page = told(of, key)
    take(
        of,
        again(page, of, "active")
        if answered_before
        else told(of, state="active", ext_id=page.ext_id, who=page.worker_ext_id),
    )
    assert places(of)[0] == ((1, 0) if answered_before else (0, 0))
    assert numbers(take(of, again(page, of, state)))[-1] == 1
    assert page_of(page).state == state
    assert page_of(page).submitted_at == NOON
    assert page_of(page).answers.get().raw.payload == remote.YES
    assert places(of)[0] == ((0, 0) if state == "rejected" else (1, 1))


@pytest.mark.parametrize("state", ["skipped", "expired"])
def test_a_page_given_back_frees_its_tasks_and_pays_nothing(state):
    of = remote.batch()
    page = told(of, *remote.keys(of)[:2], state="active")
    take(of, page)
    take(of, again(page, of, state))
    assert page_of(page).state == state
    assert places(of) == [(0, 0)] * 3
    assert remote.totals(of).paid_micro == 0
    assert held(of) == 3 * COST


def test_a_page_seen_first_when_it_was_given_back_counts_nothing():
    of = remote.batch()
    page = page_of_taken(of, told(of, remote.keys(of)[0], state="skipped"))
    assert (page.state, page.submitted_at) == (State.SKIPPED, None)
    assert places(of)[0] == (0, 0)


@pytest.mark.parametrize(
    ("ours", "theirs"), [("skipped", "submitted"), ("accepted", "expired"), ("submitted", "skipped")]
)
def test_a_change_that_may_not_be_is_listed_once_and_not_applied(ours, theirs):
    of = remote.batch()
    page = told(of, remote.keys(of)[0], state=ours)
    take(of, page)
    refused = [take(of, again(page, of, theirs)).refused for _ in range(2)]
    assert refused == [[f"Page {page.ext_id} is {ours} here and cannot become {theirs}."], []]
    assert page_of(page).state == ours


def test_what_the_platform_has_not_heard_yet_is_not_taken_back():
    of = remote.batch()
    page = told(of, remote.keys(of)[0])
    take(of, page)
    judging.accept(assignment_id=page_of(page).pk, now=NOON)
    taken = take(of, page)
    assert (taken.refused, taken.changed) == ([], 0)
    assert page_of(page).state == State.ACCEPTED


def test_what_we_have_accepted_is_only_noted_when_the_platform_agrees():
    of = remote.batch(auto_accept=True)
    page = told(of, remote.keys(of)[0])
    take(of, page)
    assert numbers(take(of, again(page, of, "accepted"))) == (1, 1, 0, 1, 0)
    assert page_of(page).platform_state == "accepted"
    assert remote.totals(of).paid_micro == COST


def test_a_page_the_platform_rejected_though_we_accepted_it_is_listed():
    of = remote.batch(auto_accept=True)
    page = told(of, remote.keys(of)[0])
    take(of, page)
    assert "is accepted here and cannot become rejected" in take(of, again(page, of, "rejected")).refused[0]


def test_a_page_rejected_on_the_platform_goes_to_somebody_else():
    of = remote.batch()
    page = told(of, remote.keys(of)[0])
    take(of, page)
    take(of, again(page, of, "rejected", reason="blurred"))
    row = page_of(page)
    assert (row.state, row.reason) == (State.REJECTED, "blurred")
    assert Task.objects.get(pk=row.answers.get().task_id).to_push
    assert not OutboxCommand.objects.filter(kind="reject").exists()
    assert places(of)[0] == (0, 0)


def test_a_second_page_in_hand_comes_in_when_it_is_handed_in():
    of = remote.batch()
    one, two, _ = remote.keys(of)
    first, second = (told(of, key, state="active", who="anna", ext_id=f"p-{key}") for key in (one, two))
    for pages in ([first, second], [second]):
        taken = take(of, *pages)
        assert taken.refused == [f"Page p-{two}: its worker has another page of this batch in hand."]
        assert (taken.early, taken.is_whole) == (1, True)
    assert take(of, again(second, of, "submitted")).inserted == 1


def test_a_page_in_hand_makes_room_for_the_next_in_the_same_pull():
    of = remote.batch()
    one, two, _ = remote.keys(of)
    first = told(of, one, state="active", who="anna")
    take(of, first)
    taken = take(of, told(of, two, state="active", who="anna"), again(first, of, "submitted"))
    assert (taken.refused, taken.inserted, taken.changed) == ([], 1, 1)


# The same task again


def test_a_task_answered_twice_by_one_person_counts_once_and_both_pages_stay():
    of = remote.batch()
    (key, *_) = remote.keys(of)
    take(of, told(of, key, who="anna"))
    taken = take(of, told(of, key, who="anna", ext_id="p2"))
    assert len(taken.refused) == 1
    assert "Page p2: its worker has answered" in taken.refused[0]
    assert places(of)[0] == (1, 1)
    assert Assignment.objects.filter(state=State.SUBMITTED).count() == 2


def test_the_same_twice_in_one_pull_counts_once():
    of = remote.batch()
    (key, *_) = remote.keys(of)
    taken = take(of, told(of, key, who="anna"), told(of, key, who="anna"))
    assert len(taken.refused) == 1
    assert places(of)[0] == (1, 1)


def test_who_takes_a_task_again_after_letting_it_expire_may_answer_it():
    of = remote.batch()
    (key, *_) = remote.keys(of)
    take(of, told(of, key, state="expired", who="anna"))
    page = page_of_taken(of, told(of, key, who="anna"))
    assert page.answers.get().raw.payload == remote.YES
    assert places(of)[0] == (1, 1)


# Money


def test_what_a_batch_holds_is_what_it_may_still_cost():
    of = remote.batch(n=4)
    assert held(of) == 4 * COST
    one, two, three, _ = remote.keys(of)
    pages = [told(of, one), told(of, two, state="accepted"), told(of, three, price_micro=10_000)]
    take(of, *pages)
    assert held(of) == publishing.may_still_cost(of) == 2 * COST + 12_000
    totals = remote.totals(of)
    assert (totals.reserved_micro, totals.paid_micro) == (held(of), COST)


def test_what_the_platform_took_by_itself_is_booked_though_nothing_is_left():
    of = remote.batch(n=1, project_id=market.budget(dollars=1))
    ledger.raise_budget(project_id=of.project_id, limit_micro=COST)
    page = page_of_taken(of, told(of, remote.keys(of)[0], state="accepted", price_micro=60_000))
    assert (page.state, page.reason) == (State.ACCEPTED, "accepted by the platform")
    totals = remote.totals(of)
    assert (totals.paid_micro, totals.overdrawn_micro) == (72_000, 36_000)
    assert not OutboxCommand.objects.exists()


def test_a_page_that_we_rejected_and_the_platform_paid_is_booked():
    of = remote.batch()
    page = told(of, remote.keys(of)[0])
    take(of, page)
    judging.reject(assignment_id=page_of(page).pk, reason="blurred", now=NOON)
    take(of, again(page, of, "accepted"))
    assert page_of(page).state == State.ACCEPTED
    assert remote.totals(of).paid_micro == COST


def test_as_many_pages_are_accepted_as_can_be_paid_and_the_rest_when_there_is_more():
    of = remote.batch(n=3, auto_accept=True)
    ledger.raise_budget(project_id=of.project_id, limit_micro=3 * COST)
    pages = [told(of, key, price_micro=50_000) for key in remote.keys(of)]
    taken = take(of, *pages)
    assert Assignment.objects.filter(state=State.ACCEPTED).count() == 1
    assert taken.refused[0].startswith(f"2 pages wait to be accepted in {of.key}: ")
    ledger.raise_budget(project_id=of.project_id, limit_micro=1_000_000)
    assert take(of, told(of, state="skipped")).refused == []
    assert Assignment.objects.filter(state=State.ACCEPTED).count() == 3
    assert remote.totals(of).paid_micro == 3 * 60_000


def test_skills_that_decide_about_the_price_count_each_page_once():
    at = remote.account()
    of = market.batch(at=at, auto_accept=True, remote_id="far", grants_skill=market.skill(at))
    market.tasks(of, 3)
    one, two, three = remote.keys(of)
    bad = told(of, three, who="anna", answer={})
    take(of, told(of, one, who="anna"), told(of, two, who="anna", state="accepted"), bad)
    take(of, again(bad, of, "accepted"))
    value = SkillValue.objects.get()
    assert (value.ok, value.n) == (3, 3)


# Control tasks, trainings, exams, rules


def test_answers_to_control_tasks_are_judged_and_counted_nowhere():
    of = remote.batch(n=1)
    known = market.tasks(of, known="incorrect")[0]
    page = page_of_taken(of, told(of, remote.keys(of)[0], known.key))
    assert dict(page.answers.values_list("task_id", "control_ok"))[known.pk] is False
    known.refresh_from_db()
    assert (known.issued, known.done) == (0, 0)


@pytest.fixture
def training() -> Batch:
    at = remote.account()
    of = market.batch(at=at, kind="training", remote_id="far", price_micro=0, grants_skill=market.skill(at))
    market.tasks(of, 4, known="correct")
    return of


def test_a_training_is_graded_by_the_first_answers(training):
    keys = remote.keys(training)
    page = told(training, *keys, state="accepted", first_answers={keys[0]: {"answer": "incorrect"}})
    row = page_of_taken(training, page)
    assert (row.state, row.processed_at, row.reason) == (State.ACCEPTED, NOON, "")
    assert SkillValue.objects.get().value == 75
    take(training, page)
    assert SkillValue.objects.get().skill.events.count() == 1


def test_an_exam_is_graded_and_accepted_at_once(training):
    Batch.objects.update(kind="exam")
    page = page_of_taken(training, told(training, *remote.keys(training), answer={"answer": "incorrect"}))
    assert page.state == State.ACCEPTED
    assert SkillValue.objects.get().value == 0
    assert OutboxCommand.objects.get().kind == "accept"


def test_an_exam_answered_with_nonsense_is_simply_wrong(training):
    page = page_of_taken(training, told(training, *remote.keys(training), answer={"answer": ["?"]}))
    assert page.state == State.ACCEPTED
    assert SkillValue.objects.get().value == 0


def test_a_training_done_again_keeps_its_first_answers(training):
    keys = remote.keys(training)
    take(training, told(training, *keys, who="anna", answer={"answer": "incorrect"}))
    second = page_of_taken(training, told(training, *keys, who="anna"))
    assert second.answers.count() == 4
    assert SkillValue.objects.get().value == 0


def test_rules_look_at_every_page_that_comes_in():
    of = remote.batch(rules={"speed": {"seconds_per_task": 10, "times": 3}})
    pages = [told(of, key, who="anna", issued_at=NOON - timedelta(seconds=1)) for key in remote.keys(of)]
    take(of, *pages[:2])
    assert not Restriction.objects.exists()
    take(of, *pages)
    assert Restriction.objects.get().worker.ext_id == "anna"
