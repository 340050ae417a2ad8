"""What the data set covers: every count is that of the query behind it, gaps are what the plan lacks."""

from collections.abc import Sequence

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from crowd.errors import CrowdError
from crowd.models import Assignment, Batch, Task, Worker
from curation.engine import gap_plan
from curation.models import Asset, AssetTag, ConsensusBox, LabelClass, Pool, Project, TagRun
from curation.services.asset_query import matching, parse
from curation.services.coverage import (
    AMONG,
    Factor,
    Heat,
    class_balance,
    coming,
    heat,
    matrix,
    open_places,
    pairs,
    read_plan,
    tag_keys,
    usual_factor,
    wanted_of_classes,
)
from curation.services.coverage.pairs import covered, unseen
from curation.services.coverage.report import balance_of
from tests.factories import make_answer, make_asset, make_consensus, make_pool, make_project, make_worker

pytestmark = pytest.mark.django_db
DARK, PLAIN = 20.0, 120.0


def many(project: Project, n: int, *, light: float = PLAIN, **fields: object) -> list[Asset]:
    return [make_asset(project, brightness=light, **fields) for _ in range(n)]


def looked_at(project: Project, factor: Factor, among: str = "published", *, boxes: bool = False) -> Heat:
    found = matrix(project=project, factor=factor, among=among, boxes=boxes)
    on_its_way = None
    if not boxes:
        kept = matrix(project=project, factor=factor, among="kept")
        on_its_way = coming(found=found, kept=kept, places=open_places(project))
    return heat(
        found=found,
        classes=list(project.classes.all()),
        wanted=wanted_of_classes(project),
        among=AMONG[among],
        boxes=boxes,
        on_its_way=on_its_way,
    )


def tagged(asset: Asset, key: str, *values: str) -> None:
    run = TagRun.objects.create(project_id=asset.project_id, asset=asset, tagger=key, version="1")
    AssetTag.objects.bulk_create(
        AssetTag(run=run, project_id=asset.project_id, asset=asset, key=key, value=value, source="rule")
        for value in values
    )


def test_every_cell_counts_what_its_query_finds(project: Project):
    palm = LabelClass.objects.create(project=project, index=9, name="palm")
    worker = make_worker()
    many(project, 2, light=DARK)
    many(project, 3, label_class=palm, width=640, height=480)
    sent = make_asset(project, worker=worker, brightness=None)
    make_asset(project, Asset.State.DROPPED, stage="checks", brightness=DARK)
    make_asset(project, Asset.State.WAITING, stage="checks", media=Asset.Media.VIDEO, brightness=None)
    tagged(sent, "weather", "sunny", "windy")
    for name in ("light", "blur", "resolution", "platform", "worker", "source", "weather"):
        factor = usual_factor(project, name)
        if factor is None:
            assert name == "source"
            continue
        shown = looked_at(project, factor, "kept")
        for line in (*shown.lines, shown.totals):
            for cell in line.cells:
                assert cell.n == matching(parse(cell.query), project=project).count(), cell.query
        assert shown.totals.n == 6


def test_a_class_lacks_what_its_pool_wants_and_the_plan_says(project: Project):
    pool = make_pool(project, "PEACE", wanted=40)
    many(project, 4, light=DARK)
    many(project, 16)
    (plan,) = read_plan("light: low 30% ±5, normal 50%, bright 20%")
    shown = looked_at(project, plan)
    low, normal, bright = shown.lines[0].cells
    assert (low.n, low.flag, low.missing) == (4, "under", 8)
    assert (normal.n, normal.flag, normal.missing) == (16, "under", 4)
    assert (bright.n, bright.missing) == (0, 8)
    assert [(gap.wish.value, gap.missing) for gap in shown.gaps] == [("low", 8), ("bright", 8), ("normal", 4)]
    Pool.objects.filter(pk=pool.pk).update(wanted=0)
    assert [cell.flag for cell in looked_at(project, plan).lines[0].cells] == ["under", "over", "under"]


def test_within_the_tolerance_nothing_is_missing(project: Project):
    many(project, 3, light=DARK)
    many(project, 7)
    (plan,) = read_plan("light: low 33% ±5, normal 67% ±5, bright 0%")
    assert looked_at(project, plan).gaps == ()


def test_what_is_on_its_way_is_not_asked_for_again(project: Project):
    """Of 40 wanted 4 are there, 16 under way with a light of their own, and 20 places are open."""
    pool = make_pool(project, "PEACE", wanted=40)
    many(project, 4, light=DARK)
    many(project, 16, state=Asset.State.WAITING, stage="validate")
    batch = Batch.objects.get(pool_id=pool.pk)
    free = [Task(batch=batch, key=f"free-{n}", project_id=project.pk, overlap=1) for n in range(20)]
    Task.objects.bulk_create([*free, Task(batch=batch, key="taken", project_id=project.pk, overlap=1, issued=1)])
    (plan,) = read_plan("light: low 30% ±5, normal 50%, bright 20%")
    gaps = {gap.wish.value: (gap.missing, gap.coming, gap.left) for gap in looked_at(project, plan).gaps}
    assert gaps == {"low": (8, 6, 2), "normal": (20, 20, 0), "bright": (8, 4, 4)}
    Pool.objects.filter(pk=pool.pk).update(state=Pool.State.DONE)
    assert [gap.left for gap in looked_at(project, plan).gaps] == [8, 8, 4]


@pytest.mark.parametrize(
    ("state", "taken_in", "left"),
    [("active", False, 1), ("submitted", False, 1), ("submitted", True, 2), ("expired", False, 2)],
)
def test_a_place_in_somebodys_hands_is_on_its_way(project, state, taken_in, left):
    """Two of ten are missing; one place of the gap's pool was taken, and is neither free nor a photo yet."""
    pool = make_pool(project, "PEACE", wanted=10)
    many(project, 1, light=DARK)
    many(project, 9)
    (plan,) = read_plan("light: low 30% ±5, normal 70% ±5")
    Pool.objects.filter(pk=pool.pk).update(condition=plan.condition("low"), wanted=2)
    page = make_answer(pool, make_worker(), state).assignment
    Assignment.objects.filter(pk=page.pk).update(processed_at=timezone.now() if taken_in else None)
    (gap,) = looked_at(project, plan).gaps
    assert (gap.missing, gap.left) == (2, left)


def test_nothing_is_missing_of_a_class_that_nobody_wants(project: Project):
    now = timezone.now()
    old = LabelClass.objects.create(project=project, index=8, name="old", retired_at=now)
    LabelClass.objects.create(project=project, index=9, name="never")
    many(project, 4, light=DARK, label_class=old)
    (plan,) = read_plan("light: low 50% ±5, normal 50% ±5")
    shown = looked_at(project, plan)
    assert {line.name: line.n for line in shown.lines} == {"peace": 0, "old": 4, "never": 0}
    assert {cell.flag for line in shown.lines for cell in line.cells} == {""}
    assert shown.gaps == ()
    with pytest.raises(CrowdError, match="not there any more"):
        gap_plan.plan_for(project=project, factors=[plan], asked=f"{old.pk}:0:1:2")


def test_a_second_look_counts_nothing_again(project: Project):
    worker = make_worker()
    tagged(make_asset(project, worker=worker), "weather", "sunny")
    ask = [
        lambda: class_balance(project=project, among="published"),
        lambda: tag_keys(project),
        lambda: usual_factor(project, "weather"),
        lambda: usual_factor(project, "source"),
        lambda: usual_factor(project, "worker"),
    ]
    first = [call() for call in ask]
    with CaptureQueriesContext(connection) as asked:
        assert [call() for call in ask] == first
    assert [one["sql"] for one in asked if "COUNT(" in one["sql"]] == []


def test_a_matrix_of_boxes_counts_the_boxes_that_stand(project: Project):
    pool, worker = make_pool(project), make_worker()
    asset = make_asset(project, worker=worker, answer=make_answer(pool, worker), brightness=DARK)
    agreed = make_consensus(asset)
    ConsensusBox.objects.create(consensus=agreed, seq=1, label="no gesture", x=0, y=0, w=0.1, h=0.1, confidence=1)
    factor = usual_factor(project, "light")
    assert factor is not None
    shown = looked_at(project, factor, boxes=True)
    assert {cell.wish.value: cell.n for cell in shown.totals.cells}["low"] == 2
    LabelClass.objects.create(project=project, index=50, name="no_gesture", is_negative=True)
    found = {
        one.label.name: (one.images, one.frames, one.boxes) for one in class_balance(project=project, among="published")
    }
    assert found["peace"] == (1, 1, 1)
    assert found["no_gesture"] == (0, 1, 1)
    for one in class_balance(project=project, among="published"):
        found = matching(parse(f'{AMONG["published"]} box:"{one.label.name}"'), project=project)
        assert found.count() == one.frames


def test_the_tools_of_the_published_search_have_too_many_screwdrivers():
    """11,669 images hold 21,363 boxes: 8,591 are screwdrivers, 40.2 %, and 1.83 boxes an image."""
    counts = {"driller": 3236, "hammer": 3217, "paintbrush": 2413, "screwdriver": 8591, "wheelbarrow": 3906}
    classes = [LabelClass(pk=n, index=n, name=name) for n, name in enumerate(counts, start=1)]
    found = balance_of(classes, {}, {one.pk: (counts[one.name], 0) for one in classes}, None)
    assert {one.label.name: one.flag for one in found} == {**dict.fromkeys(counts, ""), "screwdriver": "over"}
    assert f"{found[3].share:.3f}" == "0.402"
    assert sum(one.boxes for one in found) == 21_363
    (plan,) = read_plan("class: driller 15%, hammer 15%, paintbrush 25% ±5, screwdriver 25% ±5, wheelbarrow 20%")
    planned = balance_of(classes, {}, {one.pk: (counts[one.name], 0) for one in classes}, plan)
    assert [one.flag for one in planned] == ["", "", "under", "over", ""]


def test_pairs_that_never_come_together_are_listed(project: Project):
    for light, weather, n in ((DARK, "sunny", 5), (PLAIN, "sunny", 6), (PLAIN, "rainy", 2)):
        for asset in many(project, n, light=light):
            tagged(asset, "weather", weather)
    plan = read_plan("light: low, normal\nweather: sunny, rainy")
    found = pairs(project=project, factors=plan, among="published")
    assert found is not None
    assert (found.all, found.covered) == (4, 2)
    assert [(one.words, one.n) for one in found.missing] == [
        (("light: low", "weather: rainy"), 0),
        (("light: normal", "weather: rainy"), 2),
    ]
    assert pairs(project=project, factors=plan[:1], among="published") is None


def test_pairs_of_a_wide_plan_are_few_where_its_cells_are_many():
    def factor(name: str, n: int) -> Factor:
        (one,) = read_plan(f"{name}: {', '.join(f'v{value}' for value in range(n))}")
        return one

    plan: Sequence[Factor] = [factor(f"f{n}", n) for n in (19, 4, 5, 6, 3)]
    assert covered(plan, {}, 5).all == 461


def test_kinds_seen_once_tell_how_likely_something_new_is():
    assert unseen([1, 1, 8]) == 0.2
    assert unseen([]) is None


def test_another_projects_pictures_are_not_counted(project: Project):
    other = make_project("Other")
    many(other, 3, light=DARK)
    factor = usual_factor(project, "light")
    assert factor is not None
    assert looked_at(project, factor).totals.n == 0
    assert Worker.objects.count() == 0
