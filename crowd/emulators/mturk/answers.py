"""What a worker answered: a QuestionFormAnswers document as the service gives it, and how reviews read it."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Final
from xml.etree.ElementTree import Element
from xml.sax.saxutils import escape

from crowd.emulators.mturk.documents import SCHEMAS, children, name_of, parse, text_of
from crowd.emulators.mturk.questions import Field

Fields = Mapping[str, str | Sequence[str]]
SEPARATOR: Final = "|"
RESERVED: Final = frozenset({"assignmentId", "hitId", "turkSubmitTo", "workerId"})
_HEAD: Final = '<?xml version="1.0" encoding="UTF-8"?>\n'
_NAMESPACE: Final = f"{SCHEMAS}2005-10-01/QuestionFormAnswers.xsd"
_NOT_XML: Final = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def write_answers(answers: Fields, asked: Iterable[Field] = ()) -> str:
    """Write the document; fields of a QuestionForm with choices become SelectionIdentifier, all others FreeText."""
    choices = {field.name for field in asked if field.choices}
    body = "".join(
        _answer(name, given, selection=name in choices) for name, given in answers.items() if name not in RESERVED
    )
    return f'{_HEAD}<QuestionFormAnswers xmlns="{_NAMESPACE}">{body}</QuestionFormAnswers>'


def read_answers(xml: str) -> dict[str, frozenset[str]]:
    """Return the values of each question, stripped; several boxes ticked are several values."""
    if not xml:
        return {}
    root = parse(xml, {"QuestionFormAnswers": ("2005-10-01",)}, "Answer")
    return {text_of(answer, "QuestionIdentifier"): _values(answer) for answer in children(root, "Answer")}


def _values(answer: Element) -> frozenset[str]:
    texts = ((part.text or "") for part in answer if name_of(part) in ("FreeText", "SelectionIdentifier"))
    return frozenset(value.strip() for text in texts for value in text.split(SEPARATOR))


def _answer(name: str, given: str | Sequence[str], *, selection: bool) -> str:
    values = [given] if isinstance(given, str) else list(given)
    if selection:
        parts = "".join(f"<SelectionIdentifier>{_clean(value)}</SelectionIdentifier>" for value in values)
    else:
        parts = f"<FreeText>{_clean(SEPARATOR.join(values))}</FreeText>"
    return f"<Answer><QuestionIdentifier>{_clean(name)}</QuestionIdentifier>{parts}</Answer>"


def _clean(text: str) -> str:
    return escape(_NOT_XML.sub("", text))
