"""A pool's page: its charts, who works there, the comparison with its platform, and advice that mends."""

from datetime import timedelta

import pytest
from django.urls import reverse
from django.utils import timezone

from crowd.errors import PlatformError
from crowd.models import Account, Assignment, Batch, Budget, RemoteFile, Restriction
from crowd.platforms import registry
from crowd.platforms.base import RemoteBooks
from crowd.services import comparing
from curation.engine import market
from curation.live.views import fields_of_pool
from curation.models import Job, Pool
from curation.services.overview.advice import Advised, Around
from curation.services.overview.pool import Closely, around, pool_charts, pool_closely
from tests.factories import make_answer, make_pool, make_project, make_worker

State = Assignment.State


def looked_at(pool: Pool) -> Closely:
    found = pool_closely(project=pool.project, pool_id=pool.pk, now=timezone.now())
    assert found is not None
    return found


def row_of(pool):
    return looked_at(pool).row


def pages(pool, **states: int) -> None:
    for state, n in states.items():
        for _ in range(n):
            make_answer(pool, make_worker(), getattr(State, state.upper()))


def told(pool, given: Around | None = None) -> dict[str, str]:
    return {one.about: one.text for one in Advised(row_of(pool), given or Around()).all()}


@pytest.fixture
def pool(project) -> Pool:
    return make_pool(project, "CALL", wanted=100)


def test_the_charts_add_up_to_the_table(pool):
    pages(pool, accepted=3, rejected=2, submitted=1)
    found = looked_at(pool)
    charts = pool_charts(found.row, found.ran)
    last = {line["name"]: line["values"][-1] for line in charts.pages["lines"]}
    assert last == {"Handed in": 6, "Accepted": 3, "Rejected": 2, "Ran out of time": 0, "Skipped": 0}
    assert charts.burn_up["published"][-1] == 3.0
    assert len({len(line["values"]) for line in charts.pages["lines"]} | {len(charts.pages["t"])}) == 1


@pytest.mark.parametrize("kind", [Pool.Kind.TRAINING, Pool.Kind.EXAM])
def test_training_and_exams_count_accepted_pages_the_same_everywhere(kind, pool, people):
    Pool.objects.filter(pk=pool.pk).update(kind=kind, wanted=0)
    pages(pool, accepted=3, rejected=1)
    address = [pool.project.public_id]
    shown = f'data-live="pool:{pool.pk}:accepted">3</span>'
    page = people["vera"].get(reverse("pool", args=[*address, pool.pk])).content.decode()
    assert (shown in page, "Accepted pages" in page) == (True, True)
    assert shown in people["vera"].get(reverse("pools", args=address)).content.decode()
    assert fields_of_pool(row_of(pool))[f"pool:{pool.pk}:accepted"] == "3"


def test_a_pool_without_a_target_waits_until_there_was_work_and_then_says_that_it_is_done(pool):
    Pool.objects.filter(pk=pool.pk).update(wanted=0)
    assert row_of(pool).status == "Waiting for assets"
    pages(pool, accepted=2)
    assert row_of(pool).status == "Done so far"
    pages(pool, submitted=1)
    assert row_of(pool).status not in {"Done so far", "Waiting for assets"}


def test_the_page_tells_of_people_pace_and_bans(pool, people):
    pages(pool, accepted=2)
    batch = Batch.objects.get(pool_id=pool.pk)
    Restriction.objects.create(
        worker=make_worker(), scope="batch", scope_id=batch.pk, reason="too fast", by_rule="speed"
    )
    page = people["vera"].get(reverse("pool", args=[pool.project.public_id, pool.pk])).content.decode()
    assert "2 workers so far, 2 in the last hour" in page
    assert "9.0 s" in page
    assert "Kept out: answered too fast" in page
    assert "1.00 of 1" not in page  # nobody has counted these answers as done


@pytest.mark.parametrize("part", ["charts", "facts"])
def test_parts_of_the_page_can_be_fetched_alone(part, pool, people):
    address = reverse("pool", args=[pool.project.public_id, pool.pk])
    shown = people["vera"].get(f"{address}?part={part}").content.decode()
    assert f'data-fragment="pool-{part}"' in shown
    assert "<html" not in shown
    assert people["charlie"].get(f"{address}?part={part}").status_code == 404


def test_few_accepted_and_many_late_are_said_and_a_handful_is_not(pool):
    pages(pool, accepted=6, rejected=4, expired=4)
    assert told(pool) == {}
    pages(pool, accepted=6, rejected=6, expired=8)
    assert told(pool)["acceptance"].startswith("Only 55 % of the pages are accepted")
    assert told(pool)["expiry"].startswith("26 % of the pages run out of time")


def test_answers_faster_than_anybody_can_look_are_said(pool):
    pages(pool, accepted=25)
    Assignment.objects.filter(batch__pool_id=pool.pk).update(duration_ms=400)
    assert told(pool)["time"] == "A task takes 0.4 s on average; under 3 s nobody can have looked."
    assert "time" not in told(pool, Around(least_seconds=0.3))


def test_a_price_far_under_the_others_is_said_with_theirs(pool, alice):
    elsewhere = make_project("Other", lead=alice)
    for name in ("ONE", "TWO", "THREE"):
        make_pool(elsewhere, name, price_micro=80_000)
    Batch.objects.update(opened_at=timezone.now())
    found = around(row_of(pool), projects=[pool.project, elsewhere])
    advice = Advised(row_of(pool), found).all()
    assert [(one.about, one.label) for one in advice] == [("price", "Raise to $0.08 a page")]
    assert "Others pay $0.0800 for such a task, this pool $0.0300." in advice[0].text
    assert around(row_of(pool), projects=[pool.project]).usual_micro is None


def test_a_budget_near_its_end_leads_to_the_money_page(pool, people):
    Budget.objects.filter(project_id=pool.project_id).update(spent_micro=450_000_000)
    page = people["alice"].get(reverse("pool", args=[pool.project.public_id, pool.pk])).content.decode()
    assert "90 % of the budget of $500.00 is spent or held" in page
    assert f'href="{reverse("money", args=[pool.project.public_id])}">Raise the budget' in page
    assert (
        "Raise the budget"
        not in people["vera"].get(reverse("pool", args=[pool.project.public_id, pool.pk])).content.decode()
    )


class Books:
    """An adapter that only knows its books."""

    def __init__(self, **pages: int) -> None:
        self.pages = pages

    def books(self, _account: Account, _remote_id: str) -> RemoteBooks:
        if not self.pages:
            raise PlatformError("The platform asks to wait.")
        return RemoteBooks(self.pages, 0, 0)


@pytest.fixture
def far(pool, monkeypatch) -> Batch:
    Account.objects.filter(pk=pool.account_id).update(platform="toloka", commission_percent=30)
    Batch.objects.filter(pool_id=pool.pk).update(remote_id="77", remote={"kept": "as it is"})
    pages(pool, accepted=3, submitted=1, rejected=1, active=1)
    real = registry.platform
    books = {"now": Books(accepted=3, submitted=1, rejected=1, active=9)}
    monkeypatch.setattr(comparing, "platform", lambda slug: books["now"] if slug == "toloka" else real(slug))
    batch = Batch.objects.get(pool_id=pool.pk)
    batch.books_there = books
    return batch


def test_pages_are_compared_with_the_platform_and_the_line_says_so(far, pool, people):
    found = comparing.compare_batch(batch_id=far.pk, now=timezone.now())
    assert found is not None
    assert found.agrees
    kept = Batch.objects.get(pk=far.pk).remote
    assert kept["kept"] == "as it is"
    page = people["vera"].get(reverse("pool", args=[pool.project.public_id, pool.pk])).content.decode()
    assert "there 5 / ours 5 ✓" in page
    far.books_there["now"] = Books(accepted=7)
    comparing.compare_batch(batch_id=far.pk, now=timezone.now())
    page = people["vera"].get(reverse("pool", args=[pool.project.public_id, pool.pk])).content.decode()
    assert "there 7 / ours 5 ✗" in page
    far.books_there["now"] = Books()
    comparing.compare_batch(batch_id=far.pk, now=timezone.now())
    page = people["vera"].get(reverse("pool", args=[pool.project.public_id, pool.pk])).content.decode()
    assert "The platform asks to wait." in page


def test_a_lead_asks_for_a_comparison_and_nobody_else_does(far, pool, people):
    address = reverse("pool-compare", args=[pool.project.public_id, pool.pk])
    assert people["rita"].post(address).status_code == 404
    assert people["charlie"].post(address).status_code == 404
    assert not Job.objects.filter(kind="compare_batch").exists()
    people["alice"].post(address)
    assert Job.objects.get(kind="compare_batch").payload == {"batch_id": far.pk}


def test_a_platform_is_asked_once_a_day_also_when_it_takes_too_long_to_answer(far, monkeypatch):
    def endless(_slug: str) -> Books:
        raise TimeoutError

    monkeypatch.setattr(comparing, "platform", endless)
    now = timezone.now()
    with pytest.raises(TimeoutError):
        comparing.compare_batch(batch_id=far.pk, now=now)
    market.wake_compares(now=now + timedelta(hours=23))
    assert not Job.objects.filter(kind="compare_batch").exists()
    market.wake_compares(now=now + timedelta(hours=25))
    assert Job.objects.filter(kind="compare_batch", key=str(far.pk)).exists()


def test_a_pool_of_our_own_is_compared_with_nobody(pool, people):
    assert comparing.compare_batch(batch_id=Batch.objects.get(pool_id=pool.pk).pk, now=timezone.now()) is None
    page = people["alice"].get(reverse("pool", args=[pool.project.public_id, pool.pk])).content.decode()
    assert "Compare now" not in page


def test_files_that_could_not_be_fetched_are_told_with_what_was_said(pool, people):
    page = people["alice"].get(reverse("pool", args=[pool.project.public_id, pool.pk]))
    assert "Files that could not be fetched" not in page.content.decode()
    states = [RemoteFile.State.WAITING, RemoteFile.State.FAILED, RemoteFile.State.FAILED]
    for state in states:
        answer = make_answer(pool, make_worker())
        said = "The server says <404>." if state == RemoteFile.State.FAILED else "The disk is away."
        RemoteFile.objects.create(
            answer=answer, assignment=answer.assignment, ref="x", state=state, failures=3, last_error=said
        )
    other = make_answer(pool, make_worker())
    RemoteFile.objects.create(answer=other, assignment=other.assignment, ref="x", state=RemoteFile.State.DONE)
    page = people["alice"].get(reverse("pool", args=[pool.project.public_id, pool.pk])).content.decode()
    assert "2 given up: The server says &lt;404&gt;." in page
    assert "1 tried again, the next" in page
    assert "The disk is away." in page
