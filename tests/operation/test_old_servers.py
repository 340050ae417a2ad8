"""A server of our own has the version we bring; a server of yours may be older than the programs that are here."""

from contextlib import closing
from pathlib import Path

import pytest

from curation.services.backups import database

SETTING = "SET transaction_timeout = 0;"
SCRIPT = f"SET lock_timeout = 0;\n{SETTING}\n" + "CREATE TABLE a (b text);\n" * 80 + f"{SETTING}\n"


def stand_in(path: Path, body: str) -> str:
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o700)
    return str(path)


@pytest.fixture
def carried_out(tmp_path, monkeypatch):
    """Return what psql was told by a restore into a server of that version."""
    (tmp_path / "script.sql").write_text(SCRIPT)
    programs = {
        "psql": stand_in(tmp_path / "psql", f"exec cat > {tmp_path}/told"),
        "pg_restore": stand_in(tmp_path / "pg_restore", f"cat > /dev/null; exec cat {tmp_path}/script.sql"),
    }
    monkeypatch.setattr(database, "program", programs.__getitem__)

    def told(server: int) -> str:
        monkeypatch.setattr(database, "server_major", lambda: server)
        with closing(database.Loading()) as loading:
            loading.feed(b"PGDMP")
            loading.commit(after=["SELECT 1"])
        return (tmp_path / "told").read_text()

    return told


def test_a_server_16_is_not_told_a_setting_of_17_and_rows_of_the_same_words_stay(carried_out):
    assert carried_out(18) == f"BEGIN;\n{SCRIPT}SELECT 1;\nCOMMIT;\n"
    assert carried_out(16) == f"BEGIN;\n{SCRIPT.replace(SETTING + chr(10), '', 1)}SELECT 1;\nCOMMIT;\n"


@pytest.mark.parametrize(("server", "chosen"), [(16, "16"), (17, "18")])
def test_of_the_programs_that_are_new_enough_the_oldest_is_used(server, chosen, tmp_path, monkeypatch, settings):
    settings.EMBEDDED_DATABASE = False
    here = {version: stand_in(tmp_path / version, f"echo psql {version}.2") for version in ("16", "18")}
    monkeypatch.setattr(database, "server_major", lambda: server)
    monkeypatch.setattr(database, "_of_the_wheel", lambda _: here["18"])
    monkeypatch.setattr(database.shutil, "which", lambda _: here["16"])
    assert database.program("psql") == here[chosen]
