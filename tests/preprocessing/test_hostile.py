"""A folder of hostile files is worked through: each with its reason, within bounds, and nothing is left running."""

from __future__ import annotations

import io
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from curation.preprocessing.copies import measured
from curation.preprocessing.decode import analyse
from curation.preprocessing.gate import open_gated
from curation.preprocessing.limits import Unreadable
from tests.planted import jpeg
from tests.preprocessing.hostile import KINDS, write_hostile

ROOT = Path(__file__).parents[2]
MOST_MEGABYTES = 512


@pytest.fixture(scope="module")
def expected(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, set[str]]]:
    folder = tmp_path_factory.mktemp("hostile")
    return folder, write_hostile(folder, int(os.environ.get("HOSTILE_FILES", len(KINDS) + 1)))


@pytest.fixture(scope="module")
def looked(expected: tuple[Path, dict[str, set[str]]]) -> dict[str, Any]:
    command = [sys.executable, "-m", "tests.preprocessing.look_through", str(expected[0])]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=3600, check=True)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def test_each_file_has_its_own_reason(expected: tuple[Path, dict[str, set[str]]], looked: dict[str, Any]) -> None:
    wrong = {
        name: (looked["outcomes"][name], codes)
        for name, codes in expected[1].items()
        if looked["outcomes"][name][0] not in codes
    }
    assert wrong == {}
    assert all(sentence for code, sentence in looked["outcomes"].values() if code != "ok")


def test_the_folder_takes_a_bounded_memory_and_leaves_no_process(looked: dict[str, Any]) -> None:
    assert looked["peak megabytes, parent and children"] <= MOST_MEGABYTES
    assert looked["children left"] == 0


@pytest.mark.parametrize(
    "kind", [kind for kind, (_, codes) in KINDS.items() if codes == {"ok"} and "large" not in kind]
)
def test_copies_of_odd_but_good_pictures_are_upright_and_clean(kind: str) -> None:
    data = KINDS[kind][0](np.random.default_rng(4))
    seen = measured(data)
    screen = Image.open(io.BytesIO(seen.copies.screen))
    assert screen.size == (seen.analysis.width, seen.analysis.height)
    assert screen.mode == "RGB"
    for copy in (seen.copies.screen, seen.copies.thumb, seen.copies.grey):
        assert not Image.open(io.BytesIO(copy)).getexif()
        assert b"script" not in copy
        assert b"PK\x03\x04" not in copy


def test_a_picture_that_is_grey_at_its_end_in_truth_is_taken(pixels: np.ndarray) -> None:
    letterbox = np.full((700, 960, 3), 128, np.uint8)
    letterbox[:540] = pixels[::2, ::2]
    assert analyse(jpeg(letterbox)).height == 700


@pytest.mark.parametrize("progressive", [False, True])
def test_a_cut_photo_that_was_given_an_end_is_not_filled_with_grey(pixels: np.ndarray, *, progressive: bool) -> None:
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=88, progressive=progressive)
    cut = out.getvalue()[: len(out.getvalue()) // (100 if progressive else 2)] + b"\xff\xd9"
    with pytest.raises(Unreadable, match="ends early"):
        analyse(cut)


@pytest.mark.parametrize("form", [{"lossless": True}, {"quality": 60}, {"quality": 60, "alpha": True}])
def test_the_size_of_a_webp_is_read_before_its_decoder_is_asked(form: dict[str, Any]) -> None:
    options = dict(form)
    mode = "RGBA" if options.pop("alpha", False) else "RGB"
    for side, accepted in ((4096, True), (4097, False)):
        out = io.BytesIO()
        Image.new(mode, (side, 3072), 7 if mode == "RGB" else (9, 9, 9, 9)).save(out, "WEBP", method=0, **options)
        if accepted:
            assert open_gated(out.getvalue()).size == (side, 3072)
        else:
            with pytest.raises(Unreadable, match=f"announces {side}x3072"):
                open_gated(out.getvalue())
