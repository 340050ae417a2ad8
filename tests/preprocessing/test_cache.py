"""What is kept on disk between two runs over one folder."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from curation.preprocessing.cache import NAME, Cache, user_folder

DIGEST = b"d" * 32


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "photos" / "a.jpg"
    path.parent.mkdir()
    path.write_bytes(b"some bytes")
    return path


def kept(cache: Cache, path: Path, value: bytes = b"worked out") -> None:
    cache.keep(path, path.stat(), DIGEST, value)


def test_an_unchanged_file_is_known_by_its_digest_and_result(tmp_path: Path, picture: Path) -> None:
    with Cache(tmp_path / "cache", "1") as cache:
        assert cache.digest_of(picture) is None
        kept(cache, picture)
    with Cache(tmp_path / "cache", "1") as again:
        assert again.digest_of(picture) == DIGEST
        assert again.value_of(DIGEST) == b"worked out"


@pytest.mark.parametrize("change", ["other bytes", "another time"])
def test_a_changed_file_is_new(tmp_path: Path, picture: Path, change: str) -> None:
    with Cache(tmp_path / "cache", "1") as cache:
        kept(cache, picture)
        if change == "other bytes":
            picture.write_bytes(b"some other bytes")
        else:
            os.utime(picture, ns=(1, 1))
        assert cache.digest_of(picture) is None


def test_a_file_that_changes_while_it_is_read_is_looked_at_again(tmp_path: Path, picture: Path) -> None:
    with Cache(tmp_path / "cache", "1") as cache:
        before = picture.stat()
        picture.write_bytes(b"what came meanwhile")
        cache.keep(picture, before, DIGEST, b"of what was there")
        assert cache.digest_of(picture) is None


def test_a_result_of_another_version_is_not_found(tmp_path: Path, picture: Path) -> None:
    with Cache(tmp_path / "cache", "1") as cache:
        kept(cache, picture)
    with Cache(tmp_path / "cache", "2") as newer:
        assert newer.digest_of(picture) == DIGEST
        assert newer.value_of(DIGEST) is None


def test_a_name_that_is_not_text_can_be_kept(tmp_path: Path) -> None:
    odd = Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.jpg"))
    odd.write_bytes(b"1")
    with Cache(tmp_path / "cache", "1") as cache:
        kept(cache, odd)
        assert cache.digest_of(odd) == DIGEST


def test_a_broken_cache_is_one_sentence(tmp_path: Path) -> None:
    (tmp_path / NAME).write_bytes(b"this is no database, whatever its name says " * 50)
    with pytest.raises(OSError, match="cannot be used as a cache"):
        Cache(tmp_path, "1")


def test_the_users_folder_is_where_caches_belong(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/caches")
    assert user_folder() == Path("/var/caches/winnow")
    monkeypatch.delenv("XDG_CACHE_HOME")
    assert user_folder() == Path.home() / ".cache" / "winnow"


KEEPS_AND_WAITS = """
import sys, time
from pathlib import Path
from curation.preprocessing import cache
with cache.Cache(Path(sys.argv[1]), "1") as kept:
    kept.keep(Path(sys.argv[2]), Path(sys.argv[2]).stat(), b"d" * 32, b"worked out")
    print("kept", flush=True)
    time.sleep(60)
"""


def test_what_was_finished_before_a_kill_is_there_afterwards(tmp_path: Path, picture: Path) -> None:
    command = [sys.executable, "-c", KEEPS_AND_WAITS, str(tmp_path / "cache"), str(picture)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, cwd=Path(__file__).parents[2]) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == b"kept\n"
        run.send_signal(signal.SIGKILL)
    with Cache(tmp_path / "cache", "1") as again:
        assert again.value_of(DIGEST) == b"worked out"


def test_two_runs_may_share_one_cache(tmp_path: Path, picture: Path) -> None:
    with Cache(tmp_path / "cache", "1") as one, Cache(tmp_path / "cache", "1") as other:
        kept(one, picture, b"one")
        kept(other, picture, b"other")
        assert one.value_of(DIGEST) == b"other"
