"""An operator's worst day, with the real commands: back up, lose everything, bring it back, serve again."""

import hashlib
import json
import re
import shutil
import socket
import subprocess
import sys
import urllib.request
from http.cookiejar import CookieJar
from pathlib import Path

import pytest

from curation.services.backups import archive
from tests.embedded.observe import eventually
from tests.embedded.running import ROOT, environment, family, start

pytestmark = pytest.mark.faults
KEPT = ("crowd_ledgerentry", "crowd_assignment", "crowd_worker", "curation_asset", "curation_decision", "curation_box")


def run(data_dir: Path, *command: str) -> subprocess.CompletedProcess[str]:
    """Carry a command out on an installation of its own, whose servers need not wait for the disk."""
    told = {**environment(data_dir), "WINNOW_TEST_DATA_DIR": str(data_dir)}
    return subprocess.run([sys.executable, ROOT / "manage.py", *command], env=told, capture_output=True, text=True)


def done(data_dir: Path, *command: str) -> dict:
    finished = run(data_dir, *command, "--json")
    assert finished.returncode == 0, finished.stderr
    return json.loads(finished.stdout)


@pytest.fixture(scope="module")
def place(tmp_path_factory) -> Path:
    return tmp_path_factory.mktemp("operator")


@pytest.fixture(scope="module")
def files(place: Path) -> dict[str, str]:
    """Return the SHA-256 of every file of an installation that is lost by now, with a backup of it at hand."""
    home = place / "old"
    done(home, "rehearse", "gestures", "--seed", "7", "--size", "2")
    taken = done(home, "backup", str(place / "b.tar"))
    assert taken["missing"] == []
    assert (place / "b.tar").stat().st_mode & 0o777 == 0o600
    found = digests(home / "media")
    assert taken["files"] == len(found) > 5
    shutil.rmtree(home)
    return found


def digests(folder: Path) -> dict[str, str]:
    found = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in found}


@pytest.fixture(scope="module")
def restored(place: Path, files: dict[str, str]) -> dict:
    return done(place / "new", "restore", str(place / "b.tar"))


def test_a_dry_run_checks_all_of_it_and_writes_nothing(place, files):
    told = done(place / "dry", "restore", "--dry-run", str(place / "b.tar"))
    assert (told["dry_run"], told["files"]) == (True, len(files))
    assert told["ledger"]
    assert not (place / "dry" / "pg").exists()
    assert not (place / "dry" / "media").exists()


def test_a_damaged_backup_is_refused_before_anything_is_started(place, files):
    damaged = place / "damaged.tar"
    content = bytearray((place / "b.tar").read_bytes())
    content[content.index(b"PGDMP") + 5_000] ^= 0xFF
    damaged.write_bytes(content)
    refused = run(place / "dry", "restore", str(damaged))
    assert refused.returncode == 2
    assert refused.stderr.count("\n") == 1
    assert "database.dump is not what was packed" in refused.stderr
    assert not (place / "dry" / "pg").exists()


def test_the_files_are_those_of_the_backup(place, files, restored):
    assert digests(place / "new" / "media") == files
    assert (restored["dry_run"], restored["not_there"], restored["held_accounts"]) == (False, [], [])


def test_a_second_restore_into_it_is_refused(place, restored):
    refused = run(place / "new", "restore", str(place / "b.tar"))
    assert refused.returncode == 2
    assert "The database is not empty" in refused.stderr


def test_a_file_that_is_there_is_never_overwritten(place, restored):
    before = (place / "b.tar").read_bytes()
    refused = run(place / "new", "backup", str(place / "b.tar"))
    assert (refused.returncode, (place / "b.tar").read_bytes() == before) == (2, True)
    assert "exists already" in refused.stderr
    assert [path.name for path in place.iterdir() if path.name.endswith(".part")] == []


def test_pages_and_pictures_are_served_again_and_a_backup_taken_meanwhile_has_the_same_rows(place, restored):
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = start(place / "new", port)
    try:
        here = process.stdout.readline().removeprefix("Winnow is ready: ").strip()
        link = process.stdout.readline().removeprefix("Sign in once with: ").strip()
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        form = browser.open(link).read().decode()
        token = re.search(r'name="csrfmiddlewaretoken" value="([^"]+)"', form)[1]
        home = browser.open(link, f"csrfmiddlewaretoken={token}".encode()).read().decode()
        project = re.search(r'href="(/p/[0-9a-f-]{36}/)', home)[1]
        page = browser.open(f"{here}{project}assets/").read().decode()
        picture = browser.open(here + re.search(r'src="(/m/[^"]+)"', page)[1])
        assert (picture.status, picture.headers["Content-Type"].split("/")[0]) == (200, "image")
        assert eventually(lambda: b"winnow_tick_age_seconds" in browser.open(f"{here}/metrics").read(), seconds=90)
        assert done(place / "new", "backup", str(place / "c.tar"))["missing"] == []
    finally:
        process.terminate()
        process.communicate()
    assert family(place / "new") == []
    again = archive.look_through(place / "c.tar", dump=lambda _: None, show=lambda *_: None).header
    assert again.ledger == restored["ledger"] != {}
    assert {name: again.rows[name] for name in KEPT} == {name: restored["tables"][name] for name in KEPT}
