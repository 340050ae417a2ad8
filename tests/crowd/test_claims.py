"""What a worker may take, for how long, at which price, and what becomes of it."""

import json
from collections import Counter
from datetime import timedelta
from unittest import mock

import pytest

from crowd.errors import BadAnswer, BudgetExceeded, NotYours, NoWork
from crowd.models import Answer, AnswerRaw, Assignment, Batch, Restriction, SkillValue
from crowd.services import claims, control, handing_in, ledger, offers, trust
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db
State = Assignment.State
LATE = NOON + timedelta(hours=1)
STATEMENTS_A_PAGE = 43  # taken, read, handed in, paid: a rehearsal does it many thousand times


@pytest.fixture
def choices() -> Batch:
    return market.batch("choice", page_size=2)


@pytest.fixture
def wanda(choices):
    return market.worker(choices.account, "wanda")


def counts(task) -> tuple[int, int]:
    task.refresh_from_db()
    return task.issued, task.done


# Pages and leases


def test_a_page_is_leased_for_the_time_of_its_batch(choices, wanda):
    market.tasks(choices, 2)
    page = market.claim(choices, wanda)
    assert page.lease_until == NOON + timedelta(seconds=choices.assignment_seconds)
    assert len(claims.page_tasks(page)) == 2


def test_who_has_a_page_open_gets_the_same_one_again(choices, wanda):
    market.tasks(choices, 6)
    assert market.claim(choices, wanda) == market.claim(choices, wanda, NOON + MINUTE)
    assert ledger.totals(project_id=choices.project_id).reserved_micro == 30_000


def test_a_page_whose_time_is_over_is_replaced_even_before_the_sweeper_comes(choices, wanda):
    market.tasks(choices, 4)
    old = market.claim(choices, wanda)
    new = market.claim(choices, wanda, LATE)
    old.refresh_from_db()
    assert (old.state, new.state) == (State.EXPIRED, State.ACTIVE)
    assert market.submit(new, LATE).assignment.state == State.ACCEPTED
    assert ledger.totals(project_id=choices.project_id).reserved_micro == 0


def test_nobody_judges_his_own_photo(choices, wanda):
    own, other = market.tasks(choices, author=wanda) + market.tasks(choices)
    page = market.claim(choices, wanda)
    assert list(page.answers.values_list("task", flat=True)) == [other.pk]
    assert counts(own) == (0, 0)


def test_a_skipped_page_gives_its_places_and_its_money_back(choices, wanda):
    first, second = market.tasks(choices, 2)
    page = market.claim(choices, wanda)
    handing_in.skip_page(assignment_id=page.pk, worker_id=wanda.pk, now=NOON)
    handing_in.skip_page(assignment_id=page.pk, worker_id=wanda.pk, now=NOON)
    assert counts(first) == counts(second) == (0, 0)
    assert ledger.totals(project_id=choices.project_id).free_micro == 100_000_000
    assert len(claims.page_tasks(market.claim(choices, market.worker(choices.account)))) == 2
    with pytest.raises(NoWork):
        market.claim(choices, wanda)


def test_an_expired_page_gives_its_places_and_its_money_back(choices, wanda):
    (task,) = market.tasks(choices)
    page = market.claim(choices, wanda)
    assert handing_in.expire_leases(now=NOON) == 0
    assert handing_in.expire_leases(now=LATE) == 1
    assert handing_in.expire_leases(now=LATE) == 0
    page.refresh_from_db()
    assert page.state == State.EXPIRED
    assert counts(task) == (0, 0)
    assert ledger.totals(project_id=choices.project_id).reserved_micro == 0


def test_expired_pages_go_back_together_those_of_each_project_by_themselves(choices, wanda, monkeypatch):
    together = mock.Mock(wraps=handing_in._expire_all)
    monkeypatch.setattr(handing_in, "_expire_all", together)
    other = market.batch(at=choices.account)
    asked = [*market.tasks(choices, 1, overlap=2), *market.tasks(other, 1)]
    willa = market.worker(choices.account, "willa")
    pages = [market.claim(choices, wanda), market.claim(other, willa), market.claim(choices, willa)]
    assert [counts(task) for task in asked] == [(2, 0), (1, 0)]
    assert handing_in.expire_leases(now=LATE) == len(pages)
    assert [call.args[0] for call in together.call_args_list] == [[pages[0].pk, pages[2].pk], [pages[1].pk]]
    assert set(Assignment.objects.values_list("state", "judged_at")) == {(State.EXPIRED, LATE)}
    assert [counts(task) for task in asked] == [(0, 0), (0, 0)]
    for batch in (choices, other):
        assert ledger.totals(project_id=batch.project_id).reserved_micro == 0


def test_a_page_handed_in_too_late_is_refused_with_a_sentence(choices, wanda):
    market.tasks(choices)
    page = market.claim(choices, wanda)
    with pytest.raises(NotYours, match="The time for this page is over"):
        market.submit(page, LATE)
    handing_in.expire_leases(now=LATE)
    with pytest.raises(NotYours, match="The time for this page is over"):
        market.submit(page, NOON)
    assert not AnswerRaw.objects.exists()


def test_somebody_elses_page_can_be_neither_handed_in_nor_skipped(choices, wanda):
    market.tasks(choices)
    page = market.claim(choices, wanda)
    charlie = market.worker(choices.account, "charlie")
    with pytest.raises(NotYours, match="not yours"):
        handing_in.skip_page(assignment_id=page.pk, worker_id=charlie.pk, now=NOON)
    with pytest.raises(NotYours, match="not yours"):
        handing_in.submit_page(assignment_id=page.pk, worker_id=charlie.pk, answers={}, duration_ms=1, now=NOON)


def test_handed_in_twice_is_handed_in_once(choices, wanda):
    task, _ = market.tasks(choices, 2)
    page = market.claim(choices, wanda)
    market.submit(page)
    again = market.submit(page, answer="incorrect")
    assert again.sentence == "This page was handed in already."
    assert {raw.payload["answer"] for raw in AnswerRaw.objects.all()} == {"correct"}
    assert counts(task) == (1, 1)
    assert ledger.totals(project_id=choices.project_id).paid_micro == 30_000


def test_a_page_that_is_paid_at_once_takes_so_many_statements(choices, wanda, django_assert_num_queries):
    market.tasks(choices, 2)
    with django_assert_num_queries(STATEMENTS_A_PAGE):
        page = market.sent(choices, wanda)
    assert page.state == State.ACCEPTED


def test_a_nonsense_duration_does_not_stop_a_page(choices, wanda):
    market.tasks(choices)
    assert market.sent(choices, wanda, ms=10**15).duration_ms == 2**31 - 1


def test_one_person_sends_no_more_than_the_limit_of_the_pool():
    photos = market.batch("photo", page_size=2, per_worker=3)
    market.tasks(photos, 9)
    wanda = market.worker(photos.account)
    sizes = [market.sent(photos, wanda).answers.count() for _ in range(2)]
    assert sizes == [2, 1]
    with pytest.raises(NoWork, match="all 3 that one person may send"):
        market.claim(photos, wanda)


def test_who_has_sent_all_that_one_person_may_is_offered_no_more_of_it():
    photos = market.batch("photo", per_worker=2)
    market.tasks(photos, 5)
    wanda = market.worker(photos.account)
    left = []
    for _ in range(3):
        (offer,) = offers.offers(worker_id=wanda.pk, now=NOON)
        left.append(offer.available)
        if offer.available:
            market.sent(photos, wanda)
    assert left == [2, 1, 0]
    assert offer.needs == "You have sent all 2 that one person may send here. Thank you!"


def test_skipped_tasks_do_not_count_towards_the_limit():
    photos = market.batch("photo", per_worker=1)
    market.tasks(photos, 2)
    wanda = market.worker(photos.account)
    handing_in.skip_page(assignment_id=market.claim(photos, wanda).pk, worker_id=wanda.pk, now=NOON)
    assert market.claim(photos, wanda).answers.count() == 1


def test_the_sentence_says_until_when_others_hold_the_rest(choices, wanda):
    market.tasks(choices)
    market.claim(choices, wanda)
    (offer,) = offers.offers(worker_id=market.worker(choices.account).pk, now=NOON)
    assert offer.available == 0
    assert offer.needs == "1 page is held by others until 12:15 UTC at the latest."


def test_a_short_page_costs_its_share(choices, wanda):
    market.tasks(choices)
    assert market.claim(choices, wanda).price_micro == choices.price_micro // 2


def test_a_page_that_the_budget_cannot_carry_leaves_nothing_behind(wanda):
    poor = market.batch(at=wanda.account, price_micro=200_000_000)
    (task,) = market.tasks(poor)
    with pytest.raises(BudgetExceeded, match=r"Raise the project.s budget"):
        market.claim(poor, wanda)
    assert counts(task) == (0, 0)
    assert not Assignment.objects.exists()


@pytest.mark.parametrize("state", [Batch.State.DRAFT, Batch.State.PAUSED, Batch.State.CLOSED])
def test_only_an_open_pool_gives_work(state, wanda):
    shut = market.batch(at=wanda.account, state=state)
    market.tasks(shut)
    with pytest.raises(NoWork, match="not open"):
        market.claim(shut, wanda)


def test_the_work_of_another_account_is_not_given_out(choices):
    market.tasks(choices)
    with pytest.raises(NotYours, match="another platform account"):
        market.claim(choices, market.worker(market.account()))


def test_a_banned_worker_sees_no_offers_and_gets_no_page(choices, wanda):
    market.tasks(choices)
    until = NOON + MINUTE
    trust.restrict(
        worker_id=wanda.pk, scope=Restriction.Scope.BATCH, scope_id=choices.pk, reason="", until=until, by_rule="speed"
    )
    assert offers.offers(worker_id=wanda.pk, now=NOON) == []
    with pytest.raises(NoWork, match="cannot work"):
        market.claim(choices, wanda)
    assert market.claim(choices, wanda, until).state == State.ACTIVE


# Price and gate


@pytest.mark.parametrize(("value", "price"), [(0, 30_000), (95, 30_000), (96, 40_000), (100, 40_000), (None, 30_000)])
def test_the_price_follows_the_skill(value, price):
    at = market.account()
    recording = market.skill(at, "Recording")
    photos = market.batch("photo", at=at, price_skill=recording, price_table=[[0, 95, 30_000], [96, 100, 40_000]])
    market.tasks(photos)
    wanda = market.worker(at)
    if value is not None:
        market.grade(wanda, recording, value)
    assert market.claim(photos, wanda).price_micro == price


def test_the_price_is_fixed_when_the_page_is_issued():
    at = market.account()
    recording = market.skill(at, "Recording")
    photos = market.batch("photo", at=at, price_skill=recording, price_table=[[0, 95, 30_000], [96, 100, 40_000]])
    market.tasks(photos)
    wanda = market.worker(at)
    market.grade(wanda, recording, 95)
    page = market.claim(photos, wanda)
    market.grade(wanda, recording, 96)
    Batch.objects.filter(pk=photos.pk).update(price_micro=90_000, price_table=[])
    market.submit(page)
    assert ledger.totals(project_id=photos.project_id).paid_micro == 30_000


@pytest.mark.parametrize(("value", "admitted"), [(None, False), (69, False), (70, True)])
def test_the_gate_opens_at_seventy(value, admitted):
    at = market.account()
    checking = market.skill(at)
    guarded = market.batch(at=at, needs_skill=checking, needs_value=70)
    market.tasks(guarded)
    wanda = market.worker(at)
    if value is not None:
        market.grade(wanda, checking, value)
    (offer,) = offers.offers(worker_id=wanda.pk, now=NOON)
    assert (offer.needs == "") is admitted
    if admitted:
        assert market.claim(guarded, wanda)
    else:
        with pytest.raises(NoWork, match="Needs"):
            market.claim(guarded, wanda)


# Training and exam


@pytest.fixture
def training() -> Batch:
    at = market.account()
    lesson = market.batch(at=at, kind=Batch.Kind.TRAINING, page_size=4, price_micro=0, grants_skill=market.skill(at))
    market.tasks(lesson, 4, known="incorrect")
    return lesson


def first_tries(page, answers):
    for task, answer in zip(claims.page_tasks(page), answers, strict=True):
        yield control.check_training(
            assignment_id=page.pk, worker_id=page.worker_id, answer_id=task.answer_id, payload={"answer": answer}
        )


def test_in_training_the_first_answer_counts(training):
    wanda = market.worker(training.account)
    page = market.claim(training, wanda)
    hints = list(first_tries(page, ["incorrect", "correct", "incorrect", "incorrect"]))
    assert [hint.ok for hint in hints] == [True, False, True, True]
    assert hints[1].text == "Look at the thumb."
    assert market.submit(page, answer="incorrect").sentence == "75 of 100."
    assert SkillValue.objects.get(worker=wanda).value == 75


def test_a_training_is_over_when_it_has_given_its_skill(training):
    wanda = market.worker(training.account)
    market.sent(training, wanda, answer="incorrect")
    assert offers.offers(worker_id=wanda.pk, now=NOON) == []
    with pytest.raises(NoWork, match="done this already"):
        market.claim(training, wanda)


@pytest.mark.parametrize("leave", ["skip", "expire"])
def test_a_training_left_in_the_middle_goes_on_and_its_first_answers_still_count(training, leave):
    wanda = market.worker(training.account)
    page = market.claim(training, wanda)
    list(first_tries(page, ["correct"] * 4))
    if leave == "skip":
        handing_in.skip_page(assignment_id=page.pk, worker_id=wanda.pk, now=NOON)
    again = market.claim(training, wanda, LATE)
    assert again != page
    assert again.answers.count() == 4
    assert market.submit(again, LATE, answer="incorrect").sentence == "0 of 100."


def test_the_result_is_rounded_down():
    at = market.account()
    exam = market.batch(at=at, kind=Batch.Kind.EXAM, page_size=3, price_micro=0, grants_skill=market.skill(at))
    market.tasks(exam, 2, known="correct")
    market.tasks(exam, 1, known="incorrect")
    assert market.submit(market.claim(exam, market.worker(at))).sentence == "66 of 100."


# Control tasks


@pytest.fixture
def watched() -> Batch:
    watched = market.batch(page_size=10, control_per_page=1, overlap=2)
    market.tasks(watched, 27, overlap=2)
    market.tasks(watched, 3, known="incorrect")
    return watched


def control_tasks(page) -> list[int]:
    return list(page.answers.filter(task__known_answer__isnull=False).values_list("task_id", flat=True))


def test_one_task_in_ten_is_a_control_task_and_never_the_same_twice(watched):
    wanda = market.worker(watched.account)
    pages = [market.sent(watched, wanda) for _ in range(3)]
    assert [page.answers.count() for page in pages] == [10, 10, 10]
    assert [len(control_tasks(page)) for page in pages] == [1, 1, 1]
    assert len({task for page in pages for task in control_tasks(page)}) == 3


def test_a_control_task_looks_like_any_other(watched):
    page = market.claim(watched, market.worker(watched.account))
    shapes = {json.dumps(sorted(task.payload)) for task in claims.page_tasks(page)}
    assert len(shapes) == 1
    assert not any("known" in key or "hint" in key for task in claims.page_tasks(page) for key in task.payload)


def test_control_tasks_stand_at_changing_places(watched):
    people = market.workers(watched.account, 2)
    pages = [market.sent(watched, person) for person in people for _ in range(3)]
    places = [page.answers.get(task__known_answer__isnull=False).seq for page in pages]
    assert len(set(places)) > 1


def test_control_answers_are_judged_and_real_ones_are_not(watched):
    page = market.sent(watched, market.worker(watched.account), answer="incorrect")
    assert Counter(page.answers.values_list("control_ok", flat=True)) == {None: 9, True: 1}


# Answers that do not fit


def boxes(**side: object) -> list[dict[str, object]]:
    return [{"label": "gesture", "x": 0.1, "y": 0.1, "w": 0.2, "h": 0.2, **side}]


DIGEST = "ab" * 32
BAD = [
    ("choice", {"answer": "maybe"}, "not one of the answers correct, incorrect"),
    ("choice", {"answer": ["correct"]}, "not one of the answers"),
    ("photo", {"file": None}, "A photo is missing"),
    ("photo", {"file": {"key": "a", "sha256": "zz" * 32, "bytes": 1}}, "hexadecimal"),
    ("photo", {"file": {"key": "a", "sha256": DIGEST}}, "size in bytes"),
    ("photo", {"file": {"key": ["a"], "sha256": DIGEST, "bytes": 1}}, "A photo is missing"),
    ("boxes", {"boxes": []}, "Draw a box around every hand"),
    ("boxes", {"boxes": [], "flags": ["tired"]}, "Unknown flag; known are no_hands"),
    ("boxes", {"boxes": "all"}, "must be lists"),
    ("boxes", {"boxes": boxes(label="foot")}, "Box 1 needs one of the labels"),
    ("boxes", {"boxes": boxes(label={"gesture": 1})}, "Box 1 needs one of the labels"),
    ("boxes", {"boxes": boxes(w=0)}, "inside the picture"),
    ("boxes", {"boxes": boxes(x=0.9)}, "inside the picture"),
    ("boxes", {"boxes": boxes(x=float("nan"))}, "finite numbers"),
    ("boxes", {"boxes": boxes(w=10**400)}, "finite numbers"),
    ("boxes", {"boxes": boxes(y=True)}, "finite numbers"),
    ("boxes", {"boxes": boxes(h=None)}, "finite numbers"),
    ("boxes", {"boxes": boxes() * 201}, "more than the 200 allowed"),
]


@pytest.mark.parametrize(("interface", "answer", "sentence"), BAD)
def test_an_answer_that_does_not_fit_is_refused_and_nothing_is_written(interface, answer, sentence):
    work = market.batch(interface, page_size=2)
    market.tasks(work, 2)
    page = market.claim(work, market.worker(work.account))
    good, bad = [task.answer_id for task in claims.page_tasks(page)]
    given = {good: market.ANSWERS[interface], bad: {**market.ANSWERS[interface], **answer}}
    with pytest.raises(BadAnswer, match=sentence):
        handing_in.submit_page(assignment_id=page.pk, worker_id=page.worker_id, answers=given, duration_ms=1, now=NOON)
    page.refresh_from_db()
    assert page.state == State.ACTIVE
    assert not AnswerRaw.objects.exists()
    assert ledger.totals(project_id=work.project_id).paid_micro == 0


def test_a_page_with_a_task_left_out_is_refused(choices, wanda):
    market.tasks(choices, 2)
    page = market.claim(choices, wanda)
    answers = market.answers_for(page)
    answers.popitem()
    with pytest.raises(BadAnswer, match="every task of the page needs one"):
        handing_in.submit_page(assignment_id=page.pk, worker_id=wanda.pk, answers=answers, duration_ms=1, now=NOON)


def test_flags_alone_say_that_there_is_no_hand():
    work = market.batch("boxes")
    market.tasks(work)
    assert market.sent(work, market.worker(work.account), boxes=[], flags=["no_hands"]).state == State.ACCEPTED


# Many at once


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize("price", [30_000, 0])
def test_sixteen_people_at_once_never_exceed_the_overlap(price):
    work = market.batch(page_size=4, price_micro=price)
    made = market.tasks(work, 8, overlap=3)
    people = market.workers(work.account, 16)

    def grab(who):
        try:
            return market.sent(work, who)
        except NoWork:
            return None

    for _ in range(4):
        pages = market.at_once(grab, people)
        assert not [one for one in pages if isinstance(one, Exception)]
    for task in made:
        assert counts(task) == (3, 3)
        assert Answer.objects.filter(task=task).count() == 3
    worth = sum(Assignment.objects.filter(state=State.ACCEPTED).values_list("price_micro", flat=True))
    assert ledger.totals(project_id=work.project_id).paid_micro == worth == 6 * price


@pytest.mark.django_db(transaction=True)
def test_two_tabs_get_one_page():
    work = market.batch(page_size=2)
    market.tasks(work, 8)
    wanda = market.worker(work.account)
    pages = market.at_once(lambda _: market.claim(work, wanda), range(6))
    assert {page.pk for page in pages} == {Assignment.objects.get().pk}
    assert ledger.totals(project_id=work.project_id).reserved_micro == 30_000


@pytest.mark.django_db(transaction=True)
def test_a_page_handed_in_from_two_tabs_at_once_is_paid_once():
    work = market.batch(page_size=2)
    (task, _) = market.tasks(work, 2)
    page = market.claim(work, market.worker(work.account))
    answers = market.answers_for(page)
    results = market.at_once(
        lambda _: handing_in.submit_page(
            assignment_id=page.pk, worker_id=page.worker_id, answers=answers, duration_ms=1, now=NOON
        ),
        range(6),
    )
    assert Counter(result.sentence for result in results) == {
        "Thank you, the page is in.": 1,
        "This page was handed in already.": 5,
    }
    assert counts(task) == (1, 1)
    assert ledger.totals(project_id=work.project_id).paid_micro == 30_000
