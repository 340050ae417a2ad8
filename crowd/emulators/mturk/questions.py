"""What a worker is asked: QuestionForm, HTMLQuestion or ExternalQuestion, and the fields that can be answered."""

from dataclasses import dataclass
from html.parser import HTMLParser
from typing import Final, Literal
from urllib.parse import urlsplit
from xml.etree.ElementTree import Element

from crowd.emulators.mturk.documents import bad_xml, children, name_of, parse, text_of

Kind = Literal["QuestionForm", "HTMLQuestion", "ExternalQuestion"]
FORM: Final = {"QuestionForm": ("2005-10-01", "2017-11-06")}
ROOTS: Final = {**FORM, "HTMLQuestion": ("2011-11-11",), "ExternalQuestion": ("2006-07-14",)}
TALLEST: Final = 10_000


@dataclass(frozen=True, slots=True)
class Field:
    """One thing to answer; `choices` empty means free text, `many` that several choices may be taken."""

    name: str
    label: str = ""
    choices: tuple[str, ...] = ()
    many: bool = False
    crowd_element: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    kind: Kind
    fields: tuple[Field, ...] = ()
    html: str = ""
    url: str = ""


def read_question(xml: str) -> Question:
    """Read and check the question of a HIT."""
    root = parse(xml, ROOTS, "Question")
    kind = name_of(root)
    if kind == "ExternalQuestion":
        return _external(root)
    return _html(root) if kind == "HTMLQuestion" else Question("QuestionForm", _form_fields(root))


def read_test(xml: str) -> tuple[Field, ...]:
    """Read and check the test of a qualification type, which can only be a QuestionForm."""
    return _form_fields(parse(xml, FORM, "Test"))


def _external(root: Element) -> Question:
    url = text_of(root, "ExternalURL")
    _frame_height(root)
    parts = urlsplit(url)
    host = parts.hostname or ""
    private = host in ("localhost", "127.0.0.1", "::1") or "." not in host
    if not host or parts.scheme not in ("https", *(("http",) if private else ())):
        raise bad_xml("ExternalURL", f"{url!r} is not an HTTPS address (HTTP is taken for hosts of this machine only)")
    return Question("ExternalQuestion", url=url)


def _html(root: Element) -> Question:
    html = text_of(root, "HTMLContent")
    _frame_height(root)
    if not html:
        raise bad_xml("HTMLContent", "the element is missing or empty")
    return Question("HTMLQuestion", html_fields(html), html=html)


def _frame_height(root: Element) -> None:
    height = text_of(root, "FrameHeight")
    if not height.isdecimal() or int(height) > TALLEST:
        raise bad_xml("FrameHeight", f"{height!r} is not a number of pixels from 0 to {TALLEST}")


def _form_fields(root: Element) -> tuple[Field, ...]:
    found = tuple(_form_field(question) for question in children(root, "Question"))
    names = [field.name for field in found]
    if not found or not all(names):
        raise bad_xml("QuestionForm", "every form needs a Question and every Question a QuestionIdentifier")
    if len(set(names)) < len(names):
        raise bad_xml("QuestionForm", "a QuestionIdentifier is used twice")
    return found


def _form_field(question: Element) -> Field:
    name = text_of(question, "QuestionIdentifier")
    label = text_of(question, "DisplayName") or name
    for specification in children(question, "AnswerSpecification"):
        for answer in specification:
            if name_of(answer) == "FreeTextAnswer":
                return Field(name, label)
            if name_of(answer) == "SelectionAnswer":
                return _selection(name, label, answer)
            if name_of(answer) == "FileUploadAnswer":
                raise bad_xml("QuestionForm", "FileUploadAnswer ended in December 2017; take uploads on your own page")
    raise bad_xml(
        "QuestionForm", f"question {name!r} has no AnswerSpecification with FreeTextAnswer or SelectionAnswer"
    )


def _selection(name: str, label: str, answer: Element) -> Field:
    choices = tuple(
        text_of(selection, "SelectionIdentifier")
        for selections in children(answer, "Selections")
        for selection in children(selections, "Selection")
    )
    if not all(choices) or not choices:
        raise bad_xml("QuestionForm", f"question {name!r} has a Selection without SelectionIdentifier, or none at all")
    many = text_of(answer, "StyleSuggestion") in ("checkbox", "list", "multichooser") or (
        (text_of(answer, "MaxSelectionCount") or "1") != "1"
    )
    return Field(name, label, choices, many=many)


def html_fields(html: str) -> tuple[Field, ...]:
    """Return the form fields and crowd elements of a page, in their order."""
    reader = _Fields()
    reader.feed(html)
    return tuple(
        Field(name, name, tuple(found.choices), found.many, found.element) for name, found in reader.found.items()
    )


@dataclass(slots=True)
class _Found:
    choices: list[str]
    many: bool = False
    element: str = ""


class _Fields(HTMLParser):
    """Collect names and possible values; what a script adds later is not seen."""

    def __init__(self) -> None:
        super().__init__()
        self.found: dict[str, _Found] = {}
        self._select = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        name = given.get("name", "")
        if tag == "option" and self._select:
            self._choice(self._select, given.get("value", ""))
        elif name and name != "assignmentId":
            self._field(tag, name, given)

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""

    def _field(self, tag: str, name: str, given: dict[str, str]) -> None:
        if tag == "input" and given.get("type") in ("radio", "checkbox"):
            self._choice(name, given.get("value", "on"))
            self.found[name].many = given["type"] == "checkbox"
        elif tag == "select":
            self._select = name
            self.found.setdefault(name, _Found([], many="multiple" in given))
        elif tag == "textarea" or (tag == "input" and given.get("type") not in ("submit", "button", "hidden")):
            self.found.setdefault(name, _Found([]))
        elif tag.startswith("crowd-") and tag not in ("crowd-form", "crowd-button"):
            words = given.get("categories") or given.get("labels") or ""
            self.found[name] = _Found(
                [word.strip(" '\"") for word in words.strip("[]").split(",") if word], element=tag
            )

    def _choice(self, name: str, value: str) -> None:
        choices = self.found.setdefault(name, _Found([])).choices
        if value and value not in choices:
            choices.append(value)
