"""A platform that repeats what it was sent: a token is kept nowhere but where it is encrypted."""

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from crowd.models import Account, Batch, OutboxCommand
from crowd.services import account_health, dispatch, publishing, pulling
from curation.logs import JsonLine
from tests.crowd import market
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db
LETTER = "Dear Wanda, your photo of 3 May"
TOKEN = "pro-4711-very-secret-token"


class Echo(BaseHTTPRequestHandler):
    """Refuses everything and says with which token it was asked."""

    def _refuse(self) -> None:
        self.rfile.read(int(self.headers.get("Content-Length", 0)))
        words = {"error": {"detail": f"Not with {self.headers['Authorization']}"}}
        self.send_response(403)
        self.end_headers()
        self.wfile.write(json.dumps(words).encode())

    def do_GET(self) -> None:
        self._refuse()

    def do_POST(self) -> None:
        self._refuse()

    def log_message(self, *_: object) -> None:
        """Say nothing on the terminal."""


@pytest.fixture
def account(db) -> Iterator[Account]:
    server = ThreadingHTTPServer(("127.0.0.1", 0), Echo)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    account = market.account("prolific")
    account.base_url, account.secrets = f"http://127.0.0.1:{server.server_port}", {"token": TOKEN}
    account.settings = {"workspace": "w1"}
    account.save()
    yield account
    server.shutdown()
    server.server_close()


@pytest.fixture
def batch(account) -> Batch:
    return market.batch("choice", at=account, price_micro=90_000, page_size=2, remote_id="study-1")


def test_what_a_refused_command_remembers_has_no_token(account, batch):
    publishing.publish(batch=batch)
    dispatch.drain(now=OutboxCommand.objects.latest("id").next_at)
    command = OutboxCommand.objects.get(kind="publish_batch")
    account.refresh_from_db()
    assert command.last_error.startswith("The token of")
    assert "Not with Token …" in command.last_error
    assert "Not with Token …" in account.note
    assert TOKEN not in command.last_error + account.note


def test_the_note_of_a_failed_pull_has_no_token(batch):
    pulled = pulling.pull_batch(batch_id=batch.pk, now=NOON)
    batch.refresh_from_db()
    assert "Not with Token …" in pulled.note
    assert pulling.note_of(batch) == pulled.note


class Surprise:
    """An adapter that fails in a way nobody foresaw, and says all it knows."""

    def __getattr__(self, _name: str) -> Any:
        def fail(*_: Any, **__: Any) -> None:
            try:
                int(TOKEN)
            except ValueError as error:
                raise RuntimeError(f"{TOKEN} {LETTER}") from error

        return fail


@pytest.fixture
def surprised(monkeypatch) -> None:
    for where in ("crowd.services.effects_on_people", "crowd.services.account_health"):
        monkeypatch.setattr(f"{where}.platform", lambda _slug: Surprise())


def logged(caplog) -> str:
    """All that the log keeps, as its own formatter writes it."""
    return "\n".join(JsonLine().format(record) for record in caplog.records)


@pytest.mark.usefixtures("surprised")
def test_the_log_of_a_command_that_broke_says_where_and_repeats_nothing(account, caplog):
    told = {"worker_ext_ids": ["5f0c"], "topic": "Hello", "text": LETTER}
    OutboxCommand.objects.create(account=account, kind="message", key="m1", payload=told, next_at=NOON)
    dispatch.drain(now=NOON)
    words = logged(caplog)
    assert "command message" in words
    assert "RuntimeError at dispatch.py:" in words
    assert "ValueError at" in words
    assert TOKEN not in words
    assert LETTER not in words


@pytest.mark.usefixtures("surprised")
def test_the_log_of_a_check_that_broke_says_where_and_repeats_nothing(account, caplog):
    account.base_url = ""
    account_health.examine(account)
    words = logged(caplog)
    assert f"the check of account {account.slug} failed: RuntimeError at account_health.py:" in words
    assert TOKEN not in words
    assert LETTER not in words
