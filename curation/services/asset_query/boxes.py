"""Boxes that stand, and the class each of them counts for."""

from collections.abc import Sequence
from typing import Any, Final

from django.db.models import BigIntegerField, Case, F, QuerySet, Value, When
from django.db.models.functions import Lower, Replace

from curation.models import Consensus, ConsensusBox, LabelClass, Project

NOT_A_SIGN: Final = r"^(no_|none|negative)"


def standing_boxes(project: Project) -> QuerySet[ConsensusBox]:
    """Return the boxes that stand: of each image those of the latest stage that has some."""
    standing = Consensus.objects.filter(project_id=project.pk, is_current=True).of_boxes()
    latest = standing.order_by("asset_id", "-stage__position", "-pk").distinct("asset_id")
    return ConsensusBox.objects.filter(consensus__in=latest.values("pk")).order_by()


def with_class(rows: QuerySet[ConsensusBox], classes: Sequence[LabelClass]) -> Any:
    """Add the class a box counts for: the one its label names, the negative one, or that of its image."""
    plain = Lower(Replace(Replace(F("label"), Value(" "), Value("_")), Value("-"), Value("_")))
    named = [When(plain=_plain(one.name), then=Value(one.pk)) for one in classes]
    negative = next((one.pk for one in classes if one.is_negative), None)
    if negative is not None:
        named.append(When(plain__regex=NOT_A_SIGN, then=Value(negative)))
    of = Case(*named, default=F("consensus__asset__label_class_id"), output_field=BigIntegerField())
    return rows.annotate(plain=plain).annotate(of=of)


def _plain(name: str) -> str:
    return name.strip().lower().replace(" ", "_").replace("-", "_")
