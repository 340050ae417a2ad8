"""Grading of qualification tests: an AnswerKey and a worker's answers give a score."""

from collections.abc import Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Final
from xml.etree.ElementTree import Element

from crowd.emulators.mturk.documents import bad_xml, children, name_of, parse, text_of

_KEY: Final = {"AnswerKey": ("2005-10-01",)}


def check_answer_key(xml: str) -> None:
    """Raise what the service raises for a key that cannot grade."""
    grade(xml, {})


def grade(xml: str, answers: Mapping[str, frozenset[str]]) -> int:
    """Return the qualification value that these answers earn."""
    root = parse(xml, _KEY, "AnswerKey")
    total = sum((_points(question, answers) for question in children(root, "Question")), start=0)
    for mapping in children(root, "QualificationValueMapping"):
        for rule in mapping:
            return _mapped(rule, total)
    return total


def _points(question: Element, answers: Mapping[str, frozenset[str]]) -> int:
    """Return the score of the option that has exactly the selections of the worker, else the default."""
    given = answers.get(text_of(question, "QuestionIdentifier"), frozenset())
    scores = [
        (
            frozenset((part.text or "").strip() for part in children(option, "SelectionIdentifier")),
            _number(option, "AnswerScore"),
        )
        for option in children(question, "AnswerOption")
    ]
    default = _number(question, "DefaultScore") if text_of(question, "DefaultScore") else 0
    return next((score for wanted, score in scores if wanted == given), default)


def _mapped(rule: Element, total: int) -> int:
    if name_of(rule) == "PercentageMapping":
        highest = _number(rule, "MaximumSummedScore")
        if highest <= 0:
            raise bad_xml("AnswerKey", "MaximumSummedScore must be above 0")
        return _rounded(Decimal(total * 100) / highest)
    if name_of(rule) == "ScaleMapping":
        return _rounded(total * _decimal(rule, "SummedScoreMultiplier"))
    if name_of(rule) == "RangeMapping":
        return _ranged(rule, total)
    raise bad_xml("AnswerKey", f"{name_of(rule)} is no mapping of scores")


def _ranged(rule: Element, total: int) -> int:
    for span in children(rule, "SummedScoreRange"):
        if _number(span, "InclusiveLowerBound") <= total <= _number(span, "InclusiveUpperBound"):
            return _number(span, "QualificationValue")
    return _number(rule, "OutOfRangeQualificationValue")


def _number(element: Element, name: str) -> int:
    try:
        return int(text_of(element, name))
    except ValueError:
        raise bad_xml("AnswerKey", f"{name} {text_of(element, name)!r} is not a whole number") from None


def _decimal(element: Element, name: str) -> Decimal:
    try:
        return Decimal(text_of(element, name))
    except InvalidOperation:
        raise bad_xml("AnswerKey", f"{name} {text_of(element, name)!r} is not a number") from None


def _rounded(value: Decimal) -> int:
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))
