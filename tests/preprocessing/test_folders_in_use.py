"""A folder is not ours alone: parts of it are closed to us, and others work in it while we look."""

from __future__ import annotations

import io
import json
import os
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from curation.management.terminal import Progress
from curation.preprocessing import cache, catalogue
from tests.planted import jpeg, scene


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Return a folder of two photos, of one of which there is a copy."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for name, number, quality in (("a", 72_000, 90), ("b", 72_000, 80), ("c", 72_001, 90)):
        (folder / f"{name}.jpg").write_bytes(jpeg(scene(number)[::3, ::3], quality))
    return folder


def look(folder: Path, *options: object) -> dict[str, Any]:
    out = io.StringIO()
    kept = ["--cache", folder.parent / "kept"]
    call_command("find_duplicates", *(str(one) for one in (folder, *(options or kept), "--json")), stdout=out)
    return {**json.loads(out.getvalue()), "seconds": 0}


def relatives(found: dict[str, Any]) -> list[str]:
    return [name for one in found["clusters"] for name in (one["representative"], *(m["file"] for m in one["members"]))]


def test_what_cannot_be_reached_is_named_and_hides_nothing_else(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = os.scandir

    def scandir(place: Path) -> Iterator[os.DirEntry[str]]:
        if place.name == "closed":
            raise PermissionError(13, "Permission denied", str(place))
        return real(place)

    (photos / "closed").mkdir()
    (photos / "link.jpg").symlink_to("x" * 300)
    monkeypatch.setattr(os, "scandir", scandir)
    found = look(photos)
    assert found["unreadable"] == [
        {"file": "closed", "reason": "the folder cannot be listed; nothing in it was looked at"},
        {"file": "link.jpg", "reason": "the file cannot be read: File name too long"},
    ]
    assert relatives(found) == ["a.jpg", "b.jpg"]
    monkeypatch.undo()
    assert [one["file"] for one in look(photos)["unreadable"]] == ["link.jpg"]


def written_without_a_name() -> dict[str, Path]:
    """Return where the open files lie that have bytes but no name, by what the system calls them."""
    found = {}
    for handle in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):
            place = str(handle.readlink())
            if place.endswith(" (deleted)") and handle.stat().st_size:
                found[place] = Path(place).parent
    return found


def test_what_belongs_to_one_run_lies_beside_the_cache(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    before, meanwhile = written_without_a_name(), {}
    monkeypatch.setattr(catalogue, "_TABLES", f"PRAGMA cache_size = 1; {catalogue._TABLES}")  # is written at once
    monkeypatch.setattr(Progress, "show_part", lambda *_: meanwhile.update(written_without_a_name()))
    look(photos)
    places = [place for name, place in meanwhile.items() if name not in before]
    assert len(places) >= 2
    assert set(places) == {photos.parent / "kept"}


def once_compared(monkeypatch: pytest.MonkeyPatch, happens: Callable[[], object]) -> None:
    """Let something happen in the folder after all was looked at, before relatives are looked at again."""
    left = [happens]

    def show_part(_self: Progress, what: str, *_: int) -> None:
        if what == "comparing by hash" and left:
            left.pop()()

    monkeypatch.setattr(Progress, "show_part", show_part)


def test_a_file_that_changes_during_a_run_is_looked_at_by_the_next(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    once_compared(monkeypatch, lambda: (photos / "b.jpg").write_bytes((photos / "c.jpg").read_bytes()))
    assert relatives(look(photos)) == ["a.jpg", "b.jpg"]
    assert relatives(look(photos)) == ["b.jpg", "c.jpg"]


def test_a_file_that_goes_during_a_run_costs_nothing_else(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    once_compared(monkeypatch, (photos / "b.jpg").unlink)
    assert relatives(look(photos)) == ["a.jpg", "b.jpg"]
    assert relatives(look(photos)) == []


def test_a_cache_that_another_run_holds_too_long_is_one_sentence(photos: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (photos.parent / "kept").mkdir()
    other = sqlite3.connect(photos.parent / "kept" / cache.NAME)
    monkeypatch.setattr(cache, "_WAIT_SECONDS", 0.1)
    once_compared(monkeypatch, lambda: other.execute("BEGIN IMMEDIATE"))
    with closing(other), pytest.raises(CommandError, match=r"cannot be kept in .*kept: database is locked; try again"):
        look(photos)


@pytest.mark.parametrize("form", [[], ["--json"]])
def test_a_name_that_is_no_text_is_told_all_the_same(photos: Path, form: list[str]) -> None:
    (photos / "b.jpg").rename(photos / os.fsdecode(b"b\xff \xc3\xa4.jpg"))
    template = (photos / "c.jpg").rename(photos.parent / os.fsdecode(b"c\xff.jpg"))
    told = io.TextIOWrapper(io.BytesIO(), "utf-8")
    kept = ["--cache", str(photos.parent / "kept"), "--template", str(template)]
    call_command("find_duplicates", str(photos), *kept, *form, stdout=told)
    told.seek(0)
    if form:
        assert relatives(json.load(told)) == ["a.jpg", "b\udcff ä.jpg"]
    else:
        assert "b\\udcff ä.jpg" in told.read()
