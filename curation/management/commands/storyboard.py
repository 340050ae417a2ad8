"""Write every n-th frame of videos as JPEG, with index, time and sharpness; needs no project."""

from __future__ import annotations

import json
import sys
import time
from argparse import ArgumentTypeError
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser

from curation.management.terminal import Progress
from curation.preprocessing.limits import Unreadable
from curation.preprocessing.storyboard_files import Gates, board, is_free

EVERY = 10


def positive(text: str) -> int:
    if not text.isdecimal() or int(text) < 1:
        raise ArgumentTypeError(f"{text!r} is not a step: write a whole number from 1, such as 10")
    return int(text)


class Command(BaseCommand):
    help = "Write every n-th frame of videos as JPEG, named after the video and the frame's index."
    requires_system_checks = []

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("videos", type=Path, nargs="+", metavar="VIDEO")
        parser.add_argument("--every", type=positive, default=EVERY, metavar="N")
        parser.add_argument("--out", type=Path, required=True, metavar="DIR")
        parser.add_argument("--keyframes", action="store_true", help="take the key frames instead: ten times as fast")
        parser.add_argument("--skip-still", action="store_true", help="leave out frames where nothing moved")
        parser.add_argument("--skip-blurred", action="store_true", help="leave out frames far less sharp than the rest")
        parser.add_argument("--distinct", action="store_true", help="keep the sharpest of frames that look alike")
        parser.add_argument("--json", action="store_true", help="print one JSON document")

    def handle(self, *_: Any, **options: Any) -> None:
        started = time.perf_counter()
        if options["keyframes"] and options["every"] != EVERY:
            raise CommandError("--keyframes takes all key frames; leave --every out", returncode=2)
        folders = _folders(options["videos"], options["out"])
        gates = Gates(
            **{name: options[name] for name in ("every", "keyframes", "skip_still", "skip_blurred", "distinct")}
        )
        boards: list[dict[str, Any]] = []
        unreadable: list[dict[str, str]] = []
        for path, folder in folders.items():
            try:
                with Progress(path.name, visible=sys.stderr.isatty()) as bar:
                    boards.append(board(path, folder, gates, bar.show))
            except KeyboardInterrupt:
                self.stderr.write("What is written stays; the same command goes on from there.")
                raise
            except Unreadable as refusal:
                unreadable.append({"file": str(path), "reason": refusal.sentence})
        seconds = round(time.perf_counter() - started, 3)
        document = {"videos": boards, "unreadable": unreadable, "seconds": seconds}
        self.stdout.write(json.dumps(document, ensure_ascii=False) if options["json"] else "\n".join(_table(document)))
        if unreadable and not boards:
            raise CommandError("none of the videos could be read", returncode=1)


def _folders(videos: Iterable[Path], out: Path) -> dict[Path, Path]:
    """Give each video a folder of its own under `out`: clips of one name never overwrite each other, in no run."""
    folders: dict[Path, Path] = {}
    for path in {path.resolve(): path for path in videos}.values():
        if not path.is_file():
            raise CommandError(f"{path} is not a file; name one or more videos", returncode=2)
        folder, number = out / path.stem, 2
        while folder in folders.values() or not is_free(folder, path):
            folder, number = out / f"{path.stem}-{number}", number + 1
        folders[path] = folder
    return folders


def _table(document: dict[str, Any]) -> Iterator[str]:
    for one in document["videos"]:
        skipped = ", ".join(f"{count} {reason}" for reason, count in one["skipped"].items() if count)
        kept = f"{len(one['frames'])} of {one['source_frames']} frames"
        yield f"{one['file']}  {one['duration']:.1f} s  {kept}" + (f"  left out: {skipped}" if skipped else "")
        if one["fault"]:
            yield f"{one['file']}  {one['fault']}"
    for refused in document["unreadable"]:
        yield f"{refused['file']}  unreadable: {refused['reason']}"
