"""Samples with wanted shares of conditions: chosen by seed, kept as a tag and a view, what lacks said as deficits."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import datetime
from typing import Any, Final, Literal
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import BigIntegerField, BinaryField, Case, Exists, OuterRef, Value, When
from django.db.models.functions import Cast, Coalesce

from crowd.errors import CrowdError
from curation.datasets.sampling import BadTarget, Deficit, Mode, Wish, sample, under_sample
from curation.models import Asset, AssetTag, HeldOutPicture, Job, Project, TagRun, User
from curation.services import events, jobs, locked_parts, saved_views, versions
from curation.services.asset_query import QueryError, matching, parse
from curation.services.asset_query.filters import origin
from curation.services.coverage.counting import tests_of
from curation.services.coverage.plan import Factor
from curation.services.coverage.plan import Wish as PlanWish
from curation.services.jobs import Again
from curation.services.turns import take_turns

TAG: Final = "sample"
LONGEST_NAME: Final = 40
A_BATCH: Final = 5_000
KIND: Final = "keep_sample"
MOST_AT_ONCE: Final = 5_000
HASH_BYTES: Final = 32
JOINED: Final = 65_536  # neighbouring keys whose rows come as one string
NONE_OF_THEM: Final = -1


Under = Literal["", "rarest", "next"]


@dataclass(frozen=True, slots=True)
class Order:
    """What a sample is to hold: `size` of the assets that `query` means, with the shares of `factors`.

    `under` takes no shares and no size: of the values of one factor as many as of the rarest, or as of the next rarest.
    `diverse` takes those of equal values that look most unlike.
    """

    factors: Sequence[Factor]
    size: int
    query: str = ""
    seed: int = 0
    mode: Mode = "fill"
    under: Under = ""
    diverse: bool = False


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
    if order.under:
        return _under(project, order)
    order = replace(order, factors=_wanted(order.factors))
    keys, ids, codes, looks = _read(project, order)
    try:
        wishes = [Wish(one.name, {wish.value: wish.share for wish in one.wishes}) for one in order.factors]
        found = sample(codes, ids, wishes, size=order.size, seed=order.seed, mode=order.mode, looks=looks)
    except BadTarget as wrong:
        raise CrowdError(str(wrong)) from None
    counts = [
        Count(factor.name, wish.value, int(np.sum(code[found.chosen] == place)), round(order.size * wish.share / 100))
        for factor, code in zip(order.factors, codes, strict=True)
        for place, wish in enumerate(factor.wishes)
    ]
    return Sample(keys[found.chosen].tolist(), len(keys), counts, found.deficits)


def _under(project: Project, order: Order) -> Sample:
    if len(order.factors) != 1:
        raise CrowdError(f"Under-sampling balances the values of one condition, not of {len(order.factors)}.")
    (factor,) = order.factors
    keys, ids, (code,), looks = _read(project, order)
    chosen = under_sample(
        code, ids, values=len(factor.wishes), seed=order.seed, keep_smallest=order.under == "next", looks=looks
    )
    taken = [int(np.sum(code[chosen] == place)) for place in range(len(factor.wishes))]
    most = max(taken, default=0)
    counts = [Count(factor.name, wish.value, n, most) for wish, n in zip(factor.wishes, taken, strict=True)]
    lacks = [Deficit(factor.name, one.value, most, one.taken) for one in counts if one.taken < most]
    return Sample(keys[chosen].tolist(), len(keys), counts, lacks)


@transaction.atomic
def keep(*, project: Project, name: str, order: Order, by: User | None, now: datetime) -> Sample:
    """Draw a sample and tag its assets `sample: NAME`, so that a query, a view or an export means exactly them.

    Who keeps it gets the view, shared with the project.
    """
    take_turns(project=project, what="sample")
    name = _free_name(project, name)
    if by is not None:
        view = f"Sample {name}"
        saved_views.save(project=project, owner=by, name=view, query=query_of(name), layout="", is_shared=True)
    found = drawn(project=project, order=order)
    tagger = f"{TAG}: {name}"
    for start in range(0, len(found.asset_ids), A_BATCH):
        _tag(project, tagger, name, found.asset_ids[start : start + A_BATCH])
    told: dict[str, Any] = {"query": order.query, "size": order.size, "seed": order.seed, "mode": order.mode}
    told |= {"under": order.under, "diverse": order.diverse}
    text = f"Sample “{name}”: {len(found.asset_ids):,} of {found.among:,} assets, seed {order.seed}."
    events.record(kind="sample.kept", text=text, project=project, by=by, data=told, now=now)
    versions.bump(project_id=project.pk)
    return found


def request(*, project: Project, name: str, order: Order, by: User, now: datetime) -> Sample | None:
    """Keep a sample while a person waits; None = it is large, so a job keeps it. Raises as `keep`."""
    name = _free_name(project, name)
    if len(drawn(project=project, order=order).asset_ids) <= MOST_AT_ONCE:
        return keep(project=project, name=name, order=order, by=by, now=now)
    told = {**asdict(order), "factors": [asdict(one) for one in order.factors]}
    payload = {"name": name, "order": told, "by": by.pk}
    with transaction.atomic():
        take_turns(project=project, what="sample")
        if name in being_kept(project):
            raise CrowdError(f"A sample “{name}” is being kept already; wait for it, or give this one another name.")
        jobs.wake(kind=KIND, key=f"{project.pk}:{uuid4()}", project_id=project.pk, payload=payload)
    return None


def being_kept(project: Project) -> list[str]:
    """Return the names of the samples that jobs are keeping."""
    under_way = Job.objects.filter(kind=KIND, project_id=project.pk, state__in=[Job.State.DUE, Job.State.RUNNING])
    return [str(payload["name"]) for payload in under_way.order_by("id").values_list("payload", flat=True)]


def run_keep(job: Job, now: datetime) -> Again | None:
    """Job: draw the sample again and keep it, all or nothing; the record says why when it cannot be."""
    project = Project.objects.get(pk=job.project_id or 0)
    told, name = dict(job.payload["order"]), str(job.payload["name"])
    wishes = [Factor(one["name"], tuple(PlanWish(**wish) for wish in one["wishes"])) for one in told.pop("factors")]
    by = User.objects.filter(pk=job.payload["by"]).first()
    try:
        keep(project=project, name=name, order=Order(factors=wishes, **told), by=by, now=now)
    except (CrowdError, QueryError) as refusal:
        text = f"Sample “{name}” was not kept: {refusal}"
        events.record(kind="sample.refused", text=text, project=project, by=by, now=now)
    return None


def query_of(name: str) -> str:
    """Return the query that means a kept sample."""
    return f'tag:"{TAG}: {name}"'


def _read(
    project: Project, order: Order
) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.uint64], list[Any], npt.NDArray[np.uint8] | None]:
    """Return keys, ids (n × 2), codes and hashes of all assets that may be taken, in one statement."""
    held_out = HeldOutPicture.objects.filter(
        held_out__project=project, held_out__retired_at=None, sha256=OuterRef("sha256")
    )
    rows: Any = matching(parse(order.query), project=project).exclude(media=Asset.Media.VIDEO).order_by()
    rows = locked_parts.without(rows.filter(~Exists(held_out)), project).alias(origin=origin())
    names = [f"f{place}" for place in range(len(order.factors))]
    for name, factor in zip(names, order.factors, strict=True):
        whens = (When(test, then=Value(code)) for code, test in enumerate(tests_of(project, factor)))
        code = Case(*whens, default=Value(NONE_OF_THEM), output_field=BigIntegerField())
        rows = rows.annotate(**{name: Cast(code, BigIntegerField())})
    if order.diverse:
        rows = rows.annotate(look=Coalesce("hash256", Value(bytes(HASH_BYTES)), output_field=BinaryField()))
    found = _packed(rows, names, looks=order.diverse)
    ids = np.stack([found["high"], found["low"]], axis=1).astype(np.uint64)
    codes = [found[name].astype(np.intp) for name in names]
    return found["pk"].astype(np.int64), ids, codes, found["look"].copy() if order.diverse else None


def _packed(rows: Any, names: Sequence[str], *, looks: bool) -> npt.NDArray[Any]:
    """Read rows of fixed width that the database joins to a few long strings: objects for each row take ten times."""
    row = np.dtype(
        [
            *(("pk", ">i8"), ("high", ">u8"), ("low", ">u8")),
            *((name, ">i8") for name in names),
            *([("look", "u1", (HASH_BYTES,))] if looks else []),
        ]
    )
    columns = ["pk", "public_id", *names, *(["look"] if looks else [])]
    sends = ["int8send(pk)", "uuid_send(public_id)", *(f"int8send({name})" for name in names)]
    joined = " || ".join([*sends, *(["look"] if looks else [])])
    try:
        sql, params = rows.values_list(*columns).query.sql_with_params()
    except EmptyResultSet:
        return np.zeros(0, row)
    with connection.cursor() as cursor:
        strings = f"string_agg({joined}, ''::bytea)"
        cursor.execute(f"SELECT {strings} FROM ({sql}) AS asset GROUP BY pk / {JOINED}", params)  # noqa: S608
        found = np.frombuffer(b"".join(part for (part,) in cursor.fetchall()), row)
    return found[np.argsort(found["pk"], kind="stable")]


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
