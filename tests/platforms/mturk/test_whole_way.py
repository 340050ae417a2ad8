"""A pool on MTurk from beginning to end: product, adapter, emulator, and people who work on our page over HTTP."""

import random
from collections.abc import Mapping
from typing import Any

import pytest

from crowd.clock import database_now
from crowd.emulators.guests import Guest
from crowd.emulators.mturk import VirtualClock
from crowd.emulators.mturk.players import CrowdPlayer, GiveBack, HandIn, PagePlayer
from crowd.models import Account, AnswerRaw, Assignment, Batch, Bonus, LedgerEntry, OutboxCommand, SkillValue, Worker
from crowd.rehearsal.models import HiddenTruth
from crowd.services import bonuses, confirming, dispatch, judging, ledger, outbox, publishing, pulling, reconcile
from curation.engine.guests import RehearsalPeople
from tests import scenes
from tests.platforms.mturk.conftest import BENCH, There
from tests.portal import hosting

pytestmark = pytest.mark.django_db(transaction=True)
State = Assignment.State
SEED = 1


def answer(page: Mapping[str, Any], _task: Mapping[str, Any], _chance: random.Random) -> Mapping[str, Any] | bytes:
    return scenes.jpeg(size=(640, 360)) if page["interface"] == "photo" else {"answer": "correct"}


@pytest.fixture
def account(transactional_db, live_server, settings) -> Account:
    """An account whose workers reach our own pages over HTTP."""
    settings.BASE_URL = live_server.url
    account = BENCH.account(seed=SEED, clock=VirtualClock(database_now()))
    account.slug = "turk"
    account.save()
    return account


@pytest.fixture
def there(account) -> There:
    house = BENCH.house(account)
    house.crowd.players["ExternalQuestion"] = PagePlayer(answer)
    house.crowd.invite(12)
    return There(house)


@pytest.fixture
def world(account):
    return scenes.project()


def publish(batch: Batch) -> None:
    batch.tasks.update(to_push=True)
    publishing.publish(batch=batch)
    outbox.enqueue(kind="open_batch", key=f"open-{batch.pk}", account=batch.account, batch_id=batch.pk)
    settle()
    batch.refresh_from_db()


def draft(world, interface: str, account: Account, **fields: Any) -> Batch:
    key = scenes.stored(scenes.jpeg(size=(480, 270)))
    return hosting.batch(world, interface, account, image=key, **{"overlap": 1, "state": Batch.State.DRAFT, **fields})


def settle() -> None:
    """Carry out all that is due, and what follows from it."""
    while OutboxCommand.objects.filter(state="planned").exists():
        OutboxCommand.objects.filter(state="planned").update(next_at=database_now())
        dispatch.drain(now=database_now())
    assert list(OutboxCommand.objects.exclude(state="done").values_list("kind", "state", "last_error")) == []


def pull(batch: Batch) -> pulling.Pulled:
    return pulling.pull_batch(batch_id=batch.pk, now=database_now())


def work(batch: Batch, there: There, rounds: int = 40) -> None:
    """Let people come until nobody finds anything to do."""
    for _ in range(rounds):
        there.house.crowd.visit()
    pull(batch)
    settle()


def booked(kind: str) -> int:
    return sum(LedgerEntry.objects.filter(kind=kind).values_list("amount_micro", flat=True))


def books_are_equal(there: There, batch: Batch) -> None:
    books = there.house.market.books
    assert (books.sum_of("reward"), books.sum_of("bonus")) == (booked("charge"), booked("bonus"))
    assert books.sum_of("fee") + books.sum_of("bonus_fee") == booked("fee")
    assert [str(one) for one in reconcile.reconcile(account=batch.account, now=database_now())] == []


def test_people_come_work_on_our_page_and_are_paid_the_same_in_both_books(account, there, world):
    batch = draft(world, "choice", account, n=20, page_size=2, price_micro=60_000, auto_accept=True)
    publish(batch)
    assert [hit.max_assignments for hit in there.hits] == [9, 1]
    work(batch, there)
    pages = Assignment.objects.filter(batch=batch)
    assert sorted(pages.values_list("state", "platform_state").distinct()) == [("accepted", "accepted")]
    assert pages.count() == 10
    assert booked("charge") == 10 * 60_000
    books_are_equal(there, batch)
    assert ledger.totals(project_id=world.pk).reserved_micro == 0


def test_the_people_of_a_rehearsal_send_photos_through_our_own_page(account, there, world):
    batch = draft(world, "photo", account, n=2, price_micro=50_000, auto_accept=False)
    publish(batch)
    there.house.crowd.players["ExternalQuestion"] = CrowdPlayer(RehearsalPeople("hands"))
    work(batch, there, rounds=8)
    sent = Assignment.objects.filter(batch=batch, state=State.SUBMITTED)
    assert sent.count() == 2
    files = AnswerRaw.objects.filter(answer__assignment__in=sent).values_list("payload", flat=True)
    for payload in files:
        assert HiddenTruth.objects.filter(sha256=bytes.fromhex(payload["file"]["sha256"])).exists()


def test_postponed_acceptance_rejection_override_and_bonus_agree_to_the_cent(account, there, world):
    batch = draft(world, "photo", account, n=6, price_micro=50_000, auto_accept=False)
    batch.spec = {**batch.spec, "least_pixels": [640, 360]}
    batch.save()
    publish(batch)
    work(batch, there)
    pages = list(Assignment.objects.filter(batch=batch, state=State.SUBMITTED, awaits_files=False).order_by("pk"))
    assert len(pages) == 6
    for number, page in enumerate(pages):
        if number % 3:
            judging.accept(assignment_id=page.pk, now=database_now())
        else:
            judging.reject(assignment_id=page.pk, reason="The hand is cut off", now=database_now())
    settle()
    judging.accept(assignment_id=pages[0].pk, now=database_now())
    settle()
    wish = bonuses.Wish(page=Assignment.objects.get(pk=pages[1].pk), amount_micro=250_000, key="best", message="Thanks")
    bonuses.plan(wish=wish, by_id=None)
    settle()
    assert Bonus.objects.get().state == "paid"
    assert booked("charge") == 5 * 50_000
    assert [one.feedback for one in there.house.market.assignments.values() if one.state == "Rejected"] == [
        "The hand is cut off"
    ]
    books_are_equal(there, batch)


def test_newcomers_go_through_training_and_exam_and_only_the_work_is_paid(account, there, world):
    trained, examined = hosting.skill(account, "Training"), hosting.skill(account, "Exam")
    key = scenes.stored(scenes.jpeg(size=(480, 270)))
    training = draft(world, "choice", account, kind="training", price_micro=0, grants_skill=trained)
    exam = draft(world, "choice", account, kind="exam", price_micro=0, needs_skill=trained, grants_skill=examined)
    for gate in (training, exam):
        scenes.task(gate, "known", image=key, known="correct", hint="Look again.")
    batch = draft(world, "choice", account, n=5, needs_skill=examined, needs_value=70, auto_accept=True)
    for one in (training, exam, batch):
        publish(one)
    work(batch, there)
    assert Assignment.objects.filter(batch=batch, state=State.ACCEPTED).count() == 5
    assert SkillValue.objects.filter(skill=examined, value=100).count() == Worker.objects.count()
    assert booked("charge") == 5 * 20_000
    books_are_equal(there, batch)


def test_prices_by_skill_are_the_same_there_and_here(account, there, world):
    signs = hosting.skill(account, "Signs")
    table = {"price_table": [[0, 69, 30_000], [70, 100, 90_000]], "price_skill": signs, "grants_skill": signs}
    batch = draft(world, "choice", account, n=12, price_micro=60_000, auto_accept=True, **table)
    publish(batch)
    for _ in range(6):
        work(batch, there, rounds=4)
    prices = set(Assignment.objects.filter(batch=batch, state=State.ACCEPTED).values_list("price_micro", flat=True))
    assert prices == {60_000, 90_000}  # the first page without the skill, the later ones with it
    books_are_equal(there, batch)


def test_lost_answers_on_the_wire_pay_nobody_twice(account, there, world):
    batch = draft(world, "choice", account, n=12, price_micro=60_000, auto_accept=True)
    publish(batch)
    for fault in ("drop_reply", "service_fault", "throttle"):
        there.breaks(fault, "ApproveAssignment", times=3, rate=0.5)
    for _ in range(40):
        there.house.crowd.visit()
    pull(batch)
    for _ in range(30):
        dispatch.sweep(now=database_now())
        OutboxCommand.objects.filter(state="planned").update(next_at=database_now())
        dispatch.drain(now=database_now())
    assert Assignment.objects.filter(batch=batch, state=State.ACCEPTED).count() == 12
    books_are_equal(there, batch)


class Cheat:
    """Hands in on the platform without having done anything here."""

    def play(self, _task: Any, _chance: random.Random) -> HandIn:
        return HandIn({"winnow_submission": "give me money"})


class Leaver:
    """Opens our page, then gives the HIT back."""

    def play(self, task: Any, _chance: random.Random) -> GiveBack:
        Guest().get(task.url)
        return GiveBack()


def test_who_hands_in_there_without_working_here_is_rejected_after_a_day(account, there, world):
    batch = draft(world, "choice", account, n=2, price_micro=60_000, auto_accept=True)
    publish(batch)
    there.house.crowd.players["ExternalQuestion"] = Cheat()
    there.house.crowd.visit()
    taken = pull(batch).taken
    assert len(taken.refused) == 1
    settle()
    confirming.tidy(batch_id=batch.pk, now=database_now() + 2 * confirming.A_DAY)
    settle()
    (lost,) = there.house.market.assignments.values()
    assert (lost.state, lost.feedback) == ("Rejected", confirming.NOT_STARTED)
    there.house.crowd.players["ExternalQuestion"] = PagePlayer(answer)
    work(batch, there)  # the place that was used up has been offered again
    assert Assignment.objects.filter(batch=batch, state=State.ACCEPTED).count() == 2
    books_are_equal(there, batch)


def test_a_hit_given_back_is_done_by_somebody_else(account, there, world):
    batch = draft(world, "choice", account, n=3, price_micro=60_000, auto_accept=True)
    publish(batch)
    there.house.crowd.players["ExternalQuestion"] = Leaver()
    there.house.crowd.visit()
    there.house.crowd.players["ExternalQuestion"] = PagePlayer(answer)
    work(batch, there)
    assert Assignment.objects.filter(batch=batch, state=State.ACCEPTED).count() == 3
    books_are_equal(there, batch)
