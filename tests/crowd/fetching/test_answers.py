"""What is taken from a server that may be asked: so much, so fast, whole, and nothing else."""

import gzip
import threading
import tracemalloc
import zlib
from collections.abc import Callable
from socket import create_server, socket

import pytest

from crowd.fetching import AddressRefused, AnswerRefused, FetchError, Limits, NotReached, TooSlow, fetch_public
from tests.crowd.fetching.servers import Site, page, redirect, speaking

MEGABYTE = 1_000_000
SMALL = Limits(most_bytes=MEGABYTE)
HEAD = b"HTTP/1.1 200 OK\r\n"


def fetch(site: Site, path: str = "/file", limits: Limits = SMALL) -> bytes:
    with fetch_public(site.url(path), limits=limits, allow=site.allow) as fetched:
        return fetched.read()


def test_a_file_arrives_whole_in_small_pieces(site):
    photo = bytes(range(256)) * 2000
    site.pages["/a/photo.jpg?size=1"] = page(photo, Content_Type="Image/JPEG; q=1")
    with fetch_public(site.url("/a/b/../photo.jpg?size=1#top"), limits=SMALL, allow=site.allow) as fetched:
        pieces = list(fetched)
    assert b"".join(pieces) == photo
    assert max(map(len, pieces)) <= 64 * 1024
    assert fetched.content_type == "image/jpeg"
    assert fetched.url == site.url("/a/photo.jpg?size=1")


def test_nothing_but_the_question_is_sent(site):
    site.pages["/file"] = page(b"hello")
    fetch(site)
    path, headers, body = site.asked[0]
    assert path == "/file"
    assert body == b""
    assert dict(headers) == {
        "Host": site.host,
        "User-Agent": "Winnow",
        "Accept": "*/*",
        "Accept-Encoding": "identity",
    }


def test_a_redirect_is_followed_to_the_file(site):
    site.pages |= {"/old": redirect("mid?x=1"), "/mid?x=1": redirect(site.url("/file")), "/file": page(b"hello")}
    with fetch_public(site.url("/old"), limits=SMALL, allow=site.allow) as fetched:
        assert fetched.read() == b"hello"
    assert fetched.url == site.url("/file")


@pytest.mark.parametrize(("status", "permanent"), [(404, True), (403, True), (206, True), (429, False), (503, False)])
def test_an_error_page_is_not_taken_for_the_file(status, permanent, site):
    site.pages["/file"] = page(b"<html>no</html>", status)
    with pytest.raises(AnswerRefused, match=rf"^127\.0\.0\.1 answered {status} instead of a file\.$") as refused:
        fetch(site)
    assert refused.value.permanent == permanent


def test_a_file_that_says_it_is_too_large_is_not_begun(site):
    site.pages["/file"] = page(b"", Content_Length=str(MEGABYTE + 1))
    with pytest.raises(AnswerRefused, match=r"larger than 1,000,000 bytes\.$"), opened(site, SMALL):
        pytest.fail("the body was offered")


def opened(site: Site, limits: Limits):
    return fetch_public(site.url("/file"), limits=limits, allow=site.allow)


def test_a_file_of_just_the_limit_is_taken(site):
    site.pages["/file"] = page(b"x" * MEGABYTE)
    assert len(fetch(site)) == MEGABYTE


def endless(visitor: socket, over: threading.Event) -> None:
    visitor.sendall(HEAD + b"Transfer-Encoding: chunked\r\n\r\n")
    while not over.is_set():
        visitor.sendall(b"10000\r\n" + b"x" * 0x10000 + b"\r\n")


def test_a_file_without_end_is_cut_off_at_the_limit():
    with speaking(endless) as port, pytest.raises(AnswerRefused, match="larger than"):
        talk_to(port)


def talk_to(port: int, limits: Limits = SMALL) -> bytes:
    with fetch_public(f"http://127.0.0.1:{port}/", limits=limits, allow=frozenset({f"127.0.0.1:{port}"})) as fetched:
        return fetched.read()


@pytest.mark.parametrize(
    ("coding", "pack"), [("gzip", gzip.compress), ("X-GZip", gzip.compress), ("deflate", zlib.compress)]
)
@pytest.mark.parametrize("size", [0, 1, 65_535, 65_536, 65_537, MEGABYTE])
def test_a_packed_file_is_unpacked(coding, pack, size, site):
    photo = bytes(i * i % 251 for i in range(size))
    site.pages["/file"] = page(pack(photo), Content_Encoding=coding)
    assert fetch(site) == photo


def test_a_bomb_is_cut_off_at_the_limit_and_never_stands_in_memory(site):
    site.pages["/file"] = page(gzip.compress(bytes(100 * MEGABYTE), 1), Content_Encoding="gzip")
    tracemalloc.start()
    with pytest.raises(AnswerRefused, match="larger than"), opened(site, SMALL) as fetched:
        for _ in fetched:
            pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 2 * MEGABYTE


@pytest.mark.parametrize(
    "packed",
    [gzip.compress(b"hello")[:-1], gzip.compress(b"hello") + b"more", b"not packed", b"\x1f\x8b"],
    ids=["cut", "longer", "plain", "begun"],
)
def test_a_damaged_packed_file_is_refused(packed, site):
    site.pages["/file"] = page(packed, Content_Encoding="gzip")
    with pytest.raises(AnswerRefused, match=r"is damaged\.$"):
        fetch(site)


@pytest.mark.parametrize("coding", ["br", "zstd", "gzip, gzip", "compress"])
def test_a_packing_that_was_not_asked_for_is_refused(coding, site):
    site.pages["/file"] = page(b"hello", Content_Encoding=coding)
    with pytest.raises(AnswerRefused, match="which it was not asked for"):
        fetch(site)


def test_only_listed_content_types_are_taken_where_a_list_is_given(site):
    lists = Limits(content_types=frozenset({"text/plain", "text/csv"}))
    site.pages |= {
        "/list": page(b"a", Content_Type="text/plain; charset=utf-8"),
        "/html": page(Content_Type="text/html"),
    }
    assert fetch(site, "/list", lists) == b"a"
    with pytest.raises(AnswerRefused, match=r"sent “text/html” where text/csv, text/plain is expected\.$"):
        fetch(site, "/html", lists)


def says(*pieces: bytes) -> Callable[[socket, threading.Event], None]:
    def talk(visitor: socket, over: threading.Event) -> None:
        visitor.recv(65536)
        for piece in pieces:
            visitor.sendall(piece)

    return talk


@pytest.mark.parametrize(
    "pieces",
    [
        [],
        [b"SSH-2.0-OpenSSH_9.2\r\n"],
        [HEAD[:10]],
        [HEAD + b"Content-Length: 10\r\n\r\n", b"hello"],
        [HEAD + b"Transfer-Encoding: chunked\r\n\r\n", b"5\r\nhel"],
        [HEAD + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"hello"],
        [HEAD + b"X: " + b"y" * 200_000],
    ],
    ids=["nothing", "ssh", "half a head", "half a body", "half a chunk", "two lengths", "endless head"],
)
def test_a_server_that_breaks_off_or_babbles_is_not_reached(pieces):
    with speaking(says(*pieces)) as port, pytest.raises(NotReached, match=r"broke off") as failed:
        talk_to(port)
    assert not failed.value.permanent


def drip(head: bytes) -> Callable[[socket, threading.Event], None]:
    """Send a head, then a byte now and then: never idle, never done."""

    def talk(visitor: socket, over: threading.Event) -> None:
        visitor.sendall(head)
        for _ in range(100):
            if not over.wait(0.02):
                visitor.sendall(b"x")

    return talk


@pytest.mark.parametrize("head", [b"HTTP/1.1 200 OK\r\nX-Slow: ", HEAD + b"Content-Length: 9999\r\n\r\n"])
def test_a_server_that_drips_runs_into_the_total_time(head):
    with speaking(drip(head)) as port, pytest.raises(TooSlow, match=r"^127\.0\.0\.1 took longer than 0\.2 s\.$"):
        talk_to(port, Limits(total_seconds=0.2))


def test_a_silent_server_runs_into_the_idle_time():
    with speaking(lambda _, over: over.wait()) as port, pytest.raises(TooSlow, match=r"silent for too long\.$"):
        talk_to(port, Limits(idle_seconds=0.05))


def test_patience_with_a_silent_server_ends_with_the_total_time():
    with speaking(lambda _, over: over.wait()) as port, pytest.raises(TooSlow, match=r"longer than 0\.1 s\.$"):
        talk_to(port, Limits(total_seconds=0.1))


def test_a_closed_port_is_not_reached():
    with create_server(("127.0.0.1", 0)) as gone:
        port = gone.getsockname()[1]
    with pytest.raises(NotReached, match=r"^127\.0\.0\.1 could not be reached\.$"):
        talk_to(port)


def test_what_goes_wrong_on_our_side_is_not_blamed_on_the_server(site):
    site.pages["/file"] = page(b"hello")
    with pytest.raises(OSError, match="disk is full"), opened(site, SMALL):
        raise OSError("the disk is full")


def test_all_that_can_go_wrong_is_one_family():
    assert {kind.__base__ for kind in (AddressRefused, AnswerRefused, NotReached, TooSlow)} == {FetchError}
