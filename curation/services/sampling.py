"""Samples with wanted shares of conditions: chosen by seed, kept as a tag and a view, what lacks said as deficits."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import numpy as np
import numpy.typing as npt
from django.db import transaction
from django.db.models import Case, Exists, IntegerField, OuterRef, Value, When

from crowd.errors import CrowdError
from curation.datasets.sampling import BadTarget, Deficit, Mode, Wish, sample
from curation.models import Asset, AssetTag, HeldOutPicture, Project, TagRun, User
from curation.services import events, versions
from curation.services.asset_query import matching, parse
from curation.services.asset_query.filters import origin
from curation.services.coverage.counting import tests_of
from curation.services.coverage.plan import Factor
from curation.services.turns import take_turns

TAG: Final = "sample"
LONGEST_NAME: Final = 40
A_BATCH: Final = 5_000
NONE_OF_THEM: Final = -1


@dataclass(frozen=True, slots=True)
class Order:
    """What a sample is to hold: `size` of the assets that `query` means, with the shares of `factors`."""

    factors: Sequence[Factor]
    size: int
    query: str = ""
    seed: int = 0
    mode: Mode = "fill"


@dataclass(frozen=True, slots=True)
class Count:
    """A value of a condition: how many of the sample have it, how many would have."""

    factor: str
    value: str
    taken: int
    wanted: int


@dataclass(frozen=True, slots=True)
class Sample:
    """`asset_ids` are primary keys; `among` how many assets could have been taken."""

    asset_ids: Sequence[int]
    among: int
    counts: Sequence[Count]
    deficits: Sequence[Deficit] = field(default=())


def drawn(*, project: Project, order: Order) -> Sample:
    """Choose; nothing is written. Held-out pictures and videos are never among them. Raises CrowdError, QueryError."""
    order = replace(order, factors=_wanted(order.factors))
    keys, ids, codes = _read(project, order)
    try:
        wishes = [Wish(one.name, {wish.value: wish.share for wish in one.wishes}) for one in order.factors]
        found = sample(codes, ids, wishes, size=order.size, seed=order.seed, mode=order.mode)
    except BadTarget as wrong:
        raise CrowdError(str(wrong)) from None
    counts = [
        Count(factor.name, wish.value, int(np.sum(code[found.chosen] == place)), round(order.size * wish.share / 100))
        for factor, code in zip(order.factors, codes, strict=True)
        for place, wish in enumerate(factor.wishes)
    ]
    return Sample(keys[found.chosen].tolist(), len(keys), counts, found.deficits)


@transaction.atomic
def keep(*, project: Project, name: str, order: Order, by: User | None, now: datetime) -> Sample:
    """Draw a sample and tag its assets `sample: NAME`, so that a query, a view or an export means exactly them."""
    take_turns(project=project, what="sample")
    name = _free_name(project, name)
    found = drawn(project=project, order=order)
    tagger = f"{TAG}: {name}"
    for start in range(0, len(found.asset_ids), A_BATCH):
        _tag(project, tagger, name, found.asset_ids[start : start + A_BATCH])
    told: dict[str, Any] = {"query": order.query, "size": order.size, "seed": order.seed, "mode": order.mode}
    text = f"Sample “{name}”: {len(found.asset_ids):,} of {found.among:,} assets, seed {order.seed}."
    events.record(kind="sample.kept", text=text, project=project, by=by, data=told, now=now)
    versions.bump(project_id=project.pk)
    return found


def query_of(name: str) -> str:
    """Return the query that means a kept sample."""
    return f'tag:"{TAG}: {name}"'


def _read(project: Project, order: Order) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64], list[Any]]:
    """Return keys, ids (n × 2) and codes of all assets that may be taken, in one statement."""
    held_out = HeldOutPicture.objects.filter(
        held_out__project=project, held_out__retired_at=None, sha256=OuterRef("sha256")
    )
    rows: Any = matching(parse(order.query), project=project).exclude(media=Asset.Media.VIDEO).order_by()
    rows = rows.filter(~Exists(held_out)).alias(origin=origin())
    names = [f"f{place}" for place in range(len(order.factors))]
    for name, factor in zip(names, order.factors, strict=True):
        whens = (When(test, then=Value(code)) for code, test in enumerate(tests_of(project, factor)))
        rows = rows.annotate(**{name: Case(*whens, default=Value(NONE_OF_THEM), output_field=IntegerField())})
    found = list(rows.values_list("pk", "public_id", *names).iterator(chunk_size=A_BATCH))
    words = b"".join(row[1].bytes for row in found)
    table = np.array([(row[0], *row[2:]) for row in found], dtype=np.int64).reshape(-1, 1 + len(names))
    codes = [table[:, 1 + place].astype(np.intp) for place in range(len(names))]
    return table[:, 0], np.frombuffer(words, dtype=">u8").astype(np.uint64).reshape(-1, 2), codes


def _wanted(factors: Sequence[Factor]) -> list[Factor]:
    """Leave out values of which nothing is wanted: no asset is taken for them."""
    return [replace(factor, wishes=tuple(wish for wish in factor.wishes if wish.share > 0)) for factor in factors]


def _free_name(project: Project, name: str) -> str:
    name = name.strip()
    if not name or len(name) > LONGEST_NAME or set(name) & set('",\\\0'):
        raise CrowdError(f"The name of a sample has 1 to {LONGEST_NAME} characters, without quotes and commas.")
    if AssetTag.objects.filter(project_id=project.pk, key=TAG, value=name).exists():
        raise CrowdError(f"{project.name} has a sample “{name}” already; give this one another name.")
    return name


def _tag(project: Project, tagger: str, name: str, asset_ids: Sequence[int]) -> None:
    runs = TagRun.objects.bulk_create(
        TagRun(project_id=project.pk, asset_id=pk, tagger=tagger, version="1") for pk in asset_ids
    )
    AssetTag.objects.bulk_create(
        AssetTag(
            run=run, project_id=project.pk, asset_id=run.asset_id, key=TAG, value=name, source=AssetTag.Source.RULE
        )
        for run in runs
    )
