"""From a query to a filter on columns that have an index. No name of a column ever comes from outside."""

from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from functools import reduce
from operator import or_
from typing import Final
from uuid import UUID

from django.db.models import Case, CharField, F, Q, QuerySet, Value, When

from crowd.models import Worker
from crowd.models.worker import DIGEST_BYTES
from curation.models import Asset, AssetTag, Consensus, DatasetItem, DatasetVersion, LabelClass, Project, Stage
from curation.models.asset import AssetQuerySet
from curation.services.asset_query.boxes import has_box, has_box_of, one_of
from curation.services.asset_query.fields import BLUR, LIGHT, NONE, RESOLUTIONS, Bound
from curation.services.asset_query.grammar import (
    AT_LEAST,
    AT_MOST,
    IS,
    LESS,
    MORE,
    Between,
    Query,
    QueryError,
    Term,
)
from curation.services.asset_query.grammar import Value as Word
from curation.services.consents import present_texts

CROWD: Final = "crowd"
FEW: Final = 2_000
LOOKUPS: Final = {LESS: "lt", AT_MOST: "lte", MORE: "gt", AT_LEAST: "gte"}
Test = Callable[[Project | None, Term], Q]


def matching(query: Query, *, project: Project | None = None, among: QuerySet[Asset] | None = None) -> AssetQuerySet:
    """Return the assets of a project (or `among` others) that the query means."""
    rows: AssetQuerySet = Asset.objects.all() if among is None else among  # type: ignore[assignment]
    if project is not None:
        rows = rows.filter(project=project)
    if any(term.field == "source" for term in query.terms):
        rows = rows.alias(origin=origin())
    for term in query.terms:
        test = TESTS[term.field](project, term)
        rows = rows.filter(~test if term.negated else test)
    return rows


def origin() -> Case:
    """Return where an asset came from: all workers are one source."""
    return Case(When(worker_id__isnull=False, then=Value(CROWD)), default=F("source"), output_field=CharField())


def newest_version(project: Project | None) -> DatasetVersion | None:
    frozen = DatasetVersion.objects.filter(project=project, frozen_at__isnull=False, query="")
    return frozen.order_by("-number").first() if project is not None else None


def _any(tests: Iterable[Q]) -> Q:
    return reduce(or_, tests)


def _words(term: Term) -> list[str]:
    return [str(value.typed) for value in term.values if isinstance(value, Word)]


def _known(words: list[str]) -> list[str]:
    return [word for word in words if word != NONE]


def _class(project: Project | None, term: Term) -> Q:
    words = _words(term)
    if project is None:
        test = Q(label_class__name__in=_known(words))
    else:
        named = LabelClass.objects.filter(project=project, name__in=_known(words))
        test = Q(label_class__in=list(named.values_list("pk", flat=True)))
    return test | Q(label_class=None) if NONE in words else test


def _box(project: Project | None, term: Term) -> Q:
    words = _words(term)
    if project is None:
        raise QueryError("box is asked within one project; name the project.")
    classes = list(project.classes.filter(retired_at=None))
    wanted = [one.pk for one in classes if one.name in _known(words)]
    test = has_box_of(wanted, classes) if wanted else Q(pk__in=[])
    return test | ~Q(has_box()) if NONE in words else test


def _stage(project: Project | None, term: Term) -> Q:
    if project is None:
        return Q(stage__name__in=_words(term))
    named = Stage.objects.filter(project=project, name__in=_words(term))
    return Q(stage__in=list(named.values_list("pk", flat=True)))


def _exact(column: str) -> Test:
    def test(_project: Project | None, term: Term) -> Q:
        return Q(**{f"{column}__in": _words(term)})

    return test


def _reason(_project: Project | None, term: Term) -> Q:
    words = _words(term)
    return Q(reason__in=[*_known(words), *([""] if NONE in words else [])])


def _source(_project: Project | None, term: Term) -> Q:
    words = _words(term)
    return Q(origin__in=[*_known(words), *([""] if NONE in words else [])])


def _tag(project: Project | None, term: Term) -> Q:
    tags = AssetTag.objects.filter(run__is_current=True)
    if project is not None:
        tags = tags.filter(project_id=project.pk)
    return Q(pk__in=tags.filter(_any(map(_tagged, _words(term)))).values("asset"))


def _tagged(word: str) -> Q:
    """A value under any key, or `key: value`."""
    key, _, value = word.partition(":")
    exact = Q(value=word)
    return exact | Q(key=key.strip(), value=value.strip()) if value else exact


def _in_words(column: str, bands: Mapping[str, Bound]) -> Test:
    def test(_project: Project | None, term: Term) -> Q:
        return _any(banded(column, bands.get(word)) for word in _words(term))

    return test


def banded(column: str, bound: Bound | None) -> Q:
    if bound is None:
        return Q(**{f"{column}__isnull": True})
    low, high = bound
    test = Q(**{f"{column}__isnull": False})
    if low is not None:
        test &= Q(**{f"{column}__gte": low})
    return test if high is None else test & Q(**{f"{column}__lt": high})


def _resolution(_project: Project | None, term: Term) -> Q:
    return _any(map(finer_than_next, _words(term)))


def finer_than_next(word: str) -> Q:
    """Return whether a picture has this resolution and not a finer one."""
    if word == NONE:
        return Q(width=None) | Q(height=None)
    names = list(RESOLUTIONS)
    test = at_least(word) & Q(width__isnull=False, height__isnull=False)
    place = names.index(word)
    return test & ~at_least(names[place - 1]) if place else test


def at_least(word: str) -> Q:
    long, short = RESOLUTIONS[word]
    return Q(width__gte=long, height__gte=short) | Q(width__gte=short, height__gte=long)


def _compared(column: str, term: Term) -> Q:
    if term.op != IS:
        value = term.values[0]
        return Q(**{f"{column}__{LOOKUPS[term.op]}": value.typed}) if isinstance(value, Word) else Q()
    return _any(_within(column, value) for value in term.values)


def _within(column: str, value: Word | Between) -> Q:
    if isinstance(value, Word):
        return Q(**{column: value.typed})
    test = Q()
    if value.low is not None:
        test &= Q(**{f"{column}__gte": value.low.typed})
    return test if value.high is None else test & Q(**{f"{column}__lte": value.high.typed})


def _number(column: str) -> Test:
    def test(_project: Project | None, term: Term) -> Q:
        return _compared(column, term)

    return test


def _iou(project: Project | None, term: Term) -> Q:
    standing = Consensus.objects.filter(is_current=True, lowest_iou__isnull=False)
    if project is not None:
        standing = standing.filter(project_id=project.pk)
    wanted = standing.filter(_compared("lowest_iou", term)).order_by()
    if project is not None:
        few = list(wanted.values_list("asset", flat=True)[: FEW + 1])
        if len(few) <= FEW:
            return Q(one_of(sorted(few)))
    return Q(pk__in=wanted.values("asset"))


def _created(_project: Project | None, term: Term) -> Q:
    return _any(_days(term.op, value) for value in term.values)


def _days(op: str, value: Word | Between) -> Q:
    low, high = (value.low, value.high) if isinstance(value, Between) else (value, value)
    if op in {LESS, AT_MOST}:
        return Q(created_at__lt=midnight(high, 1 if op == AT_MOST else 0))
    if op in {MORE, AT_LEAST}:
        return Q(created_at__gte=midnight(low, 1 if op == MORE else 0))
    test = Q() if low is None else Q(created_at__gte=midnight(low))
    return test if high is None else test & Q(created_at__lt=midnight(high, 1))


def midnight(day: Word | None, later: int = 0) -> datetime:
    """Return the beginning of a day in UTC, or of the one after it."""
    if day is None or not isinstance(day.typed, date):
        raise QueryError(f"{day} is no day.")
    try:
        return datetime.combine(day.typed, time(), UTC) + timedelta(days=later)
    except OverflowError:
        raise QueryError(f"{day} is too far away.") from None


def _worker(_project: Project | None, term: Term) -> Q:
    return _any(map(_sent_by, _words(term)))


def _sent_by(word: str) -> Q:
    """By the pseudonym that screens show, or its beginning; by the number of the worker's page; or none."""
    if word == NONE:
        return Q(worker_id=None)
    if word.isascii() and word.isdecimal() and len(word) < 19:
        return Q(worker_id=int(word))
    digits = word.lower().removeprefix("w_")
    if not digits or not set(digits) <= set("0123456789abcdef") or len(digits) > 2 * DIGEST_BYTES:
        raise QueryError(f"worker is a name such as w_7f3a, as screens show it, not {word!r}.")
    low, high = (bytes.fromhex(digits.ljust(2 * DIGEST_BYTES, fill)) for fill in "0f")
    return Q(
        worker_id__in=list(
            Worker.objects.filter(ext_digest__gte=low, ext_digest__lte=high).values_list("pk", flat=True)
        )
    )


def _consent(project: Project | None, term: Term) -> Q:
    """By what its contributor agreed to: the present text, an earlier one, or nothing we know of."""
    if project is None:
        raise QueryError("consent is asked within one project; name the project.")
    there = Q(consented_at__isnull=False)
    present = there & Q(consent_version__in=present_texts(project))
    tests = {"present": present, "earlier": there & ~present, NONE: ~there}
    people = Worker.objects.filter(_any(tests[word] for word in _words(term))).values("pk")
    return Q(worker_id__in=people) | Q(worker_id=None, parent__worker_id__in=people)


def _platform(_project: Project | None, term: Term) -> Q:
    words = _words(term)
    test = Q(worker_id__in=Worker.objects.filter(account__slug__in=_known(words)).values("pk"))
    return test | Q(worker_id=None) if NONE in words else test


def _split(project: Project | None, term: Term) -> Q:
    words = _words(term)
    if project is None:
        raise QueryError("split is asked within one project; name the project.")
    items = DatasetItem.objects.filter(dataset=newest_version(project))
    test = Q(pk__in=items.filter(split__in=_known(words)).values("asset"))
    return test | ~Q(pk__in=items.values("asset")) if NONE in words else test


def _parent(_project: Project | None, term: Term) -> Q:
    return Q(parent__in=list(Asset.objects.filter(public_id__in=_ids(term)).values_list("pk", flat=True)))


def _own_id(_project: Project | None, term: Term) -> Q:
    return Q(public_id__in=_ids(term))


def _ids(term: Term) -> list[UUID]:
    return [value.typed for value in term.values if isinstance(value, Word) and isinstance(value.typed, UUID)]


def _name(_project: Project | None, term: Term) -> Q:
    return _any(Q(name__icontains=word) for word in _words(term))


TESTS: Final[Mapping[str, Test]] = {
    "class": _class,
    "box": _box,
    "state": _exact("state"),
    "stage": _stage,
    "reason": _reason,
    "tag": _tag,
    "light": _in_words("brightness", LIGHT),
    "blur": _in_words("sharpness", BLUR),
    "resolution": _resolution,
    "iou": _iou,
    "worker": _worker,
    "consent": _consent,
    "platform": _platform,
    "source": _source,
    "split": _split,
    "created": _created,
    "media": _exact("media"),
    "video": _parent,
    "id": _own_id,
    "name": _name,
    "size": _number("bytes"),
    "width": _number("width"),
    "height": _number("height"),
    "brightness": _number("brightness"),
    "sharpness": _number("sharpness"),
}
