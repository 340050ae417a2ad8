"""What the browser's side never holds: inline code and styles, foreign hosts, text that becomes markup, built files."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TEMPLATES = sorted((ROOT / "templates").rglob("*.html"))
MODULES = sorted((ROOT / "static/js").rglob("*.js"))
STYLES = sorted((ROOT / "static/css").rglob("*.css"))
MOST_LINES = {"html": 150, "js": 400}
IN_TEMPLATES = {
    "an inline style": r"\sstyle\s*=",
    "a block of style": r"<style\b",
    "an inline script": r"<script(?![^>]*\bsrc=)[^>]*>",
    "a script without the nonce": r"<script(?![^>]*\bnonce=)[^>]*>",
    "an inline handler": r"\son[a-z]+\s*=\s*[\"']",
    "htmx code": r"\shx-on[:-]|hx-vals=.js:|hx-trigger=[\"'][^\"']*\[",
    "a foreign file": r"<(?:script|link|img|iframe|source|video|audio)\b[^>]*(?:src|href|data)=[\"'](?:https?:)?//",
    "text that is not escaped": r"\|safe\b|autoescape off",
    "a percent sign that may begin a line": r"[%}]\} %(?!\})",
}
IN_MODULES = {
    "text that becomes markup": r"\.(?:inner|outer)HTML\s*\+?=|insertAdjacentHTML|document\.write|createContextual",
    "a style as an attribute": r"setAttribute\(\s*[\"']style[\"']",
    "code from text": r"\beval\(|new Function\(|setTimeout\(\s*[\"'`]",
    "a foreign host": r"[\"'`]https?://(?!www\.w3\.org/)",
    "a percent sign that may begin a line": r"\$\{[^}]+\} %",
}
IN_STYLES = {"a foreign file": r"url\(\s*[\"']?(?:https?:|//)", "an import": r"@import"}


def _each(files: list[Path], rules: dict[str, str]) -> Iterator[object]:
    for name, pattern in rules.items():
        yield pytest.param(files, pattern, id=name)


@pytest.mark.parametrize(
    ("files", "pattern"),
    [*_each(TEMPLATES, IN_TEMPLATES), *_each(MODULES, IN_MODULES), *_each(STYLES, IN_STYLES)],
)
def test_no_file_holds(files: list[Path], pattern: str):
    found = []
    for file in files:
        text = _without_comments(file)
        found += [
            f"{file.relative_to(ROOT)}: {text[hit.start() : hit.end() + 40]!r}" for hit in re.finditer(pattern, text)
        ]
    assert files
    assert found == []


def _without_comments(file: Path) -> str:
    text = file.read_text(encoding="utf-8")
    return (
        re.sub(r"\{#.*?#\}", "", text)
        if file.suffix == ".html"
        else re.sub(r"^\s*(//|\*|/\*).*$", "", text, flags=re.M)
    )


def test_files_stay_short_enough_to_read():
    lines = {file: len(file.read_text(encoding="utf-8").splitlines()) for file in [*TEMPLATES, *MODULES]}
    long = [f"{file.relative_to(ROOT)}: {n}" for file, n in lines.items() if n > MOST_LINES[file.suffix[1:]]]
    assert long == []


def test_every_module_that_is_imported_exists():
    missing = [
        f"{file.relative_to(ROOT)} imports {name}"
        for file in MODULES
        for name in re.findall(r"(?:from|import\()\s*[\"'](\.[^\"']+)[\"']", file.read_text(encoding="utf-8"))
        if not (file.parent / name).resolve().is_file()
    ]
    assert missing == []


def test_every_static_file_that_a_template_names_exists():
    missing = [
        f"{file.relative_to(ROOT)} names {name}"
        for file in TEMPLATES
        for name in re.findall(r"\{%\s*static\s+[\"']([^\"'{]+)[\"']", file.read_text(encoding="utf-8"))
        if not (ROOT / "static" / name).is_file()
    ]
    assert missing == []


def test_no_built_file_is_kept():
    built = [file for file in (ROOT / "static").rglob("*") if re.search(r"\.min\.(js|css)$|\.map$|bundle", file.name)]
    assert built == []
