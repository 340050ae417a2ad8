"""How many of the people we know stand on each step of a price by skill."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Count

from crowd.models import SkillValue
from curation.dashboard.crowd_forms import CrowdForm
from curation.dashboard.crowd_people import CrowdChoice
from curation.dashboard.plan_form import Asked

Values = Mapping[tuple[str, str], Counter[int]]  # by account and skill: how many people have which value


@dataclass(frozen=True, slots=True)
class Step:
    people: int
    price: str


@dataclass(frozen=True, slots=True)
class Earners:
    """`unrated` of the `known` people do not have the skill; they stand on no step."""

    known: int
    unrated: int
    steps: Sequence[Step]


def said(asked: Asked, crowds: Sequence[CrowdChoice]) -> dict[str, Earners]:
    """Return the people on each step, by the stage whose price goes by skill."""
    forms = [form for form in asked.stages if form.has_table and form.values["steps"]]
    known = {one.value: one.known for one in crowds}
    values = _values({form.values["price_skill"] for form in forms}) if forms else {}
    return {form.name: _earners(form, _accounts(asked, form, known), known, values) for form in forms}


def _accounts(asked: Asked, form: CrowdForm, known: Mapping[str, int]) -> list[str]:
    chosen = form.values["platforms"] or [asked.typed["platform"]]
    return [name for name in chosen if name in known]


def _values(names: set[str]) -> Values:
    rows = SkillValue.objects.filter(skill__name__in=names).order_by()
    found: dict[tuple[str, str], Counter[int]] = {}
    for slug, name, value, n in rows.values_list("skill__account__slug", "skill__name", "value").annotate(
        n=Count("pk")
    ):
        found.setdefault((slug, name), Counter())[value] += n
    return found


def _earners(form: CrowdForm, accounts: Sequence[str], known: Mapping[str, int], values: Values) -> Earners:
    skill = form.values["price_skill"]
    rated = sum((values.get((slug, skill), Counter()) for slug in accounts), Counter[int]())
    steps = [Step(_between(rated, row), str(row["price_usd"])) for row in form.values["steps"]]
    everybody = sum(known[slug] for slug in accounts)
    return Earners(everybody, everybody - rated.total(), steps)


def _between(rated: Counter[int], row: Mapping[str, Any]) -> int:
    low, high = str(row["low"]).strip(), str(row["high"]).strip()
    if not (low.isdecimal() and high.isdecimal()):
        return 0
    return sum(n for value, n in rated.items() if int(low) <= value <= int(high))
