"""Things by a piece of their name: pools, workers, pictures, data sets. Few rows, of given projects only."""

import re
from collections.abc import Sequence
from uuid import UUID

from django.db.models import Case, IntegerField, OuterRef, Q, Subquery, Value, When

from crowd.models import Assignment, Worker
from curation.models import Asset, DatasetVersion, Pool
from curation.services.patience import in_time

MOST = 6
NAMES_MS = 60  # the list of assets finds every name; the palette is there at once
LEAST_ID = 6  # hex digits of an id that narrow enough
WORKER = re.compile(r"(?:w_)?([0-9a-f]{2,12})")
VERSION = re.compile(r"v?(\d{1,6})")


def pools(text: str, projects: Sequence[int], first: int = 0) -> list[Pool]:
    """Return pools whose title has every word; those of one project first."""
    rows = Pool.objects.filter(project__in=projects).select_related("project", "stage")
    for word in text.split():
        rows = rows.filter(Q(title__icontains=word) | Q(stage__title__icontains=word) | Q(kind=word.lower()))
    own = Case(When(project=first, then=Value(0)), default=Value(1), output_field=IntegerField())
    return list(rows.order_by(own, "title", "id")[:MOST])


def workers(text: str, projects: Sequence[int]) -> list[tuple[Worker, int]]:
    """Return workers whose pseudonym begins so, each with a project they worked in."""
    shape = WORKER.fullmatch(text.lower())
    if shape is None:
        return []
    low, high = _bytes_between(shape.group(1))
    worked = Assignment.objects.filter(worker=OuterRef("pk"), project_id__in=projects).order_by("-id")
    rows = Worker.objects.filter(ext_digest__gte=low, ext_digest__lt=high)
    found = rows.annotate(at=Subquery(worked.values("project_id")[:1])).filter(at__isnull=False)
    return [(row, row.at) for row in found.order_by("ext_digest")[:MOST]]


def _bytes_between(digits: str) -> tuple[bytes, bytes]:
    """Return the least digest that begins with these hex digits, and the least that is greater than all such."""
    low = int(digits.ljust(32, "0"), 16)
    return low.to_bytes(16, "big"), min(low + 16 ** (32 - len(digits)), 2**128 - 1).to_bytes(16, "big")


def assets(text: str, projects: Sequence[int]) -> list[Asset]:
    """Return pictures whose id or file name begins so; names among millions are looked through for a moment only."""
    rows = Asset.objects.filter(project__in=projects).select_related("project")
    digits = text.lower().replace("-", "")
    if LEAST_ID <= len(digits) <= 32 and re.fullmatch(r"[0-9a-f]+", digits):
        between = UUID(digits.ljust(32, "0")), UUID(digits.ljust(32, "f"))
        found = list(rows.filter(public_id__range=between).order_by("public_id")[:MOST])
        if found:
            return found
    named = rows.filter(name__istartswith=text).exclude(name="")[:MOST]
    return in_time(lambda: list(named), milliseconds=NAMES_MS) or []


def datasets(text: str, projects: Sequence[int]) -> list[DatasetVersion]:
    """Return frozen versions by number or note."""
    shape = VERSION.fullmatch(text.lower())
    by_number = Q(number=int(shape.group(1))) if shape else Q(pk=0)
    rows = DatasetVersion.objects.filter(by_number | Q(note__icontains=text), project__in=projects)
    return list(rows.select_related("project").order_by("-id")[:MOST])
