"""A folder may be of any size: what grows with it lies on disk, and what is held at once changes no finding."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from curation.preprocessing.folder import find_duplicates
from curation.preprocessing.pool import Pool
from curation.preprocessing.remembered import FOLDER
from tests.planted import Counts, cropped, jpeg, plant, scene

from .most_held import PARTS, name_of

FEW, MANY = 100, 600
MOST_BYTES_A_FILE = 250
"""Some 140 are spread over what grows in steps; a file kept with its name and path takes some 570."""


def test_what_is_held_at_once_changes_no_finding(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    template, truth = plant(tmp_path, Counts().share(50))
    photos, kept = tmp_path / "photos", tmp_path / "kept"
    for number in range(3):
        (photos / f"part {number}.jpg").write_bytes(jpeg(cropped(scene(71_000), 0.7 + number / 10)))
        (photos / f"twin {number}.jpg").write_bytes((photos / truth[0].name).read_bytes())
    files = [(path.name, path) for path in photos.iterdir()]

    def found(listed: list[tuple[str, Path]]) -> Any:
        return find_duplicates(iter(listed), templates=[str(template)], cache=kept, pool=pool)

    with Pool() as pool:
        usual = found(files)
        assert len(usual.clusters) >= 3
        assert all((usual.template_copies, usual.low_resolution, usual.blurred, usual.unreadable))
        for report in (kept / FOLDER).iterdir():
            report.unlink()
        for part, name in PARTS:
            monkeypatch.setattr(part, name, 3)
        assert found(files[::-1]) == usual


def test_a_file_more_takes_no_memory(tmp_path: Path) -> None:
    for number in range(MANY):
        spots = np.random.default_rng(number).integers(0, 256, (18, 24), np.uint8)
        cv2.imwrite(str(tmp_path / name_of(number)), cv2.resize(spots, (128, 96), interpolation=cv2.INTER_CUBIC))
    counts = [str(count) for count in (MANY, FEW, MANY)]  # the first also makes what is made once
    done = subprocess.run(
        [sys.executable, "-m", "tests.preprocessing.most_held", str(tmp_path), str(tmp_path / "kept"), *counts],
        cwd=Path(__file__).parents[2],
        stdout=subprocess.PIPE,
        check=True,
    )
    _, few, many = json.loads(done.stdout)
    assert (many - few) / (MANY - FEW) <= MOST_BYTES_A_FILE
