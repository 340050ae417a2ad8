"""Pictures drawn once for the whole folder of tests; no test here needs a database."""

from __future__ import annotations

import numpy as np
import pytest

from curation.preprocessing.decode import Analysis, analyse
from tests.planted import jpeg, scene


@pytest.fixture(scope="session")
def pixels() -> np.ndarray:
    return scene(50_001)


@pytest.fixture(scope="session")
def photo(pixels: np.ndarray) -> bytes:
    return jpeg(pixels)


@pytest.fixture(scope="session")
def seen(photo: bytes) -> Analysis:
    return analyse(photo)


@pytest.fixture(scope="session")
def stranger() -> Analysis:
    return analyse(jpeg(scene(50_002)))
