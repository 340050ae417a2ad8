"""What people say about groups: keep this one too, keep this one instead, these belong together, keep them all."""

from collections.abc import Sequence
from uuid import UUID

from django.db import transaction
from django.db.models import QuerySet

from crowd.errors import CrowdError
from curation.models import Asset, LookalikeWord, Project, User
from curation.services import events, versions

MOST_AT_ONCE = 200


@transaction.atomic
def keep(*, project: Project, pictures: Sequence[UUID], by: User) -> int:
    """Each of these stands on its own from now on, whatever it looks like."""
    assets = _own(project, pictures)
    for asset in assets:
        _say(project, asset, None, by)
    _record(project, by, f"{by.name} keeps {len(assets):,} look-alike picture{'s' if len(assets) > 1 else ''}.")
    return len(assets)


@transaction.atomic
def keep_instead(*, project: Project, picture: UUID, instead_of: UUID, by: User) -> None:
    """The group keeps this picture, and lets the one go that led it."""
    asset, leader = _own(project, [picture, instead_of])
    if asset == leader:
        raise CrowdError("This picture is kept already.")
    LookalikeWord.objects.filter(asset=asset).delete()
    _say(project, leader, asset, by)
    _record(project, by, f"{by.name} keeps another picture of a group of look-alikes.")


@transaction.atomic
def merge(*, project: Project, leaders: Sequence[UUID], by: User) -> int:
    """These groups are one; the first one's picture is kept."""
    if len(set(leaders)) < 2:
        raise CrowdError("Choose two groups or more to make one of them.")
    first, *others = _own(project, leaders)
    if any(other.label_class_id != first.label_class_id for other in others):
        raise CrowdError("Pictures of different classes are never the same; choose groups of one class.")
    LookalikeWord.objects.filter(asset=first).delete()
    for other in others:
        _say(project, other, first, by)
    _record(project, by, f"{by.name} made one of {len(others) + 1:,} groups of look-alikes.")
    return len(others) + 1


@transaction.atomic
def unsay(*, project: Project, picture: UUID, by: User) -> None:
    """Take the word about one picture back: for it the distance decides again, all other words stand."""
    (asset,) = _own(project, [picture])
    gone, _ = LookalikeWord.objects.filter(asset=asset).delete()
    if not gone:
        raise CrowdError("Nothing is decided about this picture any more.")
    _record(project, by, f"{by.name} took a decision about a look-alike picture back.")


@transaction.atomic
def forget(*, project: Project, by: User) -> int:
    """Take all words back: the distance alone decides again."""
    gone, _ = LookalikeWord.objects.filter(project=project).delete()
    _record(project, by, f"{by.name} took {gone:,} decisions about look-alikes back.")
    return gone


def said_in(project: Project) -> QuerySet[LookalikeWord]:
    """Return all words about a project's pictures, the newest first."""
    rows = LookalikeWord.objects.filter(project=project).select_related("asset", "leader", "by")
    return rows.order_by("-created_at", "-id")


def _own(project: Project, pictures: Sequence[UUID]) -> list[Asset]:
    wanted = list(dict.fromkeys(pictures))
    if not 1 <= len(wanted) <= MOST_AT_ONCE:
        raise CrowdError(f"Choose 1 to {MOST_AT_ONCE} pictures, not {len(wanted):,}.")
    found = {row.public_id: row for row in Asset.objects.filter(project=project, public_id__in=wanted)}
    if len(found) < len(wanted):
        raise CrowdError("One of these pictures is not in this project.")
    return [found[one] for one in wanted]


def _say(project: Project, asset: Asset, leader: Asset | None, by: User) -> None:
    """The newest word counts: the row is made anew, so that words hold in the order in which they were said."""
    LookalikeWord.objects.filter(asset=asset).delete()
    LookalikeWord.objects.create(project=project, asset=asset, leader=leader, by=by)


def _record(project: Project, by: User, text: str) -> None:
    events.record(kind="lookalikes.word", text=text, project=project, by=by)
    versions.bump(project_id=project.pk)
