"""No address that somebody enters leads inside: every field that takes one, a hundred spellings, names, redirects."""

import json
import socket
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from crowd.errors import CrowdError, Unavailable
from crowd.fetching import FetchError
from crowd.models import Account
from crowd.platforms.toloka import client
from crowd.platforms.toloka.files import stream
from crowd.services import accounts, files
from crowd.services.answers import check_payload
from curation.models import CrawlLink, Job, LinkToFetch, Project, Webhook, WebhookDelivery
from curation.services import delivering, links, webhooks
from curation.services.crawling import fetching, searx
from curation.services.crawling.answers import Answers
from tests.api.conftest import Caller
from tests.crowd.fetching.asking import NAMES, PUBLIC
from tests.crowd.fetching.conftest import bait, site, witness
from tests.crowd.fetching.servers import Bait, Site, Witness, page, redirect
from tests.crowd.fetching.test_guard import SPELLINGS

__all__ = ["bait", "site", "witness"]
pytestmark = pytest.mark.django_db
HOSTS = [host for host in SPELLINGS if "\ud800" not in host]
OTHERS = (
    "file:///etc/passwd",
    "gopher://127.0.0.1:6379/_INFO",
    "ftp://127.0.0.1/x",
    "jar:http://127.0.0.1!/x",
    "//[::1]/",
)
Door = Callable[[str], None]
real = socket.getaddrinfo


@pytest.fixture(autouse=True)
def _names(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's resolver knows a few names of ours, and every way of writing a number."""

    def look_up(host: str, port: Any, *rest: Any, **more: Any) -> Any:
        if host in NAMES:
            return [(socket.AF_INET6 if ":" in ip else socket.AF_INET, 1, 6, "", (ip, 0)) for ip in NAMES[host]]
        return real(host, port, *rest, **{**more, "flags": socket.AI_NUMERICHOST})

    monkeypatch.setattr(socket, "getaddrinfo", look_up)


def urls(port: int) -> Iterator[str]:
    for host in HOSTS:
        yield f"https://{host}/x.jpg"
        yield f"http://{host}:{port}/x.jpg"
    yield from OTHERS


def go_through(door: Door, bait: Bait, witness: Witness) -> None:
    """Enter every address; nobody may be called, neither inside nor anywhere."""
    entered = list(urls(bait.port))
    assert len(entered) > 120
    for url in entered:
        witness.attempts.clear()
        door(url)
        assert (url, witness.attempts, bait.visited) == (url, [], False)


def test_of_a_webhook(alice: Caller, project: Project, bait: Bait, witness: Witness):
    path, form = f"/api/v1/projects/{project.public_id}", {"topics": ["pool.finished"], "url": "https://team.example/x"}
    made = alice.send("POST", "/api/v1/webhooks", {"project": path.rpartition("/")[2], **form})
    hook = Webhook.objects.get()

    def door(url: str) -> None:
        answer = alice.send("PATCH", f"/api/v1/webhooks/{made.json()['id']}", {"url": url})
        assert answer.status_code in {200, 400, 409}
        if answer.status_code == 200:  # only a name: where it leads is seen at each call
            WebhookDelivery.objects.all().delete()
            webhooks.send_test(webhook=Webhook.objects.get(pk=hook.pk), now=timezone.now())
            delivering.run_deliver(Job(kind="deliver", key=str(hook.pk)), timezone.now())
            assert WebhookDelivery.objects.get().tries[0]["status"] is None

    go_through(door, bait, witness)


def test_of_a_platform_account(people, project: Project, bait: Bait, witness: Witness):
    browser = Client()
    browser.force_login(people["Alice"])

    def door(url: str) -> None:
        form = {"platform": "toloka", "label": "X", "base_url": url, "currency": "USD", "secret-token": "t" * 20}
        browser.post("/accounts/new/", form)
        with pytest.raises(FetchError):
            accounts.guard(url)

    go_through(door, bait, witness)


def test_of_pictures_sent_as_addresses(alice: Caller, project: Project, bait: Bait, witness: Witness):
    lines = [json.dumps({"client_key": f"k{n}", "url": url}) for n, url in enumerate(urls(bait.port))]
    path = f"/api/v1/assets:batch?project={project.public_id}"
    answer = alice.post(path, "\n".join(lines).encode(), content_type="application/jsonl")
    assert answer.status_code in {200, 202}, answer.content
    while links.run_fetch(Job(kind="fetch_links", key=str(project.pk)), timezone.now()) is not None:
        LinkToFetch.objects.filter(state="waiting").update(next_at=timezone.now())
    assert not LinkToFetch.objects.exclude(state="refused").exists()
    assert (witness.attempts, bait.visited) == ([], False)


def test_of_a_link_that_a_worker_sends(bait: Bait, witness: Witness):
    def door(url: str) -> None:
        try:
            check_payload(interface="link", spec={}, payload={"link": url})
        except CrowdError:
            return
        with pytest.raises(FetchError), files._opened(_row(url), frozenset()):
            pass

    go_through(door, bait, witness)


def _row(url: str) -> Any:
    return SimpleNamespace(ref=url, assignment=SimpleNamespace(batch=SimpleNamespace(spec={})))


def test_of_a_search_instance_and_what_it_finds(bait: Bait, witness: Witness):
    def door(url: str) -> None:
        with pytest.raises((CrowdError, searx.SearchFailed)):
            searx.ask(url, "cats", engine="any", page=1, allow=frozenset())
        assert isinstance(fetching._fetch(CrawlLink(url=url), frozenset(), Answers(0)).error, FetchError)

    go_through(door, bait, witness)


@pytest.mark.parametrize("door", ["webhook", "picture", "worker", "crawl"])
def test_a_name_that_changes_its_mind_is_called_where_it_was_checked(door, monkeypatch, witness, project, people):
    """A name server that says public first and inside ever after gets a call to the public address, or none."""
    asked: list[str] = []

    def rebinding(host: str, *_: Any, **__: Any) -> Any:
        asked.append(host)
        ip = PUBLIC if len(asked) == 1 else "127.0.0.1"
        return [(socket.AF_INET, 1, 6, "", (ip, 0))]

    monkeypatch.setattr(socket, "getaddrinfo", rebinding)
    url = "https://rebinding.example/x.jpg"
    if door == "webhook":
        hook, _ = webhooks.make(
            project=project, url=url, topics=["pool.finished"], by=people["Alice"], now=timezone.now()
        )
        webhooks.send_test(webhook=hook, now=timezone.now())
        delivering.run_deliver(Job(kind="deliver", key=str(hook.pk)), timezone.now())
    elif door == "picture":
        LinkToFetch.objects.create(project=project, client_key="k", url=url, name="x", next_at=timezone.now())
        links.run_fetch(Job(kind="fetch_links", key=str(project.pk)), timezone.now())
    elif door == "worker":
        with pytest.raises(FetchError), files._opened(_row(url), frozenset()):
            pass
    else:
        assert fetching._fetch(CrawlLink(url=url), frozenset(), Answers(0)).error
    assert (asked, witness.attempts) == (["rebinding.example"], [(PUBLIC, 443)])


def test_a_platform_that_sends_on_leads_nowhere_inside(site: Site, bait: Bait, witness: Witness, monkeypatch):
    """Downloads of a platform follow redirects, each to the public internet only; a refused one is tried again."""
    monkeypatch.setattr(client, "BACKOFF", 0)
    monkeypatch.setattr(client, "TIMEOUT", 5.0)  # a bait never answers
    account = Account(platform="toloka", label="X", base_url=site.url(""), secrets={"token": "t" * 20})
    place = "/api/v1/attachments/f1/download"
    for url in (url for url in urls(bait.port) if url.isascii() and url.isprintable()):
        site.pages[place] = redirect(url)
        with pytest.raises(Unavailable):
            list(stream(account, "f1"))
        assert not bait.visited, url
    site.pages["/file"], site.pages[place] = page(b"file"), redirect(site.url("/file"))
    assert b"".join(stream(account, "f1")) == b"file"
    assert {to for to in witness.attempts if to[0] != PUBLIC} == {("127.0.0.1", site.port)}
