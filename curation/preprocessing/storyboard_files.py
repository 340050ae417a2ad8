"""One video's storyboard as files: a JPEG a frame, a log that lets an interrupted run go on, the finished board."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from .limits import Unreadable
from .storyboard import BLURRED, DUPLICATE, KEPT, Shot, choose, shot_of
from .video_child import Order, reading

LOG, BOARD = "frames.jsonl", "storyboard.json"


@dataclass(frozen=True, slots=True)
class Gates:
    """Which frames are taken and which left out."""

    every: int = 10
    keyframes: bool = False
    skip_still: bool = False
    skip_blurred: bool = False
    distinct: bool = False


def board(path: Path, folder: Path, gates: Gates, progress: Callable[[int, int], None]) -> dict[str, Any]:
    """Write the frames of a video into a folder of its own and describe them.

    Interrupted and repeated is the same as completed: frames that are there are not read again, and a finished board
    of the same file and gates is only read. A video that is damaged on the way keeps the frames before the damage and
    says so under `fault`. Raises Unreadable when there is no frame at all.
    """
    status = path.stat()
    file = {"path": str(path.resolve()), "bytes": status.st_size, "changed": status.st_mtime_ns}
    identity = {**file, **asdict(gates)}
    known = _finished(folder, identity)
    if known is not None:
        return {**known, "file": str(path)}
    log = _Log(folder, identity)
    shots, about = _read(path, folder, gates, log, progress)
    verdicts = choose(shots, skip_blurred=gates.skip_blurred, distinct=gates.distinct)
    found = list(verdicts.values())
    wanted = about.pop("wanted")
    still = wanted - len(shots) if gates.skip_still and not about["fault"] else 0
    document = {
        "file": str(path),
        **about,
        "frames": [_line(shot, folder) for shot in shots if verdicts[shot.index] == KEPT],
        "skipped": {"still": still, "blurred": found.count(BLURRED), "duplicate": found.count(DUPLICATE)},
    }
    _write(folder / BOARD, json.dumps({"identity": identity, "board": document}, ensure_ascii=False).encode())
    for index, verdict in verdicts.items():
        if verdict != KEPT:
            _picture(folder, index).unlink(missing_ok=True)
    log.file.unlink(missing_ok=True)
    return document


def is_free(folder: Path, path: Path) -> bool:
    """Tell whether no other video's storyboard, finished or interrupted, lies in this folder."""
    for name in (BOARD, LOG):
        try:
            lines = (folder / name).read_text(encoding="utf-8").splitlines()
        except FileNotFoundError:
            continue
        if _owner(lines[:1]) != str(path.resolve()):
            return False
    return True


def _owner(lines: Sequence[str]) -> str | None:
    """Return which video the first line of a log, or a board, belongs to."""
    try:
        told = json.loads(lines[0])
        path: str = told.get("identity", told)["path"]
    except (ValueError, IndexError, KeyError, TypeError, AttributeError):
        return None
    return path


def _read(
    path: Path, folder: Path, gates: Gates, log: _Log, progress: Callable[[int, int], None]
) -> tuple[list[Shot], dict[str, Any]]:
    shots = list(log.shots)
    # The last frame is read once more: the gate compares what follows with it.
    order = Order(gates.every, gates.keyframes, gates.skip_still, first=shots[-1].index if shots else 0)
    fault = ""
    with reading(path, order) as video:
        behind = video.wanted - video.missing
        try:
            for number, frame in enumerate(video.frames, start=1):
                if shots and frame.index == shots[-1].index:
                    continue
                log.begin()
                _write(_picture(folder, frame.index), frame.jpeg)
                shots.append(shot_of(frame, hashed=gates.distinct))
                log.add(shots[-1])
                progress(behind + number, video.wanted)
        except Unreadable as refusal:
            if not shots:
                raise
            fault = refusal.sentence
        info = video.info
    about = {"duration": round(info.seconds, 3), "width": info.width, "height": info.height, "codec": info.codec}
    return shots, {**about, "source_frames": video.source_frames, "wanted": video.wanted, "fault": fault}


class _Log:
    """What an interrupted run has written so far: a line about the video and its gates, then a line a frame."""

    def __init__(self, folder: Path, identity: dict[str, Any]) -> None:
        self.file = folder / LOG
        self._first = json.dumps(identity)
        self.shots: list[Shot] = []
        lines = self.file.read_text(encoding="utf-8").splitlines() if self.file.is_file() else []
        if lines[:1] == [self._first]:
            self.shots = list(_shots(lines[1:], folder))
        elif lines or (folder / BOARD).is_file():
            _clear(folder)
        self._begun = False

    def begin(self) -> None:
        """Make the folder and the log with the first frame: of what cannot be read nothing is left behind."""
        if self._begun:
            return
        self.file.parent.mkdir(parents=True, exist_ok=True)
        lines = [self._first, *[_text(shot) for shot in self.shots]]
        _write(self.file, "".join(f"{line}\n" for line in lines).encode())
        self._begun = True

    def add(self, shot: Shot) -> None:
        with self.file.open("a", encoding="utf-8") as file:
            file.write(f"{_text(shot)}\n")


def _shots(lines: Iterable[str], folder: Path) -> Iterator[Shot]:
    """Read back the frames up to the first that is torn or missing."""
    for line in lines:
        try:
            index, time, sharpness, hashed = json.loads(line)
        except ValueError:
            return
        if not _picture(folder, index).is_file():
            return
        yield Shot(index, time, sharpness, bytes.fromhex(hashed) if hashed else None)


def _text(shot: Shot) -> str:
    hashed = shot.hash256.hex() if shot.hash256 else ""
    return json.dumps([shot.index, shot.time_seconds, shot.sharpness, hashed])


def _finished(folder: Path, identity: dict[str, Any]) -> dict[str, Any] | None:
    try:
        kept = json.loads((folder / BOARD).read_text(encoding="utf-8"))
        document: dict[str, Any] = kept["board"]
        whole = kept["identity"] == identity and all(
            (folder.parent / one["file"]).is_file() for one in document["frames"]
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return document if whole else None


def _clear(folder: Path) -> None:
    """Take away what an earlier run with other gates, or of another file, has left."""
    (folder / BOARD).unlink(missing_ok=True)
    for picture in folder.glob("[0-9]*.jpg"):
        picture.unlink()


def _picture(folder: Path, index: int) -> Path:
    return folder / f"{index:06d}.jpg"


def _line(shot: Shot, folder: Path) -> dict[str, Any]:
    return {
        "file": f"{folder.name}/{_picture(folder, shot.index).name}",
        "index": shot.index,
        "time": round(shot.time_seconds, 4),
        "sharpness": round(shot.sharpness, 2),
    }


def _write(file: Path, data: bytes) -> None:
    """Write a file whole or not at all."""
    half = file.with_suffix(".part")
    half.write_bytes(data)
    half.replace(file)
