"""Who checks like the others: votes of a stage that asks for a label, against what was decided."""

from collections.abc import Mapping

from django.db.models import Count, F, OuterRef, Q, Subquery

from curation.models import Annotation, Consensus, Project, Stage
from curation.services.quality_facts.keeping import kept
from curation.services.quality_facts.people import BIG, Care, Tally, judge


def checkers_in(project: Project, stage: Stage) -> Mapping[int, Care]:
    """Return `checkers_of`, computed once for the project's version."""
    return kept("checkers", project, stage, lambda: checkers_of(stage), lambda found: len(found) > BIG)


def checkers_of(stage: Stage) -> dict[int, Care]:
    """Compare every vote with the label that was decided, the own vote among those that decided it.

    Images whose votes tie do not count. Careless is who is surely wrong far more often than the others: see `judge`.
    """
    decided = Consensus.objects.filter(
        asset=OuterRef("asset"), stage=stage, is_current=True, status=Consensus.Status.LABEL
    )
    rows = (
        Annotation.objects.filter(stage=stage, kind=Annotation.Kind.LABEL, discarded_at__isnull=True)
        .annotate(decided=Subquery(decided.values("label")[:1]))
        .filter(decided__isnull=False)
        .order_by()
        .values("worker_id")
        .annotate(n=Count("id"), right=Count("id", filter=Q(label=F("decided"))))
    )
    return judge({row["worker_id"]: Tally(images=row["n"], right=row["right"]) for row in rows})
