"""The picture that workers copy for a class: a photo of one's own instead of a drawn one, or where there is none."""

from datetime import datetime

from django.db import connection, transaction

from crowd.models import Batch
from curation.models import LabelClass, Pool, User
from curation.services import events, instructions

# A page shows its task as it is now; what a platform got before stays as it was there.
SHOW = """
UPDATE crowd_task SET payload = jsonb_set(payload, '{template_key}', to_jsonb(%(key)s::text))
 WHERE batch_id = ANY(%(batches)s) AND payload ? 'template_key'
"""


def set_example(*, label: LabelClass, data: bytes, by: User, now: datetime) -> LabelClass:
    """Show this picture as the example of a class from now on; photos that copy it are found by the checks.

    Pictures sent before keep the example they were sent for. Raises CrowdError when it cannot be read.
    """
    piece = instructions.store(data=data, role="good", caption=label.name)
    return _set(label.pk, piece.key, by, now)


@transaction.atomic
def _set(label_id: int, key: str, by: User, now: datetime) -> LabelClass:
    label = LabelClass.objects.select_for_update(of=("self",)).select_related("project").get(pk=label_id)
    label.example_key = key
    label.save(update_fields=["example_key"])
    pools = Pool.objects.filter(label_class=label).values_list("pk", flat=True)
    batches = list(Batch.objects.filter(pool_id__in=list(pools)).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(SHOW, {"key": key, "batches": batches})
    text = f"{by.name} gave {label.name} another example picture."
    events.record(kind="instructions.example", text=text, project=label.project, by=by, now=now)
    return label
