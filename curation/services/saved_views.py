"""Queries over assets that people keep as tabs: their own, or shared with the project."""

from django.db import IntegrityError, transaction
from django.db.models import Max

from crowd.errors import CrowdError
from curation.models import Project, SavedView, User
from curation.services.asset_query import matching, parse
from curation.services.asset_query.parser import LONGEST

LONGEST_NAME = 60
MOST_VIEWS = 50


@transaction.atomic
def save(*, project: Project, owner: User, name: str, query: str, layout: str, is_shared: bool) -> SavedView:
    """Keep a query as the last tab. Raises CrowdError or QueryError."""
    mine = SavedView.objects.filter(project=project, owner=owner)
    if mine.count() >= MOST_VIEWS:
        raise CrowdError(f"A person keeps at most {MOST_VIEWS} views in a project; remove one first.")
    last = SavedView.objects.filter(project=project).aggregate(n=Max("position"))["n"] or 0
    view = SavedView(project=project, owner=owner, is_shared=is_shared, position=last + 1)
    view.name, view.query, view.layout = _name(name), _query(project, query), _layout(layout)
    return _kept(view)


@transaction.atomic
def rename(*, view: SavedView, name: str, is_shared: bool) -> SavedView:
    view.name, view.is_shared = _name(name), is_shared
    return _kept(view)


@transaction.atomic
def change_query(*, view: SavedView, query: str, layout: str) -> SavedView:
    view.query, view.layout = _query(view.project, query), _layout(layout)
    return _kept(view)


@transaction.atomic
def move(*, view: SavedView, user: User, right: bool) -> None:
    """Change places with the neighbour that this person sees; at the end nothing happens."""
    seen = list(SavedView.objects.filter(project=view.project_id).seen_by(user).select_for_update())
    place = seen.index(view)
    other = place + 1 if right else place - 1
    if not 0 <= other < len(seen):
        return
    seen[place], seen[other] = seen[other], seen[place]
    for position, one in enumerate(seen, start=1):
        one.position = position
    SavedView.objects.bulk_update(seen, ["position"])


def remove(*, view: SavedView) -> None:
    SavedView.objects.filter(pk=view.pk).delete()


def _kept(view: SavedView) -> SavedView:
    try:
        with transaction.atomic():
            view.save()
    except IntegrityError:
        raise CrowdError(f"You have a view “{view.name}” already; give this one another name.") from None
    return view


def _name(text: str) -> str:
    name = text.strip()
    if not name or len(name) > LONGEST_NAME or "\0" in name:
        raise CrowdError(f"The name of a view has 1 to {LONGEST_NAME} characters, not {len(name)}.")
    return name


def _query(project: Project, text: str) -> str:
    query = parse(text)
    matching(query, project=project)
    written = str(query)
    if len(written) > LONGEST:
        raise CrowdError(f"A view keeps a query of at most {LONGEST:,} characters, not {len(written):,}.")
    return written


def _layout(text: str) -> str:
    return text if text in SavedView.Layout.values else SavedView.Layout.GRID
