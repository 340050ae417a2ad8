"""What one more answer costs."""

from crowd.models import Batch
from crowd.services.publishing import most_per_page, real_places
from curation.models import Stage


def price_of_answer(batch: Batch) -> int:
    """Return micro-dollars for one answer: the dearest page with the platform's fee, over its real tasks."""
    return most_per_page(batch) // real_places(batch)


def dearest_answer(stage: Stage) -> int:
    """Return the price of an answer on the dearest of the platforms that share a stage; 0 before there are pools."""
    batches = Batch.objects.filter(stage_id=stage.pk, kind=Batch.Kind.MAIN).select_related("account")
    return max((price_of_answer(batch) for batch in batches), default=0)
