"""Pictures checked many at once: each becomes what it would have become alone, and nothing is half done."""

import math
from typing import Any

import pytest
from django.core.files.storage import default_storage

from crowd.models import Evidence
from curation.models import Asset, AssetCorners, AssetPreview, Decision, LabelClass, Project
from curation.services import erasing, previews
from curation.stages import checks
from curation.stages.base import Done
from curation.stages.measuring import look
from curation.stages.registry import stage_kind
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = pytest.mark.django_db
TAKEN, LATER = ("validate", "waiting", ""), ("checks", "waiting", "")


class Died(BaseException):
    """The process is gone in the middle of something."""


def many(project: Project) -> list[Asset]:
    """Good ones, copies of these, what nobody can read, a poor one and the same better, the example and its copy."""
    people = {name: world.worker(project, name) for name in ("wanda", "eve", "zoe")}
    files = [
        ("wanda", world.photo("one")),
        ("eve", b"<html>"),
        ("wanda", world.small_photo("two")),
        ("wanda", world.photo("two")),
        ("eve", world.resaved("one")),
        ("zoe", world.example()),
        ("zoe", world.edited_example("mirrored")),
        ("eve", world.small_photo("two")),
        ("wanda", world.photo("one")),
        ("zoe", world.photo("three")),
    ]
    return [world.send(project, data, people[name]) for name, data in files]


def became(project: Project, sent: list[Asset]) -> list[Any]:
    """Return where each stands, why, what is kept against whom, and what became of the page."""
    places = {str(one.public_id): place for place, one in enumerate(sent)}
    found: list[Any] = []
    for asset in sent:
        said = Decision.objects.filter(asset=asset).latest("id").evidence
        told = {name: places.get(str(value), value) for name, value in said.items() if name != "template_key"}
        against = Evidence.objects.filter(item_id=asset.pk).values_list("level", "kind", "awaits_person")
        found.append((world.stands(asset), told, list(against), world.page_of(asset).state))
    return [*found, world.totals(project).reserved_micro]


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    with monkeypatch.context() as alone:
        alone.setattr(checks, "TOGETHER", 1)
        project = world.campaign(wanted=20)
        sent = many(project)
        world.work(project, "checks")
    return became(project, sent)


def test_many_at_once_become_what_they_would_have_become_one_by_one(one_by_one, monkeypatch):
    reasons = [stands[2] for stands, *_ in one_by_one[:-1]]
    assert reasons[:6] == ["", "unreadable", "low_resolution", "", "same_photo", "template_copy"]
    assert reasons[8:] == ["same_file", ""]
    for together in (3, 20):
        monkeypatch.setattr(checks, "TOGETHER", together)
        project = world.campaign(wanted=20)
        sent = many(project)
        world.work(project, "checks")
        assert became(project, sent) == one_by_one


@pytest.mark.parametrize("turns", [0, 1, 2])
def test_a_process_that_dies_among_many_leaves_what_another_one_decides_alike(one_by_one, monkeypatch, turns):
    project, calls, real = world.campaign(wanted=20), [], checks.decide_all
    sent = many(project)

    def dies(**asked: Any) -> None:
        calls.append(asked)
        if len(calls) > turns:
            raise Died
        real(**asked)

    with monkeypatch.context() as dying:
        dying.setattr(checks, "decide_all", dies)
        with pytest.raises(Died):
            world.work(project, "checks")
    decided = sum(len(asked["found"]) for asked in calls[:turns])
    assert turns <= decided < len(sent)
    assert [world.stands(one) for one in sent].count(LATER) == len(sent) - decided
    world.work(project, "checks")
    assert became(project, sent) == one_by_one


def test_a_picture_that_fails_us_leaves_those_before_it_decided(monkeypatch):
    project, real = world.campaign(wanted=6), checks.held_out_match
    sent = [world.send(project, world.photo(seed)) for seed in ("one", "two", "three")]

    def fails(asset: Asset, *rest: Any) -> Any:
        if asset.pk == sent[1].pk:
            raise OSError("a fault of ours")
        return real(asset, *rest)

    monkeypatch.setattr(checks, "held_out_match", fails)
    with pytest.raises(OSError, match="of ours"):
        world.work(project, "checks")
    assert [world.stands(one) for one in sent] == [TAKEN, LATER, LATER]


def test_when_deciding_takes_long_the_rest_of_what_was_measured_waits_for_the_next_slice(monkeypatch):
    project = world.campaign(wanted=6)
    sent = [world.send(project, world.photo(seed)) for seed in ("one", "two", "three")]
    stage = project.stages.select_related("project").get(name="checks")
    with monkeypatch.context() as slow:
        slow.setattr(checks, "SECONDS_TO_DECIDE", -math.inf)
        assert stage_kind("checks").work(stage, NOON, 10) == Done(1, more=True)
    assert [world.stands(one) for one in sent] == [TAKEN, LATER, LATER]
    assert stage_kind("checks").work(stage, NOON, 10) == Done(2, more=False)


def test_what_is_erased_while_it_is_measured_stays_erased(monkeypatch):
    project, made, real = world.campaign(wanted=6), [], previews.store_copies
    wanda = world.worker(project)
    gone = world.send(project, world.photo("one"), wanda)
    stage, settings = project.stages.get(name="checks"), checks.ChecksSettings()
    there = world.send(project, world.photo("two"), world.worker(project, "zoe"))
    looked = look([gone, there], settings, math.inf)
    erasing.erase(project=project, worker=wanda, note="asked", by=world.person("Alice"), now=NOON)
    monkeypatch.setattr(previews, "store_copies", lambda copies: made.append(real(copies)) or made[-1])
    checks.check_all(looked=looked, stage=stage, settings=settings, now=NOON, until=math.inf)
    gone = world.fresh(gone)
    assert (gone.state, gone.reason, gone.hash256) == (Asset.State.DROPPED, erasing.REASON, None)
    assert not AssetPreview.objects.filter(asset=gone).exists()
    assert not AssetCorners.objects.filter(asset=gone).exists()
    kept = sorted([default_storage.exists(key) for key in keys.values()] for keys in made)
    assert kept == [[False] * 3, [True] * 3]
    assert world.stands(there) == TAKEN


def test_nobody_repeats_what_was_erased_while_others_were_decided(monkeypatch):
    project, real = world.campaign(wanted=6), checks.held_out_match
    wanda, otto = world.worker(project, "wanda"), world.worker(project, "otto")
    world.checked(project, world.photo("one"), wanda)
    first, copied = (world.send(project, data, otto) for data in (world.photo("two"), world.resaved("one")))

    def erases(asset: Asset, *rest: Any) -> Any:
        if asset.pk == copied.pk and Asset.objects.filter(worker_id=wanda.pk).exists():
            erasing.erase(project=project, worker=wanda, note="asked", by=world.person("Alice"), now=NOON)
        return real(asset, *rest)

    monkeypatch.setattr(checks, "held_out_match", erases)
    world.work(project, "checks")
    assert [world.stands(one) for one in (first, copied)] == [TAKEN, TAKEN]
    assert not Evidence.objects.exists()


def test_a_failure_to_store_leaves_no_copies(monkeypatch):
    project, made, real = world.campaign(wanted=6), [], previews.store_copies
    sent = [world.send(project, world.photo(seed)) for seed in ("one", "two", "three")]
    stage, settings = project.stages.get(name="checks"), checks.ChecksSettings()
    looked = look(sent, settings, math.inf)
    first = looked[0][1].copies

    def full(copies: Any) -> dict[str, str]:
        if copies is first:
            raise OSError("No space left")
        made.append(real(copies))
        return made[-1]

    monkeypatch.setattr(previews, "store_copies", full)
    with pytest.raises(OSError, match="No space left"):
        checks.check_all(looked=looked, stage=stage, settings=settings, now=NOON, until=math.inf)
    assert [default_storage.exists(key) for keys in made for key in keys.values()] == [False] * 6
    assert [world.stands(one) for one in sent] == [LATER] * 3


def test_a_lost_example_stops_no_stage_that_compares_with_none():
    project = world.campaign(wanted=6, checks={"templates": False})
    LabelClass.objects.filter(project=project).update(example_key="examples/never-stored.jpg")
    assert world.stands(world.checked(project, world.photo("one"))) == TAKEN
