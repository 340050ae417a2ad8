"""The picture that workers copy for a class: a photo of one's own instead of a drawn one, or where there is none."""

import hashlib
from collections.abc import Collection, Sequence
from datetime import datetime

from django.db import connection, transaction

from crowd.models import Answer, Batch
from curation.models import Asset, FormerExample, LabelClass, Pool, Stage, User
from curation.services import events, instructions, locked_parts

# A place nobody has begun shows the new picture; one that a platform has got stays as it is there.
SHOW = """
WITH free AS (
  SELECT id FROM crowd_task
   WHERE batch_id = ANY(%(batches)s) AND item_id IS NULL AND issued = 0
     AND remote_id = '' AND push_id IS NULL AND payload ? 'template_key'
   ORDER BY id FOR UPDATE)
UPDATE crowd_task SET payload = jsonb_set(payload, '{template_key}', to_jsonb(%(key)s::text))
  FROM free WHERE crowd_task.id = free.id
"""


def set_example(*, label: LabelClass, data: bytes, by: User, now: datetime) -> LabelClass:
    """Show this picture as the example of a class from now on; photos that copy it or an earlier one are found.

    Who has begun a page keeps the example it shows, and photos are judged beside the one they were sent for.
    Raises CrowdError when it cannot be read.
    """
    bytes_of = Asset.objects.filter(project=label.project_id, sha256=hashlib.sha256(data).digest())
    locked_parts.refuse(project=label.project_id, asset_ids=bytes_of.values_list("pk", flat=True), what="as an example")
    piece = instructions.store(data=data, role="good", caption=label.name)
    return _set(label.pk, piece.key, by, now)


@transaction.atomic
def _set(label_id: int, key: str, by: User, now: datetime) -> LabelClass:
    label = LabelClass.objects.select_for_update(of=("self",)).select_related("project").get(pk=label_id)
    if label.example_key:
        FormerExample.objects.create(label_class=label, key=label.example_key, replaced_at=now)
    label.example_key = key
    label.save(update_fields=["example_key"])
    pools = Pool.objects.filter(label_class=label).values_list("pk", flat=True)
    batches = list(Batch.objects.filter(pool_id__in=list(pools)).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        cursor.execute(SHOW, {"key": key, "batches": batches})
    _show_as_answer(label)
    text = f"{by.name} gave {label.name} another example picture."
    events.record(kind="instructions.example", text=text, project=label.project, by=by, now=now)
    return label


def _show_as_answer(label: LabelClass) -> None:
    """Give the new picture to the pools whose answers are the examples of the classes."""
    stages = Stage.objects.filter(project=label.project, settings__option_pictures=True).values_list("pk", flat=True)
    for batch in Batch.objects.select_for_update(no_key=True).filter(stage_id__in=list(stages)).order_by("id"):
        options = [
            {**option, "picture": label.example_key} if option["value"] == label.name else option
            for option in batch.spec["options"]
        ]
        Batch.objects.filter(pk=batch.pk).update(spec={**batch.spec, "options": options})


def keys_of(label: LabelClass) -> list[str]:
    """Return the example pictures a class ever had, the one it has now last."""
    return [*label.former_examples.values_list("key", flat=True), *([label.example_key] if label.example_key else [])]


def sent_for(photos: Collection[Asset]) -> dict[int, str]:
    """Return the example each photo, or the video of a frame, was sent for; that of its class where nobody knows.

    The sender saw what his place shows, or an earlier example if the place got another after he had begun.
    """
    answer_of = {photo.pk: photo.answer_id or (photo.parent.answer_id if photo.parent else None) for photo in photos}
    answers = Answer.objects.filter(pk__in=[pk for pk in answer_of.values() if pk])
    rows = answers.values_list("pk", "task__payload__template_key", "assignment__issued_at")
    begun = {pk: (str(key or ""), at) for pk, key, at in rows}
    former: dict[int, list[FormerExample]] = {}
    for one in FormerExample.objects.filter(label_class__in={photo.label_class_id for photo in photos}):
        former.setdefault(one.label_class_id, []).append(one)
    return {
        photo.pk: _seen(
            photo.label_class, former.get(photo.label_class_id or 0, ()), begun.get(answer_of[photo.pk] or 0)
        )
        for photo in photos
    }


def _seen(label: LabelClass | None, former: Sequence[FormerExample], begun: tuple[str, datetime] | None) -> str:
    if label is None:
        return ""
    keys = [*(one.key for one in former), label.example_key]
    if begun is None or begun[0] not in keys:
        return label.example_key
    then = sum(one.replaced_at <= begun[1] for one in former)
    return keys[min(keys.index(begun[0]), then)]
