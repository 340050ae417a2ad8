"""Review policies as they are given with a HIT: names, parameters, ranges."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from crowd.emulators.mturk.errors import Refusal, invalid

KNOWN_ANSWERS: Final = "ScoreMyKnownAnswers/2011-09-01"
PLURALITY: Final = "SimplePlurality/2011-09-01"
YEAR: Final = 31_536_000
_ANY: Final = (0, 2**31)
# Parameter → lowest and highest number, or None for words.
_KNOWN_ANSWERS: Final[dict[str, tuple[int, int] | None]] = {
    "AnswerKey": None,
    "ApproveIfKnownAnswerScoreIsAtLeast": (0, 101),
    "ApproveReason": None,
    "RejectIfKnownAnswerScoreIsLessThan": (0, 101),
    "RejectReason": None,
    "ExtendIfKnownAnswerScoreIsLessThan": (0, 101),
    "ExtendMaximumAssignments": (2, 25),
    "ExtendMinimumTimeInSeconds": (60, YEAR),
}
_PLURALITY: Final[dict[str, tuple[int, int] | None]] = {
    "QuestionIds": None,
    "QuestionAgreementThreshold": _ANY,
    "DisregardAssignmentIfRejected": None,
    "DisregardAssignmentIfKnownAnswerScoreIsLessThan": _ANY,
    "ExtendIfHITAgreementScoreIsLessThan": (1, 100),
    "ExtendMaximumAssignments": _ANY,
    "ExtendMinimumTimeInSeconds": (60, YEAR),
    "ApproveIfWorkerAgreementScoreIsAtLeast": _ANY,
    "RejectIfWorkerAgreementScoreIsLessThan": _ANY,
    "RejectReason": None,
}
_REQUIRED: Final = {
    KNOWN_ANSWERS: ("AnswerKey",),
    PLURALITY: ("QuestionIds", "QuestionAgreementThreshold", "DisregardAssignmentIfRejected"),
}


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy that was checked; numbers are read, words stay words."""

    name: str
    words: Mapping[str, tuple[str, ...]]
    answer_key: Mapping[str, frozenset[str]]

    def number(self, key: str) -> int | None:
        return int(self.words[key][0]) if key in self.words else None

    def text(self, key: str) -> str:
        return self.words.get(key, ("",))[0]

    def truth(self, key: str) -> bool:
        return self.text(key).lower() in ("t", "true")


def read_policy(given: Mapping[str, Any], name: str) -> Policy:
    """Read a policy for its level; raise what the service raises for a wrong name, parameter or number."""
    if given["PolicyName"] != name:
        raise invalid(f"PolicyName {given['PolicyName']!r} does not fit here; expected {name}.")
    parameters = {parameter.get("Key", ""): parameter for parameter in given.get("Parameters", ())}
    ranges = _KNOWN_ANSWERS if name == KNOWN_ANSWERS else _PLURALITY
    for key, parameter in parameters.items():
        _check(key, parameter, ranges)
    for key in _REQUIRED[name]:
        if key not in parameters:
            raise invalid(f"The review policy {name} needs the parameter {key}.")
    return _with_conditions(
        Policy(
            name=name,
            words={key: tuple(found.get("Values", ())) for key, found in parameters.items() if found.get("Values")},
            answer_key=_answer_key(parameters.get("AnswerKey", {})),
        )
    )


def _check(key: str, parameter: Mapping[str, Any], ranges: Mapping[str, tuple[int, int] | None]) -> None:
    if key not in ranges:
        raise invalid(f"{key!r} is no parameter of this review policy; known are {', '.join(ranges)}.")
    values, limits = parameter.get("Values", []), ranges[key]
    if limits is None:
        return
    lowest, highest = limits
    if len(values) != 1 or not values[0].strip().isdecimal() or not lowest <= int(values[0]) <= highest:
        raise invalid(f"The review policy's {key} is {values}; expected one whole number from {lowest} to {highest}.")


def _answer_key(parameter: Mapping[str, Any]) -> dict[str, frozenset[str]]:
    return {
        entry.get("Key", ""): frozenset(value.strip() for value in entry.get("Values", ()))
        for entry in parameter.get("MapEntries", ())
    }


def _with_conditions(policy: Policy) -> Policy:
    if policy.name == KNOWN_ANSWERS and not policy.answer_key:
        raise invalid("The review policy's AnswerKey needs MapEntries.")
    if policy.name == PLURALITY and "ExtendIfHITAgreementScoreIsLessThan" in policy.words:
        for key in ("ExtendMaximumAssignments", "ExtendMinimumTimeInSeconds"):
            if key not in policy.words:
                raise _needs(key)
    return policy


def _needs(key: str) -> Refusal:
    return invalid(f"The review policy extends the HIT and therefore needs the parameter {key}.")
