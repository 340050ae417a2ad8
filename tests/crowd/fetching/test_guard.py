"""What may not be fetched: no spelling or name leads to an address that is not public."""

import socket
import threading
from collections.abc import Callable
from dataclasses import replace
from ipaddress import IPv4Address, IPv6Address, ip_address

import pytest
from hypothesis import given
from hypothesis import strategies as st

from crowd.errors import CrowdError
from crowd.fetching import AddressRefused, Limits, NotReached, TooSlow, fetch_public
from crowd.fetching.addresses import CLOSED_IPV4, is_public
from tests.crowd.fetching.asking import PUBLIC, fetch, resolve

SPELLINGS = [
    # 127.0.0.1 and its many faces
    "127.0.0.1",
    "127.0.0.1.",
    "127.1",
    "127.0.1",
    "127.255.255.254",
    "2130706433",
    "0x7f000001",
    "0x7f.1",
    "0x7f.0x0.0x0.0x1",
    "017700000001",
    "0177.1",
    "0177.0.0.01",
    "127。0。0。1",
    "127．0．0．1",
    "127｡0｡0｡1",
    "①②⑦.⓪.⓪.①",
    "１２７.０.０.１",
    "٠.٠.٠.٠",
    "0",
    "0.0.0.0",  # noqa: S104  connected to, not listened at
    "0.1.2.3",
    # IPv6, and IPv4 inside it
    "[::1]",
    "[0:0:0:0:0:0:0:1]",
    "[::]",
    "[::127.0.0.1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::ffff:10.0.0.1]",
    "[::ffff:8.8.8.8]",
    "[::ffff:0:127.0.0.1]",
    "[64:ff9b::127.0.0.1]",
    "[64:ff9b::a9fe:a9fe]",
    "[64:ff9b:1::7f00:1]",
    "[2002:7f00:1::]",
    "[2002:a00:1::1]",
    "[2001:0:7f00:1::]",
    "[2001::1]",
    "[fc00::1]",
    "[fd00:ec2::254]",
    "[fe80::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[100::1]",
    "[5f00::1]",
    "[2001:db8::1]",
    "[3fff::1]",
    # scopes and brackets
    "[fe80::1%25lo]",
    "[::1%lo]",
    "[127.0.0.1]",
    "[localhost]",
    # private, shared, special and metadata
    "10.0.0.1",
    "172.16.0.1",
    "172.31.255.255",
    "192.168.1.1",
    "100.64.0.1",
    "100.100.100.200",
    "169.254.169.254",
    "0xa9fea9fe",
    "2852039166",
    "0251.0376.0251.0376",
    "168.63.129.16",
    "192.0.0.192",
    "192.0.2.1",
    "192.88.99.1",
    "198.18.0.1",
    "203.0.113.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    # names
    "localhost",
    "localhost.",
    "LOCALHOST",
    "ⓛⓞⓒⓐⓛⓗⓞⓢⓣ",
    "localhoſt",
    "ⅼocalhost",
    "lo\u00adcalhost",
    "%6cocalhost",
    "localhost%00.example",
    "wildcard.example",
    "wildcard.example.",
    "metadata.google.internal",
    "intranet.example",
    "half.example",
    "half6.example",
    "scoped.example",
    "odd.example",
    "例え.example",
    "xn--r8jz45g.example",
    "xn--a.example",
    "localhost..",
    ".localhost",
    "a" * 64 + ".example",
    "a." * 130 + "example",
    # who is the host? the parsers disagree
    "public.example@127.0.0.1",
    "user@public.example",
    "@public.example",
    "user:secret@public.example",
    "@127.0.0.1",
    ":@127.0.0.1",
    "127.0.0.1\\@public.example",
    "public.example\\@127.0.0.1",
    "127.0.0.1 @public.example",
    "127.0.0.1\t",
    "127.0.0.1\r\nX-Injected: yes\r\n",
    "127.0.0.1\x00.public.example",
    "127.0.0.1\u3000",
    "127.0.0.1\u200b",
    "\ud800.example",
]


@pytest.mark.parametrize("host", SPELLINGS, ids=ascii)
def test_no_spelling_of_a_closed_address_is_connected_to(host, bait, witness):
    with pytest.raises(AddressRefused):
        fetch(f"http://{host}:{bait.port}/", bait.port)
    assert witness.attempts == []
    assert not bait.visited


@pytest.mark.parametrize(
    "url",
    [
        "http://127.0.0.1:{port}:{port}/",
        "http://127.0.0.1:٨٠/",
        "http://127.0.0.1:+80/",
        "http://127.0.0.1:0/",
        "http://127.0.0.1:99999/",
        "http://127.0.0.1:/",
        "http:/127.0.0.1:{port}/",
        "http:127.0.0.1:{port}/",
        "http:///127.0.0.1:{port}/",
        "//127.0.0.1:{port}/",
        "127.0.0.1:{port}",
        "http://",
        "",
        "/etc/passwd",
        "file:///etc/passwd",
        "file://127.0.0.1:{port}/etc/passwd",
        "ftp://127.0.0.1:{port}/",
        "gopher://127.0.0.1:{port}/_GET",
        "dict://127.0.0.1:{port}/",
        "data:text/plain,hello",
        "jar:http://127.0.0.1:{port}/!/",
        "ws://127.0.0.1:{port}/",
        " http://127.0.0.1:{port}/",
        "http://public.example/a b",
        "http://public.example/a\\b",
        "http://public.example/a\tb",
        "http://public.example/\n",
        "http://public.example/\x7f",
        "http://public.example/\u202e",
        "http://127.0.0.1:{port}#@public.example/",
        "http://127.0.0.1:{port}?@public.example/",
        "http://public.example/\ud800",
        "http://public.example/" + "a" * 2048,
    ],
    ids=ascii,
)
def test_an_address_that_can_be_read_in_two_ways_is_not_fetched(url, bait, witness):
    with pytest.raises(AddressRefused):
        fetch(url.format(port=bait.port), bait.port)
    assert witness.attempts == []
    assert not bait.visited


def test_only_https_unless_plain_http_is_asked_for(bait, witness):
    with pytest.raises(AddressRefused, match=r"^http:// addresses cannot be used here; .* https://\.$"):
        fetch_public("http://pictures.example/", resolve=lambda _: [PUBLIC]).__enter__()
    assert witness.attempts == []


@pytest.mark.parametrize("port", [22, 25, 6379, 5432, 8080])
def test_only_listed_ports_are_used(port, witness):
    with pytest.raises(AddressRefused, match=rf"^Port {port} of pictures\.example .* port 80 / 443\.$"):
        fetch_public(f"https://pictures.example:{port}/", resolve=lambda _: [PUBLIC]).__enter__()
    assert witness.attempts == []


def test_what_is_refused_never_names_the_address_inside():
    with pytest.raises(AddressRefused) as refused:
        fetch("http://intranet.example/", 80)
    assert str(refused.value) == "intranet.example is not on the public internet."
    assert isinstance(refused.value, CrowdError)
    assert refused.value.permanent


def nobody(host: str) -> list[str]:
    raise socket.gaierror(socket.EAI_NONAME, host)


@pytest.mark.parametrize("resolver", [nobody, lambda _: []])
def test_a_name_without_address_is_not_reached(resolver: Callable[[str], list[str]]):
    with pytest.raises(NotReached, match=r"^There is no server called nobody\.example\.$") as failed:
        fetch_public("https://nobody.example/", resolve=resolver).__enter__()
    assert not failed.value.permanent


def test_a_name_server_that_never_answers_is_not_waited_for():
    over = threading.Event()
    patience = Limits(connect_seconds=0.05)
    with pytest.raises(TooSlow, match="could not be looked up in time"):
        fetch_public("https://slow.example/", limits=patience, resolve=lambda _: [str(over.wait(5))]).__enter__()
    over.set()


@pytest.mark.parametrize(
    "address",
    [
        "8.8.8.8",
        "1.1.1.1",
        "9.255.255.255",
        "11.0.0.0",
        "100.63.255.255",
        "100.128.0.0",
        "169.253.255.255",
        "172.15.255.255",
        "172.32.0.0",
        "192.0.1.0",
        "192.167.255.255",
        "192.169.0.0",
        "198.17.255.255",
        "198.20.0.0",
        "223.255.255.255",
        "168.63.129.15",
        "2606:4700:4700::1111",
        "2001:200::1",
        "2003::1",
        "2a00:1450:4001::1",
        "64:ff9b::8.8.8.8",
    ],
)
def test_the_neighbours_of_closed_networks_are_public(address):
    assert is_public(address)


CLOSED = st.sampled_from(CLOSED_IPV4).flatmap(lambda network: st.ip_addresses(v=4, network=network))
EMBEDDINGS: list[Callable[[int], int]] = [
    lambda inner: inner,  # compatible
    lambda inner: 0xFFFF << 32 | inner,  # mapped
    lambda inner: 0xFFFF << 48 | inner,  # translated
    lambda inner: 0x64FF9B << 96 | inner,  # NAT64
    lambda inner: 0x64FF9B0001 << 80 | inner,  # NAT64 of local use
    lambda inner: 0x2002 << 112 | inner << 80,  # 6to4
    lambda inner: 0x20010000 << 96 | (inner ^ 0xFFFFFFFF),  # Teredo
]


@given(CLOSED, st.sampled_from(EMBEDDINGS))
def test_a_closed_address_stays_closed_inside_ipv6(inner: IPv4Address, embed: Callable[[int], int]):
    assert not is_public(str(inner))
    assert not is_public(str(IPv6Address(embed(int(inner)))))


@given(st.ip_addresses())
def test_nothing_that_python_calls_special_is_public(address: IPv4Address | IPv6Address):
    special = not address.is_global or address.is_multicast or address.is_reserved or address.is_link_local
    inside_nat64 = str(address).startswith("64:ff9b::")
    assert not (special and is_public(str(address))) or inside_nat64


def test_the_usual_limits_are_narrow():
    usual = Limits()
    assert (usual.redirects, usual.connect_seconds, usual.total_seconds) == (3, 5, 10)
    assert usual.ports == {80, 443}
    assert not replace(usual).plain_http


def test_every_spelling_that_reaches_the_own_machine_is_really_one():
    """The table above would prove nothing if the resolver did not take these for 127.0.0.1."""
    odd = ["2130706433", "0x7f000001", "0x7f.1", "017700000001", "0177.0.0.01", "127.1"]
    assert {str(ip_address(resolve(host)[0])) for host in odd} == {"127.0.0.1"}
