"""Qualification requirements: are they well put, and does a worker meet them."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from crowd.emulators.mturk.errors import invalid, wrong_state
from crowd.emulators.mturk.market import Market
from crowd.emulators.mturk.money import MASTERS
from crowd.emulators.mturk.nouns.hits import Hit
from crowd.emulators.mturk.nouns.qualifications import ADULT, APPROVED_COUNT, APPROVED_PERCENT, LOCALE
from crowd.emulators.mturk.nouns.workers import Worker

MOST: Final = 10
MOST_NUMBERS: Final = 15
MOST_LOCALES: Final = 30
Requirement = Mapping[str, Any]
_SETS: Final = ("In", "NotIn")
_PRESENCE: Final = ("Exists", "DoesNotExist")
_COMPARE: Final[dict[str, Callable[[Any, Sequence[Any]], bool]]] = {
    "LessThan": lambda mine, wanted: mine < wanted[0],
    "LessThanOrEqualTo": lambda mine, wanted: mine <= wanted[0],
    "GreaterThan": lambda mine, wanted: mine > wanted[0],
    "GreaterThanOrEqualTo": lambda mine, wanted: mine >= wanted[0],
    "EqualTo": lambda mine, wanted: mine == wanted[0],
    "NotEqualTo": lambda mine, wanted: mine != wanted[0],
    "In": lambda mine, wanted: mine in wanted,
    "NotIn": lambda mine, wanted: mine not in wanted,
    "Exists": lambda _mine, _wanted: True,
    "DoesNotExist": lambda _mine, _wanted: False,
}


def check_requirements(market: Market, requirements: Sequence[Requirement]) -> None:
    """Raise what the service raises for a list of requirements that cannot be met or read."""
    if len(requirements) > MOST:
        raise invalid(f"There are {len(requirements)} QualificationRequirements; at most {MOST} are allowed.")
    for requirement in requirements:
        _check_one(market, requirement)


def _check_one(market: Market, requirement: Requirement) -> None:
    found = market.qualification_type(requirement["QualificationTypeId"])
    if found.status != "Active":
        raise wrong_state("QualificationType", found.status, "Active")
    if "RequiredToPreview" in requirement and "ActionsGuarded" in requirement:
        raise invalid(
            "The combination of parameters supplied to the request is invalid: ActionsGuarded, RequiredToPreview."
        )
    locale = found.id == LOCALE
    if "IntegerValues" in requirement and locale:
        raise invalid("Worker_Locale is compared with LocaleValues, not with IntegerValues.")
    if "LocaleValues" in requirement and not locale:
        raise invalid("LocaleValues can only be used with Worker_Locale.")
    _check_values(requirement, locale=locale)


def _check_values(requirement: Requirement, *, locale: bool) -> None:
    comparator = requirement["Comparator"]
    values = requirement.get("LocaleValues" if locale else "IntegerValues", ())
    if comparator in _PRESENCE:
        allowed = range(1)
    elif comparator in _SETS:
        allowed = range(1, (MOST_LOCALES if locale else MOST_NUMBERS) + 1)
    elif locale and comparator not in ("EqualTo", "NotEqualTo"):
        raise invalid(f"Worker_Locale cannot be compared with {comparator}.")
    else:
        allowed = range(1, 2)
    if len(values) not in allowed:
        raise invalid(f"{comparator} takes {allowed.start} to {allowed.stop - 1} values, {len(values)} are given.")


def may(market: Market, worker: Worker, hit: Hit, action: str) -> bool:
    """Say whether a worker meets all requirements that guard Accept, Preview or Discover."""
    return all(
        _meets(market, worker, requirement) for requirement in hit.type.requirements if action in _guarded(requirement)
    )


def _guarded(requirement: Requirement) -> str:
    default = "PreviewAndAccept" if requirement.get("RequiredToPreview") else "Accept"
    guarded: str = requirement.get("ActionsGuarded", default)
    return guarded


def _meets(market: Market, worker: Worker, requirement: Requirement) -> bool:
    mine = _value(market, worker, requirement["QualificationTypeId"])
    comparator = requirement["Comparator"]
    if mine is None:
        return bool(comparator == "DoesNotExist")
    if isinstance(mine, dict):
        return _meets_locale(mine, comparator, requirement.get("LocaleValues", ()))
    return _COMPARE[comparator](mine, requirement.get("IntegerValues", ()))


def _meets_locale(mine: Mapping[str, str], comparator: str, wanted: Sequence[Mapping[str, str]]) -> bool:
    """Compare where a worker lives; a country without subdivision means all of it."""
    if comparator in _PRESENCE:
        return comparator == "Exists"
    inside = any(locale.items() <= mine.items() for locale in wanted)
    return inside if comparator in ("EqualTo", "In") else not inside


def _value(market: Market, worker: Worker, type_id: str) -> int | dict[str, str] | None:
    if type_id == LOCALE:
        return worker.locale
    own = {APPROVED_PERCENT: worker.approved_percent, APPROVED_COUNT: worker.approved, ADULT: int(worker.adult)}
    if type_id in own:
        return own[type_id]
    if type_id == MASTERS:
        return 1 if worker.master else None
    found = market.qualifications.get((type_id, worker.id))
    return found.value if found and found.status == "Granted" else None
