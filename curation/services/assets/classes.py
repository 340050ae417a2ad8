"""Which class a picture belongs to."""

from collections.abc import Mapping

from django.db import transaction

from crowd.bulk import bulk_change
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


def classify(*, chosen: Mapping[Asset, str]) -> None:
    """Put pictures into the class whose name people chose, if there is one. The caller holds the rows' locks."""
    projects, names = {asset.project_id for asset in chosen}, set(chosen.values())
    found = LabelClass.objects.filter(project__in=projects, name__in=names)
    classes = {(one.project_id, one.name): one for one in found}
    known = {asset: classes.get((asset.project_id, name)) for asset, name in chosen.items()}
    moved = [asset for asset, label in known.items() if label is not None]
    for asset in moved:
        asset.label_class = known[asset]
    rows = [(asset.pk, asset.label_class_id) for asset in moved]
    bulk_change(model=Asset, columns=["label_class_id"], rows=rows)


def class_payload(label: LabelClass | None) -> dict[str, str]:
    """Return what a task says about its class."""
    return {
        "class": label.name if label else "",
        "prompt": label.prompt if label else "",
        "template_key": label.example_key if label else "",
    }
