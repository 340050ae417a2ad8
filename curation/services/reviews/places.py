"""Where an image under review stands: its consensus, its review stage, its task at the crowd."""

from crowd.models import Task
from curation.models import Asset, Consensus, Stage


def current_consensus(asset: Asset) -> Consensus | None:
    """Return the consensus of the latest stage that has one."""
    return Consensus.objects.current().filter(asset=asset).first()


def review_stage(asset: Asset) -> Stage:
    return Stage.objects.filter(project_id=asset.project_id, kind="review").order_by("-position").first() or asset.stage


def crowd_task(asset: Asset) -> Task | None:
    """Return the real task of the latest crowd stage before review in which this image was answered."""
    stages = Stage.objects.filter(project_id=asset.project_id, position__lt=review_stage(asset).position)
    order = list(stages.order_by("position").values_list("pk", flat=True))
    tasks = Task.objects.select_for_update(of=("self",)).select_related("batch")
    found = tasks.filter(item_id=asset.pk, overlap__isnull=False, cancelled=False, batch__stage_id__in=order)
    return max(found, key=lambda task: (order.index(task.batch.stage_id), task.pk), default=None)
