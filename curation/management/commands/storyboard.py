"""Write every n-th frame of videos as JPEG, with index, time and sharpness; needs no project."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.management.terminal import Progress
from curation.preprocessing import video
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.storyboard import BLURRED, DUPLICATE, KEPT, Shot, choose, shot_of


@dataclass(frozen=True, slots=True)
class Gates:
    """Which frames are left out; none by default."""

    skip_still: bool
    skip_blurred: bool
    distinct: bool


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a step: write a whole number from 1, such as 10")
    return int(text)


class Command(BaseCommand):
    help = "Write every n-th frame of videos as JPEG, named after the video and the frame's index."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
        parser.add_argument("--every", type=positive, default=10, metavar="N")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")
        parser.add_argument("--skip-still", action="store_true", help="leave out frames where nothing moved")
        parser.add_argument("--skip-blurred", action="store_true", help="leave out frames far less sharp than the rest")
        parser.add_argument("--distinct", action="store_true", help="keep the sharpest of frames that look alike")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        started = time.perf_counter()
        folders = _folders(options["videos"], options["out"])
        gates = Gates(options["skip_still"], options["skip_blurred"], options["distinct"])
        boards: list[dict[str, Any]] = []
        unreadable: list[dict[str, str]] = []
        for path, folder in folders.items():
            try:
                boards.append(_board(path, folder, options["every"], gates))
            except Unreadable as refusal:
                unreadable.append({"file": str(path), "reason": refusal.sentence})
        seconds = round(time.perf_counter() - started, 3)
        document = {"videos": boards, "unreadable": unreadable, "seconds": seconds}
        self.stdout.write(json.dumps(document, ensure_ascii=False) if options["json"] else "\n".join(_table(document)))
        if unreadable and not boards:
            raise CommandError("none of the videos could be read", returncode=1)


def _folders(videos: Iterable[Path], out: Path) -> dict[Path, Path]:
    """Give each video a folder of its own under `out`, so that clips of one name never overwrite each other."""
    folders: dict[Path, Path] = {}
    for path in dict.fromkeys(videos):
        if not path.is_file():
            raise CommandError(f"{path} is not a file; name one or more videos", returncode=2)
        folder, number = out / path.stem, 2
        while folder in folders.values():
            folder, number = out / f"{path.stem}-{number}", number + 1
        folders[path] = folder
    return folders


def _board(path: Path, folder: Path, every: int, gates: Gates) -> dict[str, Any]:
    plan = video.plan(path, every=every)
    files: dict[int, Path] = {}
    try:
        with Progress(path.name, visible=sys.stderr.isatty()) as bar:
            shots = list(_written(plan, folder, files, gates, bar))
    except Unreadable:
        _remove(files.values())
        raise
    verdicts = choose(shots, skip_blurred=gates.skip_blurred, distinct=gates.distinct)
    _remove(files[index] for index, verdict in verdicts.items() if verdict != KEPT)
    found = list(verdicts.values())
    skipped = {
        "still": len(plan.wanted) - len(shots),
        "blurred": found.count(BLURRED),
        "duplicate": found.count(DUPLICATE),
    }
    return {
        "file": str(path),
        "duration": round(plan.info.seconds, 3),
        "source_frames": plan.source_frames,
        "frames": [_line(shot, files[shot.index]) for shot in shots if verdicts[shot.index] == KEPT],
        "skipped": skipped,
    }


def _written(plan: video.Plan, folder: Path, files: dict[int, Path], gates: Gates, bar: Progress) -> Iterator[Shot]:
    """Write each frame as it comes, remember where in `files`, and give what the gates need to know of it."""
    for frame in video.frames_of(plan, skip_still=gates.skip_still):
        folder.mkdir(parents=True, exist_ok=True)
        files[frame.index] = folder / f"{frame.index:06d}.jpg"
        files[frame.index].write_bytes(frame.jpeg)
        bar.show(len(files), len(plan.wanted))
        yield shot_of(frame)


def _remove(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _line(shot: Shot, file: Path) -> dict[str, Any]:
    return {
        "file": file.relative_to(file.parent.parent).as_posix(),
        "index": shot.index,
        "time": round(shot.time_seconds, 4),
        "sharpness": round(shot.sharpness, 2),
    }


def _table(document: dict[str, Any]) -> Iterator[str]:
    for board in document["videos"]:
        skipped = ", ".join(f"{count} {reason}" for reason, count in board["skipped"].items() if count)
        kept = f"{len(board['frames'])} of {board['source_frames']} frames"
        yield f"{board['file']}  {board['duration']:.1f} s  {kept}" + (f"  left out: {skipped}" if skipped else "")
    for refused in document["unreadable"]:
        yield f"{refused['file']}  unreadable: {refused['reason']}"
