"""What is looked at without running it: releases that are safe enough, bandit, and rules of our own on the source."""

import ast
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
from packaging.version import Version

ROOT = Path(__file__).resolve().parents[2]
CODE = ("aggregation", "crowd", "curation")
FLOORS = tomllib.loads((ROOT / "tests/security/floors.toml").read_text())
# Who may speak HTTP or open sockets: the door, the adapters of platforms, our own services and emulators.
CALLERS = (
    "crowd/fetching/",
    "crowd/platforms/prolific/client.py",
    "crowd/platforms/toloka/",
    "crowd/emulators/",
    "crowd/holders.py",
    "curation/embedded/",
    "curation/services/system/storage.py",
    "curation/storing/",
    "curation/preprocessing/pool.py",
)
CLIENTS = {"httpx", "requests", "urllib3", "aiohttp", "socket", "boto3", "botocore"}
DECODERS = (  # open pictures that we drew ourselves a moment ago
    "crowd/rehearsal/pictures/jpeg.py",
    "curation/services/instructions.py",
    "curation/preprocessing/taggers/looking.py",
    "curation/preprocessing/contact_sheet.py",
)
MARKED = (  # say that a text is HTML: drawn by us, or cleaned
    "curation/dashboard/inhouse_pages.py",
    "curation/services/guides.py",  # our own guides, in which HTML is text
    "curation/services/markdown.py",
    "curation/templatetags/",
)


def sources() -> Iterator[tuple[str, ast.Module]]:
    for folder in CODE:
        for file in sorted((ROOT / folder).rglob("*.py")):
            if "migrations" not in file.parts:
                yield str(file.relative_to(ROOT)), ast.parse(file.read_text(encoding="utf-8"))


TREES = list(sources())


def calls(tree: ast.Module, name: str) -> Iterator[ast.Call]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Call) and ast.unparse(node.func).endswith(name):
            yield node


@pytest.mark.parametrize("package", FLOORS)
def test_no_release_below_its_floor_is_locked(package: str):
    for lock in ("requirements.lock", "requirements-dev.lock"):
        locked = dict(re.findall(r"^([a-z0-9_.-]+)==(\S+)", (ROOT / lock).read_text(), flags=re.MULTILINE))
        version = locked.get(package)
        assert version or FLOORS[package].get("optional"), f"{package} is not in {lock}"
        assert version is None or Version(version) >= Version(FLOORS[package]["floor"]), FLOORS[package]["why"]


def test_bandit_finds_nothing_that_is_not_answered_on_its_line():
    """A finding of medium weight or more is mended, or its statement says why it is none (noqa: S…, read by ruff)."""
    run = [sys.executable, "-m", "bandit", "-r", "-ll", "-q", "-f", "json", *CODE]
    found = json.loads(subprocess.run(run, cwd=ROOT, capture_output=True, check=False).stdout)
    assert found["errors"] == []
    assert len(found["metrics"]) > 500  # it has looked at everything
    assert [one for one in map(_open, found["results"]) if one] == []


def _open(result: dict[str, object]) -> str:
    name, rule = str(result["filename"]), str(result["test_id"]).replace("B703", "B308").replace("B", "S")
    lines = (ROOT / name).read_text(encoding="utf-8").splitlines()
    place = int(str(result["line_number"]))
    end = _end_of_statement(name.removeprefix("./"), place)
    answered = any(f"noqa: {rule}" in line for line in lines[place - 1 : end])
    return "" if answered else f"{name}:{place} {result['issue_text']}"


def _end_of_statement(name: str, line: int) -> int:
    tree = next(tree for file, tree in TREES if file == name)
    spans = [(node.lineno, node.end_lineno or line) for node in ast.walk(tree) if isinstance(node, ast.stmt)]
    return min((end - start, end) for start, end in spans if start <= line <= end)[1]


def test_nobody_but_the_door_and_the_adapters_speaks_http():
    found = {
        name
        for name, tree in TREES
        for node in ast.walk(tree)
        for module in _imported(node)
        if (module.split(".")[0] in CLIENTS or module.startswith(("urllib.request", "http.client")))
        and not name.startswith(CALLERS)
    }
    assert found == set()


def _imported(node: ast.AST) -> list[str]:
    if isinstance(node, ast.Import):
        return [one.name for one in node.names]
    return [node.module or ""] if isinstance(node, ast.ImportFrom) and not node.level else []


def test_no_request_becomes_a_filter_of_the_database_by_itself():
    """`filter(**request.GET)` would let anybody ask for the letters of a password."""
    said = ("request", "GET", "POST", "query_params", "data")
    for name, tree in TREES:
        for call in (
            *calls(tree, ".filter"),
            *calls(tree, ".exclude"),
            *calls(tree, ".order_by"),
            *calls(tree, ".get"),
        ):
            spread = [ast.unparse(one.value) for one in call.keywords if one.arg is None]
            assert not any(word in re.split(r"\W", text) for text in spread for word in said), f"{name}:{call.lineno}"


def test_pictures_from_outside_are_opened_in_known_formats_only():
    for name, tree in TREES:
        for call in calls(tree, "Image.open"):
            is_narrow = any(one.arg == "formats" for one in call.keywords)
            assert is_narrow or name.startswith(DECODERS), f"{name}:{call.lineno}"


def test_text_is_called_html_only_where_it_was_drawn_or_cleaned():
    for name, tree in TREES:
        for word in ("mark_safe", "SafeString"):
            assert name.startswith(MARKED) or not list(calls(tree, word)), name
    for file in (ROOT / "templates").rglob("*.html"):
        assert not re.search(r"\|\s*safe\b|autoescape off", file.read_text()), file


def test_no_shell_and_no_code_from_text():
    for name, tree in TREES:
        assert not [call for word in ("eval", "exec") for call in calls(tree, word) if isinstance(call.func, ast.Name)]
        for node in ast.walk(tree):
            assert not (isinstance(node, ast.keyword) and node.arg == "shell"), name
