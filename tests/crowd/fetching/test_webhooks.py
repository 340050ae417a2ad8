"""Webhooks go out through the same door, and nothing of their answer but the status comes in."""

import threading
from socket import socket

import pytest

from crowd.fetching import AddressRefused, Limits, TooSlow, post_public
from tests.crowd.fetching.servers import Bait, Site, page, redirect, speaking, witnessed


def post(site: Site, headers: dict[str, str] | None = None) -> int:
    return post_public(site.url("/hook"), body=b'{"event":"ready"}', headers=headers or {}, allow=site.allow)


def test_a_webhook_arrives_with_its_signature_and_its_body(site):
    site.pages["/hook"] = page(status=204)
    assert post(site, {"X-Winnow-Signature": "v1=abc", "Content-Type": "application/json"}) == 204
    _, headers, body = site.asked[0]
    assert body == b'{"event":"ready"}'
    assert headers["X-Winnow-Signature"] == "v1=abc"
    assert headers["Content-Length"] == "17"
    assert headers["Host"] == site.host


@pytest.mark.parametrize("status", [400, 410, 500])
def test_a_webhook_that_fails_gives_its_status(status, site):
    site.pages["/hook"] = page(b"secret of the inside", status)
    assert post(site) == status


def test_a_webhook_is_not_sent_on(site):
    bait = Bait()
    site.pages["/hook"] = redirect(f"http://127.0.0.1:{bait.port}/")
    assert post(site) == 302
    assert not bait.visited
    bait.socket.close()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::ffff:127.0.0.1]", "0x7f.1", "169.254.169.254"])
def test_a_webhook_goes_through_the_same_guard(host):
    open_ports = Limits(plain_http=True, ports=frozenset({80, 443}))
    with witnessed() as witness, pytest.raises(AddressRefused):
        post_public(f"http://{host}/", body=b"{}", headers={}, limits=open_ports)
    assert witness.attempts == []


def test_an_empty_webhook_is_sent_with_its_length(site):
    site.pages["/hook"] = page()
    assert post_public(site.url("/hook"), body=b"", headers={}, allow=site.allow) == 200
    assert site.asked[0][1]["Content-Length"] == "0"


def stubborn(visitor: socket, over: threading.Event) -> None:
    """Take a few bytes and no more."""
    visitor.recv(10)
    over.wait()


def test_a_webhook_that_is_not_read_runs_into_its_time():
    with speaking(stubborn) as port, pytest.raises(TooSlow):
        post_public(
            f"http://127.0.0.1:{port}/",
            body=bytes(20_000_000),
            headers={},
            limits=Limits(idle_seconds=0.05),
            allow=frozenset({f"127.0.0.1:{port}"}),
        )
