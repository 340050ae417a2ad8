"""Which class a picture belongs to."""

from django.db import transaction

from crowd.errors import CrowdError
from crowd.models import Task
from curation.models import Asset, LabelClass, User
from curation.services import events, versions
from curation.services.assets.locking import locked


@transaction.atomic
def set_class(*, asset_id: int, label_class: LabelClass | None, by: User) -> Asset:
    """Say which class a picture belongs to; tasks about it that are still open ask for that class from now on."""
    asset = locked(asset_id)
    if label_class is not None and (label_class.project_id != asset.project_id or label_class.retired_at):
        raise CrowdError("This class does not belong to the project.")
    asset.label_class = label_class
    asset.save(update_fields=["label_class"])
    for task in Task.objects.select_for_update().filter(project_id=asset.project_id, item_id=asset.pk).order_by("pk"):
        task.payload = {**task.payload, **class_payload(label_class)}
        task.save(update_fields=["payload"])
    text = f"{by.name} put an asset into the class {label_class.name if label_class else '(none)'}."
    events.record(kind="asset.class", text=text, project=asset.project, subject=asset, by=by)
    versions.bump(project_id=asset.project_id)
    return asset


def class_payload(label: LabelClass | None) -> dict[str, str]:
    """Return what a task says about its class."""
    return {
        "class": label.name if label else "",
        "prompt": label.prompt if label else "",
        "template_key": label.example_key if label else "",
    }
