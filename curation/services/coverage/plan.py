"""The plan of conditions: a line for each, with its values and the share wanted of each, as people write it."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Final

from django.db import transaction

from crowd.errors import CrowdError
from curation.models import PlanFactor, Project, User
from curation.services import events, versions
from curation.services.asset_query import QueryError, Value, parse
from curation.services.asset_query.fields import FIELDS, Kind
from curation.services.turns import take_turns

MOST_FACTORS: Final = 20
MOST_VALUES: Final = 30
LONGEST_TEXT: Final = 8_000
USUAL_TOLERANCE: Final = 5.0
WORDS: Final = frozenset({"class", "light", "blur", "resolution", "platform", "worker", "source", "media", "split"})
RANGES: Final = frozenset(name for name, field in FIELDS.items() if field.kind in {Kind.NUMBER, Kind.SIZE})
NAME: Final = re.compile(r"^[^\s:,\"\\][^:,\"\\]{0,39}$")
WISH: Final = re.compile(
    r"^(?P<value>.+?)\s+(?P<share>\d{1,3}(?:\.\d{1,3})?)\s*%"
    r"(?:\s*(?:±|\+/?-)\s*(?P<tolerance>\d{1,3}(?:\.\d{1,3})?)\s*%?)?$"
)
TOLERATED: Final = re.compile(r"^(?P<rest>.+?)\s*(?:>=|≥)\s*(?P<least>\d{1,3}(?:\.\d{1,3})?)\s*%?$")


class BadPlan(CrowdError):
    """A plan with a line nobody understands; the sentence names the line."""


@dataclass(frozen=True, slots=True)
class Wish:
    """A value, and how many percent of the images should have it, give or take `tolerance` points.

    `least` is the performance, in percent, that a model must reach there; None = nothing is said.
    """

    value: str
    share: float
    tolerance: float = USUAL_TOLERANCE
    least: float | None = None


@dataclass(frozen=True, slots=True)
class Factor:
    """A condition: a field of the query language, or the key of a tag. `is_wanted` false: only looked at."""

    name: str
    wishes: tuple[Wish, ...]
    is_wanted: bool = True

    def query(self, value: str) -> str:
        """Return the query of the assets that have a value."""
        if self.name in RANGES:
            return f"{self.name}:{value}"
        if self.name in WORDS:
            return f"{self.name}:{Value(value, value)}"
        tag = f"{self.name}: {value}"
        return f"tag:{Value(tag, tag)}"

    def condition(self, value: str) -> str:
        """Return what a pool that asks for a value alone keeps as its condition."""
        return f"{self.name}: {value}"[:120]

    @property
    def queries(self) -> list[str]:
        return [self.query(wish.value) for wish in self.wishes]


def plan_of(project: Project) -> list[Factor]:
    rows = PlanFactor.objects.filter(project=project)
    return [Factor(row.name, tuple(Wish(**one) for one in row.values)) for row in rows]


def plan_text(factors: Iterable[Factor]) -> str:
    """Return the plan as it is typed."""
    return "\n".join(f"{factor.name}: {', '.join(map(_wish_text, factor.wishes))}" for factor in factors)


def _wish_text(wish: Wish) -> str:
    least = "" if wish.least is None else f" ≥{wish.least:g}%"
    return f"{wish.value} {wish.share:g}% ±{wish.tolerance:g}{least}"


def read_plan(text: str) -> list[Factor]:
    """Read a plan: `light: low 30% ±5, normal 70%`. Without shares every value is wanted as often."""
    if len(text) > LONGEST_TEXT:
        raise BadPlan(f"A plan has at most {LONGEST_TEXT:,} characters.")
    factors: list[Factor] = []
    for number, line in enumerate(text.splitlines(), start=1):
        if line.strip():
            factor = _factor(number, line.strip())
            if any(factor.name == other.name for other in factors):
                raise BadPlan(f"Line {number}: {factor.name} is in the plan already.")
            factors.append(factor)
    if len(factors) > MOST_FACTORS:
        raise BadPlan(f"A plan has at most {MOST_FACTORS} conditions, not {len(factors)}.")
    return factors


def _factor(number: int, line: str) -> Factor:
    name, colon, rest = line.partition(":")
    name = name.strip()
    if not colon or not NAME.match(name) or "\0" in line:
        raise BadPlan(
            f"Line {number}: write the condition, a colon and its values, as in “light: low 30%, normal 70%”."
        )
    name = name.lower() if name.lower() in WORDS | RANGES else name
    parts = [part.strip() for part in rest.split(",") if part.strip()]
    if not 2 <= len(parts) <= MOST_VALUES:
        raise BadPlan(f"Line {number}: {name} has 2 to {MOST_VALUES} values, not {len(parts)}.")
    factor = Factor(name, tuple(_wishes(number, name, parts)))
    _require_sense(number, factor)
    return factor


def _wishes(number: int, name: str, parts: Sequence[str]) -> list[Wish]:
    said = [_without_least(number, part) for part in parts]
    found = [WISH.match(rest) for rest, _ in said]
    if not any(found):
        return [Wish(rest, round(100 / len(parts), 3), least=least) for rest, least in said]
    wishes = []
    for (part, least), match in zip(said, found, strict=True):
        if match is None:
            raise BadPlan(f"Line {number}: “{part}” has no share; give every value of {name} one, or none.")
        tolerance = float(match["tolerance"]) if match["tolerance"] else USUAL_TOLERANCE
        wishes.append(Wish(match["value"], float(match["share"]), tolerance, least))
    return wishes


def _without_least(number: int, part: str) -> tuple[str, float | None]:
    """Split off the performance that is tolerated: `dark 10% ≥70%`."""
    match = TOLERATED.match(part)
    if match is None:
        return part, None
    least = float(match["least"])
    if not 0 < least <= 100:
        raise BadPlan(f"Line {number}: a tolerated performance lies between 0 and 100 %, not at {least:g} %.")
    return match["rest"], least


def _require_sense(number: int, factor: Factor) -> None:
    """Refuse values that are twice there, that the query language does not know, or that are not 100 % together."""
    values = [wish.value for wish in factor.wishes]
    twice = [value for value in values if values.count(value) > 1]
    if twice:
        raise BadPlan(f"Line {number}: “{twice[0]}” is twice in {factor.name}.")
    total = sum(wish.share for wish in factor.wishes)
    if abs(total - 100) > 0.5:
        raise BadPlan(f"Line {number}: the shares of {factor.name} make {total:g} %, not 100 %.")
    for wish in factor.wishes:
        if factor.name in RANGES and ".." not in wish.value:
            raise BadPlan(f"Line {number}: {factor.name} is a number: give ranges, as in “0..60 50%, 60..255 50%”.")
        try:
            parse(factor.query(wish.value))
        except QueryError as error:
            raise BadPlan(f"Line {number}: {error}") from None


@transaction.atomic
def save_plan(*, project: Project, text: str, by: User | None, now: datetime) -> list[Factor]:
    """Keep a plan in place of the one before. Raises BadPlan, and then nothing is changed."""
    factors = read_plan(text)
    take_turns(project=project, what="plan of conditions")
    if factors == plan_of(project):
        return factors
    PlanFactor.objects.filter(project=project).delete()
    PlanFactor.objects.bulk_create(
        PlanFactor(project=project, position=place, name=one.name, values=[asdict(wish) for wish in one.wishes])
        for place, one in enumerate(factors)
    )
    said = ", ".join(one.name for one in factors) or "no condition"
    events.record(kind="plan.conditions", text=f"The data set should cover: {said}.", project=project, by=by, now=now)
    versions.bump(project_id=project.pk)
    return factors
