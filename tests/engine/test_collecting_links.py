"""Collecting by links: what a link leads to goes the way of any photo."""

import pytest

from crowd.models import Assignment, Batch, RemoteFile, Task
from crowd.services import claims, files, handing_in
from curation.engine import flow
from curation.models import Asset, Project
from curation.services import pools
from tests.crowd import market
from tests.crowd.fetching.servers import Site
from tests.crowd.fetching.servers import page as a_page
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = pytest.mark.django_db
LINK = "https://files.example/peace.jpg"


@pytest.fixture
def project() -> Project:
    return world.campaign(collect={"sends": "link", "price_usd": "0.10"})


def send(project: Project, data: bytes) -> Assignment:
    """A worker sends a link behind which this lies."""
    page = market.claim(world.batch(project, "collect"), world.worker(project))
    answers = {task.answer_id: {"link": LINK} for task in claims.page_tasks(page)}
    handing_in.submit_page(
        assignment_id=page.pk, worker_id=page.worker_id, answers=answers, duration_ms=60_000, now=NOON
    )
    with Site() as site:
        site.pages["/peace.jpg"] = a_page(data)
        RemoteFile.objects.filter(assignment=page).update(ref=site.url("/peace.jpg"), next_at=NOON)
        files.fetch_due(now=NOON, allow=site.allow)
    flow.take_in(project_id=project.pk, now=NOON)
    page.refresh_from_db()
    return page


def test_a_pool_of_links_has_a_place_for_every_photo_wanted_and_more_when_more_are_wanted(project):
    batch = world.batch(project, "collect")
    assert (batch.interface, batch.price_micro, Task.objects.filter(batch=batch).count()) == ("link", 100_000, 2)
    pools.change_pool(pool_id=world.collecting(project).pk, by=None, now=NOON, wanted=5)
    assert Task.objects.filter(batch=batch).count() == 5


def test_what_a_link_leads_to_becomes_an_asset_that_tells_the_link(project):
    page = send(project, world.photo("one"))
    asset = Asset.objects.get(answer__assignment=page)
    assert asset.source == f"sent by {page.worker.short_id}, from {LINK}"
    world.work(project, "checks")
    assert world.stands(asset)[0] == "validate"
    assert page.state == Assignment.State.SUBMITTED


def test_a_good_one_is_paid_and_a_file_that_is_no_picture_is_not(project):
    page = send(project, world.photo("one"))
    world.work(project, "checks")
    world.validate(project, "correct", "correct", "correct")
    page.refresh_from_db()
    assert page.state == Assignment.State.ACCEPTED
    other = send(project, b"%PDF-1.7 not a picture")
    world.work(project, "checks")
    other.refresh_from_db()
    assert other.state == Assignment.State.REJECTED
    assert other.reason
    assert Batch.objects.get(pk=page.batch_id).price_micro == 100_000
