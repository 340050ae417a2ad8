"""The catalogues of the workers' pages: which sentences there are, which have no translation, and compiling them.

`./winnow translations` calls this. It reads the sources without GNU gettext, which a bare machine does not have.
"""

import ast
import io
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po
from django.utils.translation.template import templatize

from curation.services.assets import SENTENCES
from curation.services.submissions import NO_FRAME

SOURCES = (
    "curation/portal",
    "curation/services/appeals.py",
    "curation/services/consents.py",
    "curation/services/sendable.py",
    "curation/services/uploads.py",
    "curation/services/worker_pages.py",
    "crowd/rules/kinds.py",
    "crowd/services",
)
TEMPLATES = ("templates/worker", "templates/worker_base.html")
AUTHORED = "locale/authored.txt"  # texts of our own recipes, one a line
HEADER = "# What the pages of workers say. Brought up to date by ./winnow translations"
ONE = {"_", "gettext", "gettext_noop"}
MANY = {"ngettext"}
IN_TEMPLATE = re.compile(
    r"\b(_|gettext|pgettext|ngettext)\(((?:u?(?:'(?:\\.|[^'\\])*'|\"(?:\\.|[^\"\\])*\")(?:,\s*)?)+)"
)

Message = tuple[str, str | None, str]
"""What is said once, what is said of many, in which context."""


def messages(root: Path) -> set[Message]:
    """Return every sentence that the workers' pages and the services behind them can say."""
    texts = [*(root / AUTHORED).read_text("utf-8").splitlines(), *SENTENCES.values(), NO_FRAME]
    found: set[Message] = {(text, None, "") for text in texts if text}
    for path in _files(root, SOURCES, "*.py"):
        found.update(_in_python(path.read_text("utf-8")))
    for path in _files(root, TEMPLATES, "*.html"):
        found.update(_in_template(path.read_text("utf-8")))
    return found


def _files(root: Path, places: Iterable[str], pattern: str) -> Iterator[Path]:
    for place in places:
        path = root / place
        yield from sorted(path.rglob(pattern)) if path.is_dir() else [path]


def _in_python(text: str) -> Iterator[Message]:
    for node in ast.walk(ast.parse(text)):
        if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Name):
            continue
        words = [one.value for one in node.args if isinstance(one, ast.Constant) and isinstance(one.value, str)]
        if node.func.id in ONE and words:
            yield words[0], None, ""
        elif node.func.id in MANY and len(words) > 1:
            yield words[0], words[1], ""


def _in_template(text: str) -> Iterator[Message]:
    for name, arguments in IN_TEMPLATE.findall(templatize(text)):
        words = ast.literal_eval(f"[{arguments.rstrip(', ')}]")
        if name == "pgettext":
            yield words[1], None, words[0]
        elif name == "ngettext":
            yield words[0], words[1], ""
        else:
            yield words[0], None, ""


def read(path: Path) -> Catalog:
    with path.open("rb") as file:
        return read_po(file)


def missing(catalogue: Catalog, wanted: set[Message]) -> list[str]:
    """Return the sentences without a whole translation: one form each, or as many as the language has."""
    return sorted(one for one, many, context in wanted if not _is_told(catalogue, one, many, context))


def _is_told(catalogue: Catalog, one: str, many: str | None, context: str) -> bool:
    message = catalogue.get(one, context or None)
    if message is None or message.fuzzy:
        return False
    told = message.string
    return bool(told) if many is None else isinstance(told, tuple) and len(told) == catalogue.num_plurals and all(told)


def updated(catalogue: Catalog, wanted: set[Message]) -> Catalog:
    """Return the catalogue with what is said today: new sentences are empty, those of yesterday are gone."""
    fresh = Catalog(locale=catalogue.locale, project="Winnow", header_comment=HEADER, fuzzy=False, language_team="")
    fresh.last_translator = fresh.msgid_bugs_address = ""
    fresh.revision_date = fresh.creation_date = catalogue.creation_date
    for one, many, context in sorted(wanted, key=str):
        old = catalogue.get(one, context or None)
        fresh.add((one, many) if many else one, old.string if old else "", context=context or None)
    return fresh


def written(catalogue: Catalog) -> bytes:
    out = io.BytesIO()
    write_po(out, catalogue, width=120, omit_header=False)
    return out.getvalue()


def compiled(catalogue: Catalog) -> bytes:
    """Return what gettext reads at run time."""
    out = io.BytesIO()
    write_mo(out, catalogue)
    return out.getvalue()
