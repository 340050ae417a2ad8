"""A lead writes to a worker: once, where the platform carries it, on record."""

import re

import pytest
from django.test import Client
from django.urls import reverse

from crowd.clock import database_now
from crowd.models import Account, OutboxCommand, Worker
from crowd.services import claims, dispatch, hosting
from curation.models import Event, Project
from tests import scenes
from tests.portal import hosting as far
from tests.portal.conftest import phone_of

pytestmark = pytest.mark.django_db
WORDS = {"topic": "Hands", "text": "Please box the fingers too.\nThank you!"}


@pytest.fixture
def world() -> Project:
    return scenes.project(Rita="reviewer")


def at(world: Project, worker: Worker, name: str = "worker-message") -> str:
    return reverse(name, args=[world.public_id, worker.pk])


def page(client: Client, world: Project, worker: Worker) -> str:
    return client.get(at(world, worker, "worker")).content.decode()


def signed_in(name: str = "Alice") -> Client:
    client = Client()
    client.force_login(scenes.person(name))
    return client


def form_key(html: str) -> str:
    found = re.search(r'name="key" value="([0-9a-f]{32})"', html)
    assert found
    return found[1]


@pytest.fixture
def wanda(world) -> Worker:
    """One of our own people, who has worked here."""
    worker = scenes.worker("Wanda")
    batch = scenes.batch(world, "choice")
    scenes.task(batch, "task-1")
    claims.claim_page(batch_id=batch.pk, worker_id=worker.pk, now=database_now())
    return worker


def test_our_own_people_read_it_on_their_page_once_however_often_it_is_sent(world, wanda):
    lead = signed_in()
    key = form_key(page(lead, world, wanda))
    for _ in range(2):
        lead.post(at(world, wanda), {**WORDS, "key": key})
    dispatch.drain(now=database_now())
    assert OutboxCommand.objects.get(kind="message").state == "done"
    phone = phone_of(wanda).get("/w/").content.decode()
    assert phone.count("Please box the fingers too.<br>Thank you!") == 1
    assert Event.objects.get(kind="worker.message").text.endswith("Hands")
    assert "sent" in page(lead, world, wanda)


def test_nobody_else_reads_it(world, wanda):
    lead = signed_in()
    lead.post(at(world, wanda), {**WORDS, "key": form_key(page(lead, world, wanda))})
    assert "box the fingers" not in phone_of(scenes.worker("Willa")).get("/w/").content.decode()
    assert "box the fingers" not in page(signed_in("Rita"), world, wanda)


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ({"topic": "", "text": "x"}, "needs a subject and a text"),
        ({"topic": "x", "text": " "}, "needs a subject and a text"),
        ({"topic": "x" * 201, "text": "x"}, "at most 200 letters"),
        ({"topic": "x", "text": "x" * 4_001}, "at most 4,000"),
    ],
)
def test_what_cannot_be_sent_is_said_and_nothing_is_sent(world, wanda, words, says):
    answer = signed_in().post(at(world, wanda), {**words, "key": "k"})
    assert answer.status_code == 400
    assert says in answer.content.decode()
    assert not OutboxCommand.objects.filter(kind="message").exists()
    assert not Event.objects.filter(kind="worker.message").exists()


def test_only_leads_write(world, wanda):
    assert signed_in("Rita").post(at(world, wanda), {**WORDS, "key": "k"}).status_code in {403, 404}
    assert not OutboxCommand.objects.filter(kind="message").exists()


def guest(world: Project, account: Account, ext_id: str) -> Worker:
    """Somebody of a platform who has a page of this project."""
    batch = far.batch(world, "choice", account, n=1)
    worker = hosting.arrive(account=account, worker_ext_id=ext_id)
    claims.claim_page(batch_id=batch.pk, worker_id=worker.pk, now=database_now(), ext_id=f"page-{ext_id}")
    return worker


def test_a_platform_that_carries_no_messages_says_so(world):
    worker = guest(world, far.account("prolific"), "pid1")
    lead = signed_in()
    html = page(lead, world, worker)
    assert "Prolific takes no messages from here" in html
    assert 'id="message-text"' not in html
    assert lead.post(at(world, worker), {**WORDS, "key": "k"}).status_code == 400
