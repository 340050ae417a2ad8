"""Scenarios: kept queries with the performance that is tolerated there, which every model version must pass."""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, Final

from django.db import transaction

from crowd.bulk import UNSTORABLE
from crowd.errors import CrowdError
from curation.models import Project, Scenario, User
from curation.services import events, jobs, versions
from curation.services.asset_query import matching, parse
from curation.services.turns import take_turns

LONGEST_NAME: Final = 60
MOST: Final = 100


@dataclass(frozen=True, slots=True)
class Terms:
    """What is asked of a model: `metric` at least `tolerated`, on the images that `query` means."""

    query: str
    tolerated: float
    metric: str = Scenario.Metric.RECALL
    iou: float = 0.5
    confidence: float = 0.5

    def __post_init__(self) -> None:
        if self.metric not in Scenario.Metric.values:
            raise CrowdError(f"{self.metric[:20]!r} is no metric; there are {', '.join(Scenario.Metric.values)}.")
        if not 0 < self.tolerated < 1:
            raise CrowdError(f"The tolerated performance is above 0 and below 1, such as 0.9, not {self.tolerated:g}.")
        if not 0 < self.iou <= 1:
            raise CrowdError(
                f"The overlap from which a box counts as found is above 0 and at most 1, not {self.iou:g}."
            )
        if not 0 <= self.confidence <= 1:
            raise CrowdError(f"The confidence from which a box counts as said is 0 to 1, not {self.confidence:g}.")


def standing(project: Project) -> list[Scenario]:
    """Return the scenarios that are asked now, in the order they were made."""
    return list(Scenario.objects.filter(project=project, retired_at=None))


def terms_of(scenario: Scenario) -> Terms:
    told = scenario
    return Terms(told.query, told.tolerated, told.metric, told.iou, told.confidence)


@transaction.atomic
def save(*, project: Project, name: str, terms: Terms, by: User | None, now: datetime) -> Scenario:
    """Keep a scenario, or give the one of this name other terms: then all models are judged anew. Raises QueryError."""
    take_turns(project=project, what="scenarios")
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or UNSTORABLE.search(name):
        raise CrowdError(f"The name of a scenario has 1 to {LONGEST_NAME} characters.")
    query = parse(terms.query)
    matching(query, project=project)
    values: dict[str, Any] = {**asdict(terms), "query": str(query)}
    row = Scenario.objects.filter(project=project, name=name, retired_at=None).first()
    if row is not None and all(getattr(row, key) == value for key, value in values.items()):
        return row
    if row is None and len(standing(project)) >= MOST:
        raise CrowdError(f"A project has at most {MOST} scenarios; remove one first.")
    row = row or Scenario(project=project, name=name, created_by=by, created_at=now)
    for key, value in values.items():
        setattr(row, key, value)
    row.save()
    row.refresh_from_db(fields=["public_id"])
    text = f"Scenario “{name}”: {row.get_metric_display()} of at least {terms.tolerated:g} on “{query}”."
    events.record(kind="scenario.saved", text=text, project=project, subject=row, by=by, data=values, now=now)
    ask(project)
    return row


@transaction.atomic
def retire(*, scenario: Scenario, by: User | None, now: datetime) -> None:
    """Ask it no more; what models did in it stays on record."""
    row = Scenario.objects.select_for_update().get(pk=scenario.pk)
    if row.retired_at is not None:
        return
    row.retired_at = now
    row.save(update_fields=["retired_at"])
    text = f"Scenario “{row.name}” is asked no more."
    events.record(kind="scenario.retired", text=text, project=scenario.project, subject=row, by=by, now=now)
    versions.bump(project_id=row.project_id)


def ask(project: Project) -> None:
    """Have all models judged that were not judged by the present terms."""
    jobs.wake(kind="evaluate", key=str(project.pk), project_id=project.pk, payload={"project_id": project.pk})
    versions.bump(project_id=project.pk)
