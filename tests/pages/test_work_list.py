"""The list of pages of work: what every count of pages leads to."""

import re

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from crowd.models import Assignment
from curation.dashboard import work_list
from curation.dashboard.work_list import PAGE
from curation.models import AssetPreview
from tests.factories import make_answer, make_asset, make_pool, make_project, make_worker

State = Assignment.State


@pytest.fixture
def pool(project):
    return make_pool(project, "CALL")


def listed(client, project, **query: str) -> str:
    answer = client.get(reverse("work", args=[project.public_id]), query)
    assert answer.status_code == 200
    return str(answer.content.decode())


def rows_of(page: str) -> int:
    return page.count('<th scope="row">')


def test_the_counts_of_a_pools_page_lead_to_as_many_pages(project, pool, people):
    for state, n in ((State.SUBMITTED, 2), (State.ACCEPTED, 3), (State.REJECTED, 1)):
        for _ in range(n):
            make_answer(pool, make_worker(), state)
    make_answer(make_pool(project, "LIKE"), make_worker())
    page = people["vera"].get(reverse("pool", args=[project.public_id, pool.pk])).content.decode()
    place = re.escape(reverse("work", args=[project.public_id]))
    links = re.findall(rf'<dd><a class="link" href="({place}[^"]+)">(\d+)</a>', page)
    assert len(links) == 3
    for address, n in links:
        assert rows_of(people["vera"].get(address.replace("&amp;", "&")).content.decode()) == int(n)


def test_a_workers_counts_lead_to_his_pages_alone(project, pool, people):
    wanda = make_worker("Wanda")
    make_answer(pool, wanda)
    make_answer(pool, wanda, State.REJECTED)
    make_answer(pool, make_worker("Walt"))
    table = people["rita"].get(reverse("workers", args=[project.public_id])).content.decode()
    assert f"{reverse('work', args=[project.public_id])}?worker={wanda.short_id}&amp;state=rejected" in table
    own = listed(people["rita"], project, worker=wanda.short_id)
    assert rows_of(own) == 2
    assert rows_of(listed(people["rita"], project, worker=wanda.short_id, state="rejected")) == 1


def test_a_page_shows_the_picture_that_was_sent_and_the_ones_that_were_judged(project, pool, people):
    worker = make_worker()
    sent = make_asset(project, worker=worker, answer=make_answer(pool, worker))
    judged = make_asset(project)
    asked = make_answer(pool, make_worker())
    asked.task.item_id = judged.pk
    asked.task.save()
    page = listed(people["vera"], project)
    for asset in (sent, judged):
        assert page.count(reverse("asset", args=[project.public_id, asset.public_id])) == 1
    assert (page.count("no preview"), page.count("<img")) == (2, 0), "what was sent just now has no preview yet"
    AssetPreview.objects.create(asset=sent, thumb_key="a.webp", screen_key="a.jpg", grey_key="a.png")
    page = listed(people["vera"], project)
    assert page.count(reverse("media", args=[sent.public_id, "thumb"])) == page.count("no preview") == 1


def test_every_page_is_on_one_list_there_and_back(project, pool, people):
    for _ in range(PAGE + 2):
        make_answer(pool, make_worker())
    first = listed(people["vera"], project)
    older = re.search(r'href="([^"]+)" rel="next"', first)
    assert older
    assert 'rel="prev"' not in first
    second = listed(people["vera"], project, after=re.search(r"after=(\d+)", older[1])[1])
    assert (rows_of(first), rows_of(second)) == (PAGE, 2)
    newer = re.search(r'href="[^"]*before=(\d+)" rel="prev"', second)
    assert newer
    assert rows_of(listed(people["vera"], project, before=newer[1])) == PAGE


def test_a_worker_nobody_knows_is_said_beside_the_field(project, pool, people):
    make_answer(pool, make_worker())
    page = listed(people["vera"], project, worker="w_nobody")
    assert "Nobody here is called" in page
    assert rows_of(page) == 0
    assert "Clear filter" in page


def test_pages_of_another_project_are_nobodys_business(project, pool, charlie, people):
    theirs = make_project("Charlie's", lead=charlie)
    make_answer(pool, make_worker())
    assert rows_of(listed(people["charlie"], theirs)) == 0
    assert rows_of(listed(people["charlie"], theirs, pool=str(pool.pk))) == 0
    assert people["charlie"].get(reverse("work", args=[project.public_id])).status_code == 404


def test_pages_of_several_pools_are_listed_newest_first_there_and_back_batch_by_batch(project, people, monkeypatch):
    monkeypatch.setattr(work_list, "PAGE", 2)
    pools = [make_pool(project, name) for name in ("CALL", "LIKE")]
    made = [make_answer(pools[number % 2], make_worker()).assignment_id for number in range(5)][::-1]
    asked = {"project": project, "filters": work_list.Filters()}
    first = work_list.listed(**asked, after=None, before=None)
    with CaptureQueriesContext(connection) as asked_for:
        second = work_list.listed(**asked, after=first.older, before=None)
    back = work_list.listed(**asked, after=None, before=second.newer)
    assert [[row.page.pk for row in one.rows] for one in (first, second, back)] == [made[:2], made[2:4], made[:2]]
    assert '"batch_id" = ("crowd_batch"."id")' in asked_for[0]["sql"]
    with connection.cursor() as cursor:
        cursor.execute("SELECT indexdef FROM pg_indexes WHERE indexname = 'assignment_newest_of_batch'")
        assert cursor.fetchone()[0].endswith("(batch_id, id)")
