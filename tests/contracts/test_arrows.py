"""The arrows between the packages hold, and every contract that guards them can fail."""

import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PYPROJECT = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
CONTRACTS = [one["name"] for one in tomllib.loads(PYPROJECT)["tool"]["importlinter"]["contracts"]]
PACKAGES = ("aggregation", "crowd", "curation")
# One forbidden import for every contract: the file that gets it, and the line.
PLANTED = {
    "Arrows one way: curation -> crowd, aggregation": ("crowd/money.py", "import curation.models"),
    "Aggregation is a library without Django, storage or money": ("aggregation/core/geometry.py", "import django.db"),
    "Preprocessing and dataset formats are pure": ("curation/preprocessing/hashes.py", "import crowd.money"),
    "Emulators are free of Django": ("crowd/emulators/toloka/clock.py", "import django.db"),
    "Quality statistics and fetching are pure": ("crowd/quality/exam.py", "import django.db"),
    "Only an adapter speaks a platform's SDK": ("crowd/models/account.py", "import boto3"),
    "Inside curation: doors above services above stages and models": (
        "curation/models/stage.py",
        "import curation.services.jobs",
    ),
}


def lint(folder: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [str(Path(sys.executable).with_name("lint-imports")), "--no-cache"],
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
        timeout=600,
    )


def broken(output: str) -> set[str]:
    return {name for name in CONTRACTS if f"{name} BROKEN" in output}


@pytest.fixture(scope="module")
def copy(tmp_path_factory) -> Path:
    """The packages without their pictures and caches, to be spoiled."""
    folder = tmp_path_factory.mktemp("tree")
    for package in PACKAGES:
        ignored = shutil.ignore_patterns("__pycache__", "migrations", "*.yaml")
        shutil.copytree(ROOT / package, folder / package, ignore=ignored)
    (folder / "pyproject.toml").write_text(PYPROJECT, encoding="utf-8")
    return folder


@pytest.fixture
def plant(copy):
    """Add a line to a file of the copy and take it away again."""
    changed = {}

    def add(path: str, line: str) -> None:
        file = copy / path
        changed[file] = file.read_text(encoding="utf-8")
        file.write_text(f"{changed[file]}\n{line}\n", encoding="utf-8")

    yield add
    for file, text in changed.items():
        file.write_text(text, encoding="utf-8")


def test_the_product_keeps_its_arrows():
    result = lint(ROOT)
    assert result.returncode == 0, result.stdout


def test_every_contract_has_an_import_that_breaks_it():
    assert set(PLANTED) == set(CONTRACTS)


@pytest.mark.parametrize("name", CONTRACTS)
def test_a_forbidden_import_breaks_its_contract(name, copy, plant):
    plant(*PLANTED[name])
    result = lint(copy)
    assert result.returncode != 0
    assert name in broken(result.stdout), result.stdout
