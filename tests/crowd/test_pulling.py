"""Asking platforms for what has come in: from where we were, never twice, never in a hurry for nothing."""

from datetime import timedelta
from typing import Any

import pytest

from crowd.errors import AuthFailed, Throttled, Unavailable
from crowd.models import Assignment, Batch, OutboxCommand, Restriction
from crowd.platforms.base import Pull
from crowd.services import judging, ledger, pulling
from tests.crowd import market, remote
from tests.crowd.market import NOON
from tests.crowd.remote import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("far_away")]
far_away = remote.far_away
State = Assignment.State
HOUR = timedelta(hours=1)


def pull(of: Batch) -> pulling.Pulled:
    return pulling.pull_batch(batch_id=of.pk, now=NOON)


def fresh(of: Batch) -> Batch:
    return Batch.objects.select_related("account").get(pk=of.pk)


@pytest.fixture
def busy() -> Batch:
    """A batch with 250 pages, which its platform tells by the hundred."""
    of = remote.batch(n=250)
    remote.far(of).pages = [told(of, key) for key in remote.keys(of)]
    return of


def test_all_of_a_batch_comes_in_by_the_hundred(busy):
    pulled = pull(busy)
    assert (pulled.taken.inserted, pulled.more, pulled.note) == (250, False, "")
    assert remote.far(busy).pulls == 3
    assert fresh(busy).watermark == "250"
    assert fresh(busy).pulled_at == NOON


def test_the_next_pull_goes_on_where_the_last_one_ended(busy):
    pull(busy)
    remote.far(busy).pages.append(told(busy))
    assert pull(busy).taken.received == 1


def test_a_pull_ends_when_its_time_is_over_and_says_that_there_is_more(busy, monkeypatch):
    monkeypatch.setattr(pulling, "SECONDS_AT_ONCE", 0.0)
    assert pulling.pull_batch(batch_id=busy.pk, now=NOON).more
    assert remote.far(busy).pulls == 0


def test_whether_anything_is_new_can_be_asked(busy):
    assert pull(busy).taken
    assert not pull(busy).taken
    remote.far(busy).pages.append(remote.far(busy).pages[0])
    assert not pull(busy).taken


def test_who_was_overtaken_stores_nothing_and_asks_again(busy, monkeypatch):
    def overtaken(_self, _account, _remote_id, _watermark) -> Pull:
        Batch.objects.filter(pk=busy.pk).update(watermark="100")
        return Pull(remote.far(busy).pages[:100], "100", more=True)

    monkeypatch.setattr(remote.Stub, "pull", overtaken)
    assert pull(busy) == pulling.Pulled(pulling.Taken(), more=True, next_at=NOON)
    assert not Assignment.objects.exists()


def test_a_page_that_cannot_be_stored_leaves_the_watermark_where_it_was(busy):
    pull(busy)
    Assignment.objects.filter(ext_id=remote.far(busy).pages[0].ext_id).update(ext_id="another")
    Batch.objects.update(watermark="")
    with pytest.raises(pulling.inbox.CountsDiffer):
        pull(busy)
    assert fresh(busy).watermark == ""


@pytest.mark.django_db(transaction=True)
def test_two_pullers_at_once_take_every_page_in_once(busy):
    results = market.at_once(lambda _: pull(busy), range(2))
    assert sum(one.taken.inserted for one in results) == Assignment.objects.count()
    while pull(busy).more:
        pass
    assert Assignment.objects.count() == 250
    assert not busy.tasks.exclude(issued=1, done=1).exists()


def test_an_idle_batch_is_asked_less_and_less_often():
    of = remote.batch()
    waits = [pull(of).next_at - NOON for _ in range(8)]
    assert [wait.seconds for wait in waits] == [4, 8, 8, 8, 8, 8, 8, 8]
    remote.far(of).pages.append(told(of, *remote.keys(of)))
    assert pull(of).next_at == NOON + timedelta(seconds=2)


def test_a_closed_batch_is_asked_seldom():
    of = remote.batch(state="closed")
    assert pull(of).next_at == NOON + timedelta(minutes=10)


def test_a_batch_that_is_not_published_is_not_asked():
    of = remote.batch(remote_id="")
    assert pull(of).note.endswith("is not on its platform yet.")
    assert remote.far(of).pulls == 0


@pytest.mark.parametrize(
    ("error", "seconds"),
    [
        (Throttled(NOON + HOUR, "pages"), 3600),
        (Unavailable("Nobody answers."), 4),
        (AuthFailed("The token is wrong."), 300),
    ],
)
def test_what_fails_is_noted_and_asked_again_later(error, seconds):
    of = remote.batch()
    remote.far(of).error = error
    pulled = pull(of)
    assert (pulled.note, pulled.next_at) == (str(error), NOON + timedelta(seconds=seconds))
    assert pulling.note_of(fresh(of)) == str(error)
    remote.far(of).error = None
    pull(of)
    assert pulling.note_of(fresh(of)) == ""


def test_a_batch_without_news_is_asked_again_at_once_after_a_call_that_broke():
    of = remote.batch()
    for _ in range(6):
        pull(of)
    remote.far(of).error = Unavailable("Nobody answers.")
    assert pull(of).next_at == NOON + timedelta(seconds=4)


def test_an_account_with_many_open_batches_looks_at_each_quiet_one_less_often():
    of = remote.batch()
    for number in range(40):
        market.batch(at=of.account, remote_id=f"other-{number}")
    assert [pull(of) for _ in range(8)][-1].next_at == NOON + timedelta(seconds=41)


def test_the_note_leaves_alone_what_the_adapter_remembers():
    of = remote.batch(remote={"project": "77"})
    pull(of)
    assert fresh(of).remote["project"] == "77"


def test_a_quiet_pull_gives_back_what_a_rejection_has_freed():
    of = remote.batch(n=1)
    remote.far(of).pages = [told(of, *remote.keys(of))]
    pull(of)
    judging.reject(assignment_id=Assignment.objects.get().pk, reason="blurred", now=NOON, reissue=False)
    pull(of)
    assert remote.totals(of).reserved_micro == 0


# Deadlines


def waiting(hours: float, **fields: Any) -> Batch:
    """A batch with one page, which the platform accepts by itself after so many hours."""
    of = remote.batch(n=2, **fields)
    remote.far(of).pages = [told(of, remote.keys(of)[0])]
    pull(of)
    Assignment.objects.filter(batch=of).update(review_until=NOON + hours * HOUR)
    return of


def state_of(of: Batch) -> str:
    return Assignment.objects.get(batch=of).state


def test_a_page_far_from_its_deadline_is_left_alone():
    waiting(25)
    assert pulling.watch_deadlines(now=NOON) == pulling.Watched()


def test_a_page_near_its_deadline_is_warned_of():
    of = waiting(20)
    (warning,) = pulling.watch_deadlines(now=NOON).warnings
    assert warning.batch == of
    assert warning.sentence == (
        f"1 page waits for a verdict in {of.key}; the first is accepted by the platform in 20 hours, "
        "and by us 2 hours before."
    )
    assert state_of(of) == State.SUBMITTED


def test_a_page_at_its_deadline_is_accepted_by_us_and_the_platform_is_told():
    of = waiting(1.5)
    assert pulling.watch_deadlines(now=NOON) == pulling.Watched(accepted=1)
    assert state_of(of) == State.ACCEPTED
    assert OutboxCommand.objects.get().kind == "accept"
    assert remote.totals(of).paid_micro == 36_000
    assert pulling.watch_deadlines(now=NOON) == pulling.Watched()


def test_a_page_at_its_deadline_that_cannot_be_paid_raises_the_alarm():
    of = waiting(1)
    Assignment.objects.update(price_micro=90_000)
    ledger.raise_budget(project_id=of.project_id, limit_micro=72_000)
    (alarm,) = pulling.watch_deadlines(now=NOON).alarms
    assert alarm.sentence.startswith(f"1 page waits to be accepted in {of.key}: ")
    assert alarm.sentence.endswith("The platform will accept them by itself within 2 hours.")
    assert state_of(of) == State.SUBMITTED


def test_one_batch_that_cannot_be_paid_does_not_hold_up_the_others():
    poor, rich = waiting(1), waiting(1)
    Assignment.objects.filter(batch=poor).update(price_micro=90_000)
    ledger.raise_budget(project_id=poor.project_id, limit_micro=72_000)
    watched = pulling.watch_deadlines(now=NOON)
    assert (watched.accepted, len(watched.alarms)) == (1, 1)
    assert state_of(rich) == State.ACCEPTED


def test_a_page_at_its_deadline_is_accepted_even_if_its_file_is_not_here():
    of = remote.batch("photo", n=1)
    remote.far(of).pages = [told(of, *remote.keys(of), answer={"file_ref": "f1"})]
    pull(of)
    Assignment.objects.update(review_until=NOON + HOUR)
    assert pulling.watch_deadlines(now=NOON).accepted == 1


def test_a_page_kept_for_a_person_is_not_accepted_by_us_but_raises_the_alarm():
    of = waiting(1.5)
    page = Assignment.objects.get(batch=of)
    Restriction.objects.create(
        worker_id=page.worker_id, scope="batch", scope_id=of.pk, effect=Restriction.Effect.UNPAID, reason="too fast"
    )
    watched = pulling.watch_deadlines(now=NOON)
    assert (watched.accepted, state_of(of)) == (0, State.SUBMITTED)
    (alarm,) = watched.alarms
    assert alarm.sentence == (
        f"1 page waits for a person in {of.key}, as a rule has asked: accept or reject. "
        "The platform will accept them by itself within 2 hours."
    )


def test_what_a_pull_would_not_take_is_kept_beside_the_batch():
    of = remote.batch()
    one, two, _ = remote.keys(of)
    remote.far(of).pages = [told(of, one, state="blocked", ext_id="p1"), told(of, two)]
    pull(of)
    assert pulling.refused_of(Batch.objects.get(pk=of.pk)) == ["Page p1: 'blocked' is not a known state."]
    pull(of)
    assert len(pulling.refused_of(Batch.objects.get(pk=of.pk))) == 1
