"""What the checks have proven to be one photo, though both are in the project: a crop stands with its original."""

from collections.abc import Iterator
from typing import Final
from uuid import UUID

from django.db.models import Exists, OuterRef, Q

from crowd.models import Evidence
from curation.models import Asset, Decision
from curation.preprocessing.verify import SAME_PHOTO

PEOPLE: Final = [Decision.By.PERSON, Decision.By.REVIEWER]


def pairs_of(project_id: int) -> list[tuple[int, int]]:
    """Return (picture, the earlier one that it shows again) by id, in the order in which they came.

    Such a picture waits for a person. Where one has said that it is no cheating, or has brought it back, the machine's
    proof no longer counts; nor does it between pictures of two classes.
    """
    found = dict(_proofs(project_id))
    if not found:
        return []
    rows = Asset.objects.filter(project_id=project_id, public_id__in=set(found.values()))
    earlier = {public_id: (pk, label) for public_id, pk, label in rows.values_list("public_id", "id", "label_class_id")}
    classes = dict(Asset.objects.filter(pk__in=list(found)).values_list("id", "label_class_id"))
    cleared = set(
        Evidence.objects.filter(project_id=project_id, kind=SAME_PHOTO, overturned_at__isnull=False).values_list(
            "item_id", flat=True
        )
    )
    return [
        (picture, earlier[other][0])
        for picture, other in sorted(found.items())
        if picture not in cleared and other in earlier and earlier[other][1] == classes[picture]
    ]


def _proofs(project_id: int) -> Iterator[tuple[int, UUID]]:
    verdicts = [Decision.Verdict.DROPPED, Decision.Verdict.HELD]
    rows = Decision.objects.filter(stage__project_id=project_id, verdict__in=verdicts, reason=SAME_PHOTO)
    people = Decision.objects.filter(asset=OuterRef("asset"), pk__gt=OuterRef("pk"), by_kind__in=PEOPLE)
    wanted = Q(verdict=Decision.Verdict.RESTORED) | Q(verdict=Decision.Verdict.PASSED, stage=OuterRef("stage"))
    rows = rows.exclude(asset__state=Asset.State.DROPPED).exclude(Exists(people.filter(wanted))).order_by("id")
    for picture, other in rows.values_list("asset_id", "evidence__other_asset"):
        if other:
            yield picture, UUID(other)
