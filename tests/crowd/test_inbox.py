"""What platforms tell of pages: stored once, counted once, paid once, and nothing lost in silence."""

import pytest

from crowd.models import Answer, AnswerRaw, Assignment, OutboxCommand, Task, Worker
from crowd.platforms.base import RemoteAssignment
from crowd.services import inbox
from tests.crowd import remote
from tests.crowd.market import NOON

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("far_away")]
far_away = remote.far_away
State = Assignment.State


def take(of, *pages: RemoteAssignment):
    return inbox.take(batch=of, pages=pages, now=NOON)


def numbers(taken):
    return taken.received, taken.distinct, taken.inserted, taken.matched, taken.changed


def places(of):
    return list(Task.objects.filter(batch=of).order_by("pk").values_list("issued", "done"))


def test_a_page_pulled_twice_is_there_once():
    of = remote.batch()
    one, two, three = remote.keys(of)
    pages = [remote.told(of, one), remote.told(of, two, three)]
    assert numbers(take(of, *pages)) == (2, 2, 2, 0, 0)
    assert numbers(take(of, *pages)) == (2, 2, 0, 2, 0)
    assert Assignment.objects.count() == 2
    assert AnswerRaw.objects.count() == Answer.objects.count() == 3
    assert places(of) == [(1, 1), (1, 1), (1, 1)]


def test_a_page_accepted_at_once_is_paid_once_and_the_platform_told_once():
    of = remote.batch(auto_accept=True)
    pages = [remote.told(of, key) for key in remote.keys(of)]
    for _ in range(2):
        assert take(of, *pages).refused == []
    assert set(Assignment.objects.values_list("state", flat=True)) == {State.ACCEPTED}
    assert remote.totals(of).paid_micro == 3 * 36_000
    assert OutboxCommand.objects.filter(kind="accept").count() == 3
    assert Worker.objects.count() == 3
