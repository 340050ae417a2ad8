"""Judged sets: what is removed, found, left alone and represented, beside simpler ways. `make bench` runs it.

The photos are those that scikit-image brings, cut into windows and enlarged, and drawn ones; `--photos FOLDER` takes
your own (jpg or png). Every set has other photos, disguises and scenes; names say nothing.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import resource
import shutil
import sys
import tempfile
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import cv2  # noqa: E402
import imagehash  # noqa: E402
import numpy as np  # noqa: E402
import skimage  # noqa: E402
from PIL import Image, UnidentifiedImageError  # noqa: E402

from curation.preprocessing.folder import Search, find_duplicates  # noqa: E402
from curation.preprocessing.pool import Pool  # noqa: E402
from tests.disguises import Pixels, encoded  # noqa: E402
from tests.judged import Base, Entry, Sizes, judged_set  # noqa: E402
from tests.planted import scene  # noqa: E402
from tests.scores import GOALS, Counts, meets, scores  # noqa: E402

PHOTOGRAPHS = ("astronaut", "chelsea", "coffee", "motorcycle_left", "motorcycle_right", "rocket", "camera", "brick")
SIZES = Sizes(fully=2, partly=5, copies_of_a_part=3, scenes=8, blurred=3, strangers=6, templates=3)
SPEED_PHOTOS = 60
USUAL_RADIUS = 10
SIDES = ((1920, 1080), (2048, 1536), (1920, 1280), (1080, 1920))

Way = Callable[[Path, Sequence[Path]], dict[str, Any]]


def bases(folder: Path | None) -> tuple[list[Base], int]:
    """Return pictures by what makes them, so that only one is in memory at a time, and how many are photographs."""
    if folder is not None:
        files = sorted(path for path in folder.rglob("*") if path.suffix.lower() in (".jpg", ".jpeg", ".png"))
        return [partial(_enlarged, path, 0, 1, number) for number, path in enumerate(files)], len(files)
    bundled = Path(skimage.__file__).parent / "data"
    photos = [next(bundled.glob(f"{name}.*")) for name in PHOTOGRAPHS]
    windows = [
        partial(_enlarged, path, part, 2, number + part) for number, path in enumerate(photos) for part in range(2)
    ]
    return [*windows, *(partial(scene, 80_000 + number) for number in range(24))], len(windows)


def _enlarged(path: Path, part: int, parts: int, number: int) -> Pixels:
    """Cut one of so many windows out of a photo, in the shape of a phone's picture, and enlarge it."""
    pixels = np.asarray(Image.open(path).convert("RGB"))
    height, width = pixels.shape[:2]
    window = pixels[:, part * width // parts : (part + 1) * width // parts]
    wide, tall = SIDES[number % len(SIDES)]
    keep = min(window.shape[1] / wide, height / tall)
    inside = window[: int(tall * keep), : int(wide * keep)]
    return cv2.resize(inside, (wide, tall), interpolation=cv2.INTER_CUBIC)


def ours(photos: Path, templates: Sequence[Path], *, fast: bool) -> dict[str, Any]:
    files = [(path.name, path) for path in sorted(photos.iterdir())]
    with Pool() as pool:
        return asdict(
            find_duplicates(files, templates=[str(one) for one in templates], search=Search(fast=fast), pool=pool)
        )


def usual(photos: Path, templates: Sequence[Path]) -> dict[str, Any]:
    """Call pictures within 10 of 64 bits of `imagehash.phash` the same, as most scripts do."""
    known = {str(path): imagehash.phash(Image.open(path)) for path in templates}
    report: dict[str, Any] = {"clusters": [], "template_copies": [], "unreadable": [], "blurred": []}
    leaders: dict[str, tuple[imagehash.ImageHash, list[dict[str, Any]]]] = {}
    for path in sorted(photos.iterdir()):
        try:
            found = imagehash.phash(Image.open(path))
        except (UnidentifiedImageError, OSError, Image.DecompressionBombError):
            report["unreadable"].append({"file": path.name})
            continue
        template = next((name for name, one in known.items() if found - one <= USUAL_RADIUS), None)
        if template is not None:
            copy = {"file": path.name, "template": template, "transform": "none", "level": 5}
            report["template_copies"].append(copy)
            continue
        leader = next((name for name, (one, _) in leaders.items() if found - one <= USUAL_RADIUS), None)
        if leader is None:
            leaders[path.name] = (found, [])
        else:
            leaders[leader][1].append({"file": path.name, "verdict": "same_photo", "orientation": "none"})
    report["clusters"] = [
        {"representative": name, "members": members} for name, (_, members) in leaders.items() if members
    ]
    return report


WAYS: dict[str, Way] = {
    "ours": partial(ours, fast=False),
    "--fast": partial(ours, fast=True),
    "phash<=10": usual,
}


def judged(sets: int, sources: Sequence[Base], photographs: int) -> dict[str, Counts]:
    totals: dict[str, Counts] = {name: {} for name in WAYS}
    for seed in range(sets):
        with tempfile.TemporaryDirectory() as place:
            templates, truth = judged_set(Path(place), sources, SIZES, seed, photographs=photographs)
            for name, way in WAYS.items():
                _add(totals[name], way(Path(place) / "photos", templates), truth)
    return totals


def _add(total: Counts, report: dict[str, Any], truth: Sequence[Entry]) -> None:
    for measure, (so, of) in scores(report, truth).items():
        before = total.get(measure, (0, 0))
        total[measure] = before[0] + so, before[1] + of


def milliseconds(sources: Sequence[Base]) -> float:
    """Return processor time per photo of a folder in which one photo in twenty is a copy; nothing was kept before."""
    with tempfile.TemporaryDirectory() as place:
        for number in range(SPEED_PHOTOS):
            pixels = scene(90_000 + number) if number >= len(sources) else sources[number]()
            Path(place, f"{number}.jpg").write_bytes(encoded(pixels))
            if number % 20 == 0:
                Path(place, f"{number}-again.jpg").write_bytes(encoded(pixels, 60))
        files = sorted(Path(place).iterdir())
        with tempfile.TemporaryDirectory() as single:
            shutil.copy(files[0], single)
            start = _spent_on(Path(single))  # of the processes
        return 1000 * (_spent_on(Path(place)) - start) / (len(files) - 1)


def _spent_on(folder: Path) -> float:
    before = _spent()
    ours(folder, [], fast=False)
    return _spent() - before


def _spent() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def table(totals: dict[str, Counts]) -> Iterator[str]:
    yield f"{'measure':32}" + "".join(f"{name:>12}" for name in totals) + f"{'goal':>10}"
    for measure, (sign, goal) in GOALS.items():
        shares = [_share(counts.get(measure, (0, 0))) for counts in totals.values()]
        missed = "" if meets(measure, shares[0]) else "  missed"
        yield f"{measure:32}" + "".join(f"{share:12.3f}" for share in shares) + f"{sign:>6}{goal:5.2f}" + missed


def _share(counted: tuple[int, int]) -> float:
    return counted[0] / counted[1] if counted[1] else 0.0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sets", type=int, default=1)
    parser.add_argument("--photos", type=Path, help="a folder of photographs to make the sets from")
    options = parser.parse_args()
    cv2.setNumThreads(1)
    sources, photographs = bases(options.photos)
    totals = judged(options.sets, sources, photographs)
    spent = round(milliseconds(sources), 1)
    machine = f"{platform.machine()}, {os.cpu_count()} processors, Python {platform.python_version()}"
    sys.stdout.write("\n".join([*table(totals), f"processor time: {spent} ms a photo, 5 % copies ({machine})", ""]))
    target = ROOT / "var" / "bench" / "judged.json"
    target.parent.mkdir(parents=True, exist_ok=True)
    document = {
        "machine": machine,
        "sets": options.sets,
        "photos": len(sources),
        "milliseconds": spent,
        "counts": totals,
    }
    target.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
