"""The performance a plan tolerates under a condition, beside what the newest model was measured to reach there."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import count

from django.db import transaction

from curation.models import Project, ScenarioVerdict, User
from curation.services import scenarios
from curation.services.asset_query import parse
from curation.services.coverage.plan import Factor
from curation.services.evaluating import is_by
from curation.services.scenarios import Terms

MOST_PERCENT = 99.9


def measured(*, project: Project, factor: Factor) -> dict[str, ScenarioVerdict]:
    """Return, by value, the verdict of the newest model in the scenario that asks for what is tolerated there."""
    values = {terms: value for value, terms in _tolerated([factor])}
    rows = ScenarioVerdict.objects.filter(
        scenario__project=project,
        scenario__retired_at=None,
        scenario__query__in=[terms.query for terms in values],
        is_current=True,
    )
    rows = rows.select_related("scenario", "predictions").order_by("predictions_id", "scenario_id")
    told = [(scenarios.terms_of(row.scenario), row) for row in rows]
    return {values[terms]: row for terms, row in told if terms in values and is_by(row, terms)}


def unmeasured(*, project: Project, factors: Sequence[Factor]) -> int:
    """Return how many tolerated performances no scenario asks for."""
    wanted = {terms for _, terms in _tolerated(factors)}
    return len(wanted - set(map(scenarios.terms_of, scenarios.standing(project)))) if wanted else 0


@transaction.atomic
def make_scenarios(*, project: Project, factors: Sequence[Factor], by: User, now: datetime) -> int:
    """Make or change a scenario for each performance the plan tolerates. Raises CrowdError, QueryError."""
    asked = {row.name: scenarios.terms_of(row) for row in scenarios.standing(project)}
    wanted = [(f"{factor.name} {value}", terms) for factor in factors for value, terms in _tolerated([factor])]
    for name, terms in wanted:
        if terms not in asked.values():
            free = _free(name, terms, asked)
            scenarios.save(project=project, name=free, terms=terms, by=by, now=now)
            asked[free] = terms
    return len(wanted)


def _free(name: str, terms: Terms, asked: Mapping[str, Terms]) -> str:
    """Return a name that no scenario has but one of the plan that tolerated another performance before."""
    for number in count(1):
        more = f" {number}" if number > 1 else ""
        free = name[: scenarios.LONGEST_NAME - len(more)].strip() + more
        if free not in asked or replace(asked[free], tolerated=terms.tolerated) == terms:
            return free
    raise AssertionError("numbers end")


def _tolerated(factors: Sequence[Factor]) -> list[tuple[str, Terms]]:
    """Return value and terms of each performance that is tolerated."""
    return [
        (wish.value, Terms(str(parse(factor.query(wish.value))), round(min(wish.least, MOST_PERCENT) / 100, 5)))
        for factor in factors
        for wish in factor.wishes
        if wish.least is not None
    ]
