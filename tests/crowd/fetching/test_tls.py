"""A server is believed by the certificate of its name."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from crowd.fetching import NotReached, fetch_public
from crowd.fetching.door import public_authorities
from tests.crowd.fetching.servers import Site, certificate, page


class Vault:
    """A site with a certificate for pictures.example; `asked_for` keeps the names it was greeted with."""

    def __init__(self, folder: Path) -> None:
        file = certificate(folder, "pictures.example")
        self.asked_for: list[str | None] = []
        own = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        own.load_cert_chain(file)
        own.sni_callback = lambda _, name, __: self.asked_for.append(name)
        self.trust = ssl.create_default_context(cafile=str(file))
        self.site = Site(own)

    def fetch(self, host: str, trust: ssl.SSLContext | None = None) -> bytes:
        url, allow = (
            f"https://{host}:{self.site.port}/file",
            frozenset({f"{host.rstrip('.').lower()}:{self.site.port}"}),
        )
        with fetch_public(url, allow=allow, resolve=lambda _: ["127.0.0.1"], trust=trust) as fetched:
            return fetched.read()


@pytest.fixture
def vault(tmp_path) -> Iterator[Vault]:
    vault = Vault(tmp_path)
    vault.site.pages["/file"] = page(b"hello")
    with vault.site:
        yield vault


@pytest.mark.parametrize("host", ["pictures.example", "PICTURES.example."])
def test_a_server_is_greeted_and_verified_by_its_name_and_not_by_its_address(host, vault):
    assert vault.fetch(host, vault.trust) == b"hello"
    assert vault.asked_for == ["pictures.example"]
    assert vault.site.asked[0][1]["Host"] == f"pictures.example:{vault.site.port}"


def test_a_certificate_of_another_name_is_refused(vault):
    with pytest.raises(NotReached, match=r"does not prove that it is other\.example\.$"):
        vault.fetch("other.example", vault.trust)
    assert vault.site.asked == []


def test_a_certificate_that_nobody_vouches_for_is_refused(vault, tmp_path, monkeypatch):
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "pictures.example.pem"))
    public_authorities.cache_clear()
    with pytest.raises(NotReached, match=r"^The certificate of pictures\.example does not prove"):
        vault.fetch("pictures.example")
    assert vault.site.asked == []


def test_a_server_without_tls_is_no_https_server(site):
    url = f"https://127.0.0.1:{site.port}/"
    with pytest.raises(NotReached, match="No safe connection"):
        fetch_public(url, allow=site.allow).__enter__()
