"""Run one tool over a folder and print what it cost and which pairs it found. Needs nothing of ours but `ours`."""

from __future__ import annotations

import importlib.metadata
import json
import resource
import sys
from collections.abc import Callable, Iterable
from itertools import combinations
from pathlib import Path
from unittest.mock import MagicMock

_TORCHVISION = ("", ".models", ".models.vision_transformer", ".transforms", ".transforms.functional")
Pairs = Iterable[tuple[str, str]]
Tool = Callable[[Path], Pairs]


def ours() -> Tool:
    """One pass of each file, and the look-up of its eight orientations among the others."""
    import cv2

    from curation.preprocessing.decode import analyse
    from curation.preprocessing.gate import read_bounded
    from curation.preprocessing.neighbours import HashIndex

    cv2.setNumThreads(1)

    def work(folder: Path) -> Pairs:
        index, names = HashIndex(), sorted(path.name for path in folder.iterdir())
        for number, name in enumerate(names):
            seen = analyse(read_bounded(folder / name))
            if seen.low_information:
                continue
            for near in index.near(seen.preview.turns, seen.preview.trimmed_turns, 64):
                yield names[near.id], name
            index.add(number, seen.hash256, seen.hash256_trimmed)

    return work


def imagededup(method: str) -> Tool:
    """Hash and search as its guide does, in one process. Its hashes use neither torch nor torchvision."""
    try:
        import torchvision  # noqa: F401
    except (ImportError, RuntimeError):
        sys.modules.update({f"torchvision{name}": MagicMock() for name in _TORCHVISION})
    from imagededup import methods

    def work(folder: Path) -> Pairs:
        hasher = getattr(methods, method)(verbose=False)
        encodings = hasher.encode_images(image_dir=str(folder), num_enc_workers=0)
        found = hasher.find_duplicates(encoding_map=encodings, max_distance_threshold=10, num_dist_workers=0)
        return ((one, other) for one, others in found.items() for other in others)

    return work


def cleanvision() -> Tool:
    from cleanvision import Imagelab

    def work(folder: Path) -> Pairs:
        lab = Imagelab(data_path=str(folder), verbose=False)
        lab.find_issues(n_jobs=1, verbose=False)
        sets = [*lab.info["near_duplicates"]["sets"], *lab.info["exact_duplicates"]["sets"]]
        return (pair for group in sets for pair in combinations([Path(one).name for one in group], 2))

    return work


def imagehash() -> Tool:
    import imagehash as library
    import numpy as np
    from PIL import Image

    def work(folder: Path) -> Pairs:
        names = sorted(path.name for path in folder.iterdir())
        hashes = np.array([int(str(library.phash(Image.open(folder / name))), 16) for name in names], np.uint64)
        for number, one in enumerate(hashes):
            for other in np.flatnonzero(np.bitwise_count(hashes[:number] ^ one) <= 10):
                yield names[other], names[number]

    return work


TOOLS: dict[str, tuple[str, Callable[[], Tool]]] = {
    "ours": ("pillow", ours),
    "imagededup PHash": ("imagededup", lambda: imagededup("PHash")),
    "imagededup DHash": ("imagededup", lambda: imagededup("DHash")),
    "cleanvision": ("cleanvision", cleanvision),
    "imagehash recipe": ("ImageHash", imagehash),
}


def processor_seconds() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def main(tool: str, warm_up: Path, folder: Path) -> None:
    package, make = TOOLS[tool]
    work = make()
    list(work(warm_up))
    started = processor_seconds()
    pairs = {tuple(sorted(pair)) for pair in work(folder)}
    seconds = processor_seconds() - started
    version = f"{package} {importlib.metadata.version(package)}"
    print(json.dumps({"version": version, "processor seconds": seconds, "pairs": sorted(pairs)}))


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3]))
