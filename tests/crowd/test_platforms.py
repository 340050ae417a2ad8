"""What every platform must do. A new one needs a line in the registry, and one in tests/crowd/benches.py."""

from dataclasses import fields, replace

import pytest

from crowd.errors import CrowdError, IllegalTransition, Invalid, NotFound, StateConflict
from crowd.models import Account
from crowd.platforms.base import Ban, BatchSpec, Capabilities, Platform, TaskSpec
from crowd.platforms.registry import PLATFORMS, platform
from crowd.services import ledger
from tests.crowd import market
from tests.crowd.benches import BENCHES, Bench
from tests.crowd.market import MINUTE, NOON

pytestmark = pytest.mark.django_db
UNKNOWN = "999999999"


@pytest.fixture(params=sorted(PLATFORMS))
def bench(request) -> Bench:
    if request.param not in BENCHES:
        pytest.fail(f"The platform {request.param!r} has no bench: add a line to BENCHES in tests/crowd/benches.py.")
    return BENCHES[request.param]


@pytest.fixture
def account(bench) -> Account:
    return bench.account()


@pytest.fixture
def adapter(account) -> Platform:
    return platform(account.platform)


@pytest.fixture
def spec() -> BatchSpec:
    return BatchSpec(
        key="project:validate:main",
        kind="main",
        interface="choice",
        title="Is this the sign?",
        spec=market.SPECS["choice"],
        page_size=1,
        overlap=1,
        price_micro=30_000,
        auto_accept=False,
        project_id=market.budget(),
        pool_id=1,
        stage_id=1,
    )


@pytest.fixture
def remote_id(adapter, account, spec) -> str:
    """An open batch with five tasks."""
    remote_id = adapter.ensure_batch(account, spec)
    adapter.push_tasks(account, remote_id, some_tasks(5))
    adapter.open(account, remote_id, NOON)
    return remote_id


def some_tasks(n: int) -> list[TaskSpec]:
    return [TaskSpec(key=f"task-{number}", payload={"class": "peace"}, item_id=number) for number in range(n)]


def pulled(adapter, account, remote_id, watermark="") -> tuple[list[str], str]:
    """Everything handed in after the mark; pages still in somebody's hands may be told of, too."""
    found, more = [], True
    while more:
        page = adapter.pull(account, remote_id, watermark)
        watermark, more = page.watermark, page.more
        found += [one.ext_id for one in page.assignments if one.state != "active"]
    return found, watermark


def is_hosted(adapter) -> bool:
    """Whether our own page gives out the tasks and takes in the answers, while the platform sends and pays people."""
    return adapter.capabilities.pages == "hosted"


def made(adapter, n: int) -> int:
    """How many of n new tasks a push makes there; our own page needs none."""
    return 0 if is_hosted(adapter) else n


def paid_micro(adapter, account, remote_id, spec) -> int:
    """What the platform's own books say; those of our own market and the ledger must be of one mind."""
    spent = adapter.books(account, remote_id).spent_micro
    if adapter.capabilities.pages == "local":
        totals = ledger.totals(project_id=spec.project_id)
        assert (totals.paid_micro, totals.reserved_micro) == (spent, 0)
    return spent


def test_the_registry_names_the_platforms_when_one_is_unknown():
    with pytest.raises(
        CrowdError, match=f"'nowhere' is not a known platform; known are {', '.join(sorted(PLATFORMS))}"
    ):
        platform("nowhere")


def test_it_says_what_it_can_do(adapter):
    assert all(getattr(adapter.capabilities, field.name) is not None for field in fields(Capabilities))


def test_it_says_in_a_sentence_how_it_is(adapter, account):
    health = adapter.check(account)
    assert isinstance(health.ok, bool)
    assert health.sentence.endswith(".")


def test_a_quote_is_at_least_the_price_of_the_pages(adapter, account):
    assert adapter.quote(account, pages=0, price_micro=30_000) == 0
    assert adapter.quote(account, pages=3, price_micro=30_000) >= 90_000


def test_a_batch_is_found_by_its_key_and_not_made_twice(adapter, account, spec):
    first = adapter.ensure_batch(account, spec)
    assert adapter.ensure_batch(account, spec) == first
    assert adapter.ensure_batch(account, replace(spec, key="another")) != first


def test_tasks_pushed_again_are_there_already(adapter, account, spec):
    remote_id = adapter.ensure_batch(account, spec)
    first = adapter.push_tasks(account, remote_id, some_tasks(3))
    again = adapter.push_tasks(account, remote_id, some_tasks(4))
    assert (first.created, first.existing, dict(first.refused)) == (made(adapter, 3), 3 - made(adapter, 3), {})
    assert (again.created, again.existing, dict(again.refused)) == (made(adapter, 1), 4 - made(adapter, 1), {})


def test_the_same_task_twice_in_one_push_is_one_task(adapter, account, spec):
    remote_id = adapter.ensure_batch(account, spec)
    receipt = adapter.push_tasks(account, remote_id, some_tasks(1) * 2)
    assert (receipt.created, receipt.existing) == (made(adapter, 1), 2 - made(adapter, 1))


def test_opening_closing_and_priority_may_be_repeated(adapter, account, remote_id):
    for move in (adapter.open, adapter.close, adapter.open):
        for _ in range(2):
            move(account, remote_id, NOON)
            adapter.set_priority(account, remote_id, 7)


def test_a_pull_brings_what_was_handed_in(adapter, account, remote_id, bench):
    worker, page = bench.worker_sends(account, remote_id, NOON)
    (one,) = adapter.pull(account, remote_id, "").assignments
    assert (one.ext_id, one.worker_ext_id, one.price_micro, one.submitted_at) == (page, worker, 30_000, NOON)
    assert list(one.answers.values()) == ([] if is_hosted(adapter) else [{"answer": "correct"}])
    assert set(one.answers) <= {task.key for task in some_tasks(5)}


def test_a_pull_misses_nothing_that_comes_in_after_its_mark(adapter, account, remote_id, bench):
    hand_in_first = bench.worker_takes(account, remote_id, NOON)
    _, second = bench.worker_sends(account, remote_id, NOON + MINUTE)
    found, mark = pulled(adapter, account, remote_id)
    assert found == [second]
    first = hand_in_first(NOON + 2 * MINUTE)
    found, mark = pulled(adapter, account, remote_id, mark)
    assert first in found
    assert pulled(adapter, account, remote_id, mark)[1] == mark


def test_a_pull_comes_to_an_end_over_many_pages(adapter, account, remote_id, bench, monkeypatch):
    monkeypatch.setattr(bench.page_size, 2)
    sent = [bench.worker_sends(account, remote_id, NOON)[1] for _ in range(5)]
    assert pulled(adapter, account, remote_id)[0] == sent


def test_a_mark_from_elsewhere_is_refused(adapter, account, remote_id):
    with pytest.raises(Invalid, match="watermark"):
        adapter.pull(account, remote_id, "yesterday")


def test_accepting_may_be_repeated_and_pays_once(adapter, account, remote_id, bench, spec):
    _, page = bench.worker_sends(account, remote_id, NOON)
    for _ in range(2):
        adapter.accept(account, page, NOON)
    assert paid_micro(adapter, account, remote_id, spec) == 30_000


def test_rejecting_may_be_repeated_and_pays_nothing(adapter, account, remote_id, bench, spec):
    _, page = bench.worker_sends(account, remote_id, NOON)
    for _ in range(2):
        adapter.reject(account, page, "blurred", NOON)
    assert paid_micro(adapter, account, remote_id, spec) == 0


def test_what_was_accepted_cannot_be_rejected(adapter, account, remote_id, bench):
    _, page = bench.worker_sends(account, remote_id, NOON)
    adapter.accept(account, page, NOON)
    with pytest.raises((StateConflict, IllegalTransition)):
        adapter.reject(account, page, "changed my mind", NOON)


def test_a_rejection_can_be_undone_where_the_platform_says_so(adapter, account, remote_id, bench, spec):
    _, page = bench.worker_sends(account, remote_id, NOON)
    adapter.reject(account, page, "blurred", NOON)
    if adapter.capabilities.undo_rejection:
        adapter.accept(account, page, NOON)
        assert paid_micro(adapter, account, remote_id, spec) == 30_000
    else:
        with pytest.raises((StateConflict, IllegalTransition)):
            adapter.accept(account, page, NOON)


def test_a_restricted_worker_gets_no_more_work_until_he_is_welcome_again(adapter, account, remote_id, bench):
    worker, _ = bench.worker_sends(account, remote_id, NOON)
    for _ in range(2):
        adapter.restrict(account, remote_id, Ban(worker, "batch", "sent the example"))
    assert not bench.is_welcome(account, worker, remote_id, NOON)
    for _ in range(2):
        adapter.unrestrict(account, remote_id, Ban(worker, "batch", ""), NOON)
    assert bench.is_welcome(account, worker, remote_id, NOON)


CALLS = {
    "push_tasks": lambda on, account, it: on.push_tasks(account, it, some_tasks(1)),
    "open": lambda on, account, it: on.open(account, it, NOON),
    "close": lambda on, account, it: on.close(account, it, NOON),
    "set_priority": lambda on, account, it: on.set_priority(account, it, 1),
    "pull": lambda on, account, it: on.pull(account, it, ""),
    "accept": lambda on, account, it: on.accept(account, it, NOON),
    "reject": lambda on, account, it: on.reject(account, it, "", NOON),
    "restrict": lambda on, account, it: on.restrict(account, it, Ban(it, "batch", "")),
    "unrestrict": lambda on, account, it: on.unrestrict(account, it, Ban(it, "batch", ""), NOON),
}


@pytest.mark.parametrize("call", CALLS)
@pytest.mark.parametrize("stranger", [UNKNOWN, "", "²", "no-such-id"])
def test_unknown_ids_are_not_found(adapter, account, call, stranger):
    with pytest.raises(NotFound):
        CALLS[call](adapter, account, stranger)


def test_the_batch_of_another_account_is_not_found(adapter, bench, remote_id):
    with pytest.raises(NotFound):
        adapter.open(bench.account(), remote_id, NOON)
