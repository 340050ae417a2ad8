"""Detours: names that change their mind, redirects, allowed places, proxies. Each hop goes through the same door."""

import pytest

from crowd.fetching import AddressRefused, AnswerRefused, Limits, NotReached, fetch_public
from tests.crowd.fetching.asking import PUBLIC, fetch, limits
from tests.crowd.fetching.servers import page, redirect


class Rebinding:
    """A name server that answers with a public address first and with the inside ever after."""

    def __init__(self) -> None:
        self.asked = 0

    def __call__(self, _: str) -> list[str]:
        self.asked += 1
        return [PUBLIC] if self.asked == 1 else ["127.0.0.1"]


def test_a_name_that_changes_its_mind_is_connected_where_it_was_checked(bait, witness):
    rebinding = Rebinding()
    with pytest.raises(NotReached):
        fetch_public(f"http://evil.example:{bait.port}/", limits=limits(bait.port), resolve=rebinding).__enter__()
    assert witness.attempts == [(PUBLIC, bait.port)]
    assert rebinding.asked == 1
    assert not bait.visited


def test_all_addresses_of_a_name_are_tried_in_order(witness):
    with pytest.raises(NotReached, match=r"^two\.example could not be reached\.$"):
        fetch_public("https://two.example/", resolve=lambda _: [PUBLIC, "2606:2800:220:1::1"]).__enter__()
    assert witness.attempts == [(PUBLIC, 443), ("2606:2800:220:1::1", 443)]


@pytest.mark.parametrize(
    "to",
    [
        "http://127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "http://localhost:{port}/",
        "http://wildcard.example:{port}/",
        "http://[::ffff:127.0.0.1]:{port}/",
        "http://0x7f.1:{port}/",
        "http://0:{port}/",
        "http://169.254.169.254/latest/meta-data/",
        "http://metadata.google.internal/computeMetadata/v1/",
        "https://192.168.0.1/",
        "http://public.example@127.0.0.1:{port}/",
        "http://public.example\\@127.0.0.1:{port}/",
        "http://127.0.0.1:{port}\\@{site}/",
        "\\\\127.0.0.1:{port}/",
        "http://127.0.0.1:22/",
        "/a b",
        "/a\\b",
        "file:///etc/passwd",
        "gopher://127.0.0.1:{port}/_x",
        "http://[::1/",
        "http://a:b:c/",
        "caf\xe9",
    ],
)
def test_a_redirect_goes_through_the_same_door(to, site, bait, witness):
    site.pages["/start"] = redirect(to.format(port=bait.port, site=site.host))
    with pytest.raises(AddressRefused):
        fetch(site.url("/start"), bait.port, site.allow)
    assert witness.attempts == [("127.0.0.1", site.port)]
    assert not bait.visited


def test_a_name_is_checked_anew_on_every_hop(site, bait, witness):
    rebinding = {"evil.example": iter([["127.0.0.1"], ["127.0.0.1"]])}
    site.pages["/start"] = redirect(f"http://evil.example:{bait.port}/")
    allow = frozenset({f"evil.example:{site.port}"})
    with pytest.raises(AddressRefused):
        fetch_public(
            f"http://evil.example:{site.port}/start",
            limits=limits(bait.port),
            allow=allow,
            resolve=lambda host: next(rebinding[host]),
        ).__enter__()
    assert witness.attempts == [("127.0.0.1", site.port)]
    assert not bait.visited


def test_redirects_are_followed_three_times_and_not_for_ever(site):
    site.pages["/round"] = redirect("/round")
    with pytest.raises(AnswerRefused, match="more than 3 times"):
        fetch(site.url("/round"), 80, site.allow)
    assert [path for path, *_ in site.asked] == ["/round"] * 4


def test_a_redirect_without_address_is_refused(site):
    site.pages["/lost"] = page(status=301)
    with pytest.raises(AnswerRefused, match="without saying where to"):
        fetch(site.url("/lost"), 80, site.allow)


@pytest.mark.parametrize(
    "allowed",
    ["127.0.0.1:1", "localhost:{port}", "127.0.0.1", ":{port}", "*:{port}", "127.0.0.1.example:{port}", ""],
)
def test_allowing_one_place_opens_no_other(allowed, bait, witness):
    with pytest.raises(AddressRefused):
        fetch(f"http://127.0.0.1:{bait.port}/", bait.port, frozenset({allowed.format(port=bait.port)}))
    assert witness.attempts == []
    assert not bait.visited


def test_an_allowed_place_may_be_private_on_any_port_and_without_tls(site):
    site.pages["/here"] = page(b"hello")
    with fetch_public(site.url("/here"), limits=Limits(), allow=site.allow) as fetched:
        assert fetched.read() == b"hello"


def test_no_proxy_of_the_environment_is_used(site, bait, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{bait.port}")
        monkeypatch.setenv(name.lower(), f"http://127.0.0.1:{bait.port}")
    site.pages["/here"] = page(b"hello")
    assert fetch(site.url("/here"), 80, site.allow) == b"hello"
    assert not bait.visited
