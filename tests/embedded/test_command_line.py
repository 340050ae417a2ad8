"""The command line brings the services along and ends with a sentence and a status that scripts can rely on."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from django.core.management.base import BaseCommand, CommandError
from django.db import OperationalError

from curation.embedded import command_line
from curation.embedded.command_line import needs_services, run

from .observe import processes_of

ROOT = Path(__file__).resolve().parents[2]
NOWHERE = "postgres://winnow@127.0.0.1:1/winnow"


def winnow(*words: str, data_dir: Path, **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, ROOT / "manage.py", *words],
        env={
            **{name: value for name, value in os.environ.items() if name != "WINNOW_TEST_DATA_DIR"},
            "DJANGO_SETTINGS_MODULE": "curation.settings.local",
            "DATA_DIR": str(data_dir),
            **environment,
        },
        capture_output=True,
        text=True,
    )


ASKED = """
from django.db import connection
with connection.cursor() as cursor:
    cursor.execute("SHOW max_connections")
    print(cursor.fetchone()[0])
"""


def test_postgresql_has_connections_for_all_processes_that_are_asked_for(tmp_path):
    done = winnow("shell", "-v", "0", "-c", ASKED, data_dir=tmp_path / "var", WEB_PROCESSES="16", WORKERS="9")
    assert int(done.stdout.split()[-1]) >= 16 * 8 + 9 + 20, done.stderr


def command_that(action, monkeypatch):
    class Command(BaseCommand):
        requires_system_checks = []

        def handle(self, **_: object):
            action()

    monkeypatch.setattr("django.core.management.get_commands", lambda: {"try": Command()})
    monkeypatch.setattr(command_line, "needs_services", lambda *_: False)


def raise_(error: BaseException):
    def action() -> None:
        raise error

    return action


@pytest.mark.parametrize(
    ("error", "status", "sentence"),
    [
        (CommandError("overlap is 0, but must be at least 1.", returncode=2), 2, "winnow: overlap is 0, but must"),
        (CommandError("3 files could not be read."), 1, "winnow: 3 files could not be read."),
        (OperationalError("connection refused\nmore"), 1, "winnow: the database cannot be used: connection refused."),
        (KeyboardInterrupt(), 130, "winnow: interrupted."),
    ],
)
def test_each_ending_has_its_status_and_one_sentence(error, status, sentence, monkeypatch, capsys):
    command_that(raise_(error), monkeypatch)
    assert run(["manage.py", "try"]) == status
    complaint = capsys.readouterr().err
    assert complaint.startswith(sentence)
    assert complaint.count("\n") == 1


def test_a_command_that_does_its_work_ends_with_nothing_to_say(monkeypatch, capsys):
    command_that(lambda: None, monkeypatch)
    assert run(["manage.py", "try"]) == 0
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize(
    "words",
    [("find_duplicates", "folder"), ("storyboard", "a.mp4"), ("rehearse", "--help"), ("makemigrations", "--check")],
)
def test_commands_without_a_database_start_no_server(words):
    assert not needs_services(words[0], ["manage.py", *words])


@pytest.mark.parametrize("name", ["rehearse", "ingest", "mine", "shell", "migrate", "createsuperuser"])
def test_every_other_command_gets_the_servers(name):
    assert needs_services(name, ["manage.py", name])


def test_an_unknown_command_is_wrong_usage(tmp_path):
    finished = winnow("rehears", data_dir=tmp_path / "var")
    assert finished.returncode == 2
    assert "there is no command 'rehears'" in finished.stderr


@pytest.mark.parametrize(
    ("name", "value"), [("PORT", "eighty"), ("WORKERS", "0"), ("HOST", "here"), ("DATABASE_URL", "mysql://x/y")]
)
def test_a_wrong_setting_is_one_sentence_that_names_it(tmp_path, name, value):
    finished = winnow("doctor", data_dir=tmp_path / "var", **{name: value})
    assert finished.returncode == 2
    assert finished.stderr.startswith(f"winnow: {name}")
    assert finished.stderr.count("\n") == 1


def test_the_doctor_starts_what_it_needs_says_so_and_leaves_nothing_running(tmp_path):
    finished = winnow("doctor", "--json", data_dir=tmp_path / "var")
    report = json.loads(finished.stdout)
    said = {(check["name"], check["level"]): check["text"] for check in report["checks"]}
    assert "started for this check" in said["services", "ok"]
    assert "PostgreSQL 18" in said["database", "ok"]
    assert processes_of(tmp_path / "var") == []


def test_the_doctor_speaks_while_database_and_redis_are_down_and_fails(tmp_path):
    finished = winnow("doctor", data_dir=tmp_path / "var", DATABASE_URL=NOWHERE, REDIS_URL="redis://127.0.0.1:1/0")
    assert finished.returncode == 1
    assert "fail database: does not answer" in finished.stdout
    assert "fail redis: does not answer" in finished.stdout
    assert "checks failed" in finished.stderr


def test_the_doctor_names_secrets_that_others_may_read(tmp_path):
    secret = tmp_path / "var" / "secrets" / "secret_key"
    secret.parent.mkdir(parents=True, mode=0o700)
    secret.write_text("x" * 60)
    secret.chmod(0o644)
    finished = winnow("doctor", data_dir=tmp_path / "var", SECRET_KEY="")
    assert finished.returncode == 1
    assert f"others may read {secret}" in finished.stdout
    assert "chmod" in finished.stdout
