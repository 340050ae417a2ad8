"""Boxes that stand, and the class each of them counts for."""

from collections.abc import Collection, Sequence
from typing import Any, Final

from django.db.models import (
    BigIntegerField,
    BooleanField,
    Case,
    Exists,
    F,
    Func,
    OuterRef,
    Q,
    QuerySet,
    Subquery,
    Value,
    When,
)

from curation.models import Consensus, ConsensusBox, LabelClass, Project
from curation.models.consensus import PLAIN_LABEL

NOT_A_SIGN: Final = r"^(no_|none|negative)"
FEW_BOXES: Final = 500


def standing_boxes(project: Project) -> QuerySet[ConsensusBox]:
    """Return the boxes that stand: of each image those of the latest stage that has some."""
    standing = Consensus.objects.filter(project_id=project.pk, is_current=True).of_boxes()
    latest = standing.order_by("asset_id", "-stage__position", "-pk").distinct("asset_id")
    return ConsensusBox.objects.filter(consensus__in=latest.values("pk")).order_by()


def has_box() -> Exists:
    """Return whether an asset has a box that stands."""
    return Exists(_of_asset())


def one_of(few: Sequence[int]) -> Func:
    """Return whether an asset is one of few, looked up by key: else the database walks all and tests each.

    They are sent as one text: a parameter for each of them costs more than the page.
    """
    keys = Value(f"{{{','.join(map(str, few))}}}")
    is_one = {"template": "%(expressions)s::bigint[])", "arg_joiner": " = ANY("}
    return Func(F("pk"), keys, output_field=BooleanField(), **is_one)


def has_box_of(wanted: Collection[int], classes: Sequence[LabelClass]) -> Q:
    """Return whether an asset has a box that stands and counts for one of these classes, as `with_class` says it.

    Asked asset by asset, so that a page reads as many as it walks and not the boxes of the whole project; where few
    boxes are called like these classes, only of the assets that have them and of those of the classes themselves.
    """
    boxes = _of_asset().alias(plain=PLAIN_LABEL)
    unnamed = ~Q(plain__in=[_plain(one.name) for one in classes])
    called = [_plain(one.name) for one in classes if one.pk in wanted]
    named = Q(plain__in=called)
    negative = next((one.pk for one in classes if one.is_negative), None)
    if negative in wanted:
        named |= unnamed & Q(plain__regex=NOT_A_SIGN)
    if negative is not None:
        unnamed &= ~Q(plain__regex=NOT_A_SIGN)
    of_its_image = Q(Exists(boxes.filter(unnamed)), label_class__in=wanted)
    few = None if negative in wanted else _few_with(called)
    if few is None:
        return of_its_image | Q(Exists(boxes.filter(named)))
    return of_its_image | Q(one_of(few), Exists(boxes.filter(named))) if few else of_its_image


def _few_with(labels: Sequence[str]) -> list[int] | None:
    """Return the assets of all boxes with one of these plain labels, standing or not; None when they are many."""
    boxes = ConsensusBox.objects.alias(plain=PLAIN_LABEL).filter(plain__in=labels).order_by()
    found = list(boxes.values_list("consensus", flat=True)[: FEW_BOXES + 1])
    if len(found) > FEW_BOXES:
        return None
    return sorted({*Consensus.objects.filter(pk__in=found).values_list("asset", flat=True)}) if found else []


def _of_asset() -> QuerySet[ConsensusBox]:
    standing = Consensus.objects.filter(asset=OuterRef(OuterRef("pk")), is_current=True).of_boxes()
    latest = standing.order_by("-stage__position", "-pk").values("pk")[:1]
    return ConsensusBox.objects.filter(consensus=Subquery(latest)).order_by()


def with_class(rows: QuerySet[ConsensusBox], classes: Sequence[LabelClass]) -> Any:
    """Add the class a box counts for: the one its label names, the negative one, or that of its image."""
    named = [When(plain=_plain(one.name), then=Value(one.pk)) for one in classes]
    negative = next((one.pk for one in classes if one.is_negative), None)
    if negative is not None:
        named.append(When(plain__regex=NOT_A_SIGN, then=Value(negative)))
    of = Case(*named, default=F("consensus__asset__label_class_id"), output_field=BigIntegerField())
    return rows.annotate(plain=PLAIN_LABEL).annotate(of=of)


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")
