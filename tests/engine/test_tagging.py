"""Tags as a stage: said once and kept, cheap taggers first, intervals of whole videos, and what screens count."""

from datetime import timedelta

import numpy as np
import pytest
from django.db import IntegrityError, transaction

from crowd.clock import database_now
from curation.engine import campaigns, flow
from curation.engine.asking import Campaign
from curation.models import Asset, AssetTag, Decision, Job, Project, Stage, TagRun
from curation.preprocessing.taggers.base import Tag, View
from curation.preprocessing.taggers.registry import Setup
from curation.recipes.loading import load
from curation.services import ingest, jobs, tag_counts, tagging
from curation.services.asset_query import Query
from curation.stages import tag as tag_stage
from curation.stages.tag import TagSettings
from tests.factories import make_user
from tests.preprocessing.clips import clip, steady

pytestmark = pytest.mark.django_db
CALLS: list[str] = []


class Costly:
    """An expensive model: sees a thing in every picture that is redder than blue."""

    needs = frozenset({View.RGB})
    cost_ms = 500.0

    def __init__(self, name: str, version: str = "1") -> None:
        self.name, self.version = name, version

    def tags(self, views) -> list[Tag]:
        CALLS.append(self.name)
        red = float(views.rgb[..., 0].mean()) > float(views.rgb[..., 2].mean())
        return [Tag("thing", "car, red" if red else "none", "model", 0.9, box=(0.1, 0.1, 0.5, 0.5))]


@pytest.fixture(autouse=True)
def costly(monkeypatch):
    CALLS.clear()
    setups = {"costly": Setup.model_validate({"class": f"{__name__}:Costly"})}
    monkeypatch.setattr(tagging, "setups", lambda: setups)
    monkeypatch.setattr(tag_stage, "QUIET_SECONDS", 0)
    tagging.tagger.cache_clear()
    yield
    tagging.tagger.cache_clear()


def newer(monkeypatch) -> None:
    setup = Setup.model_validate({"class": f"{__name__}:Costly", "options": {"version": "2"}})
    monkeypatch.setattr(tagging, "setups", lambda: {"costly": setup})
    tagging.tagger.cache_clear()


MOTION = {"tagger": "motion", "keep": {"key": "motion", "any_of": ["yes"]}}
THING = {"tagger": "costly", "keep": {"key": "thing", "any_of": ["car, red"], "top": 4}}


def project_with(**settings: object) -> Project:
    asked = Campaign(
        recipe=load("camera-footage"),
        name="Cameras",
        classes=("scene",),
        wanted=10,
        platform="inhouse",
        budget_micro=0,
        settings={"tag": settings},
    )
    return campaigns.ensure_project(asked=asked, by=make_user("Alice"), now=database_now()).project


def footage(tmp_path, moves: str, name: str = "a.mp4"):
    """A clip in which every tenth frame moves against the one before, or not, and is red when it moves."""
    rng = np.random.default_rng(5)
    room = np.kron(rng.integers(90, 120, (10, 16, 3)), np.ones((40, 40, 1))).astype(np.uint8)
    places = []
    for number, mark in enumerate(moves):
        places.append((number * 90) % 480 if mark == "1" else places[-1] if places else 0)

    def draw(number: int) -> np.ndarray:
        picture = room.copy()
        left = places[number // 10]
        picture[150:350, left : left + 120] = (230, 20, 20)
        return picture

    return clip(tmp_path / name, times=steady(10 * len(moves)), draw=draw)


def taken(project: Project, *files: object) -> list[Asset]:
    ingest.ingest(project=project, sources=[str(file) for file in files], now=database_now())
    return work(project)


def work(project: Project) -> list[Asset]:
    for stage in project.stages.order_by("position"):
        while flow.work_stage(stage=Stage.objects.get(pk=stage.pk), now=database_now()):
            pass
    return list(Asset.objects.filter(project=project, parent__isnull=False).order_by("parent", "frame_index"))


def ends(frames: list[Asset]) -> str:
    return "".join({"published": "+", "dropped": "-", "held": "?", "waiting": "."}[one.state] for one in frames)


def test_frames_that_pass_every_layer_go_on_and_the_rest_is_left_out_with_the_layer(tmp_path):
    project = project_with(layers=[MOTION, THING], taggers=["shape", "light"])
    frames = taken(project, footage(tmp_path, "0011100000"))
    assert ends(frames) == "--+++-----"
    assert {one.reason for one in frames} == {"", "not_selected"}
    assert len(CALLS) == 3
    stopped = Decision.objects.get(asset=frames[0], stage__name="tag", verdict="dropped")
    assert stopped.evidence == {"layer": 0, "tagger": "motion", "wanted": ["yes"]}
    passed = Decision.objects.get(asset=frames[2], stage__name="tag", verdict="passed")
    assert passed.evidence["interval"] == pytest.approx([0.667, 1.333], abs=0.01)


def test_what_was_said_is_kept_with_source_score_version_and_time(tmp_path):
    project = project_with(layers=[MOTION, THING], taggers=["light"])
    frames = taken(project, footage(tmp_path, "001000"))
    found = {tag.key: tag for tag in tagging.current(frames[2])}
    assert set(found) == {"motion", "motion level", "thing", "lighting", "contrast", "blurriness"}
    thing = found["thing"]
    assert (thing.value, thing.source, thing.score, thing.box) == ("car, red", "model", 0.9, [0.1, 0.1, 0.5, 0.5])
    assert (thing.run.tagger, thing.run.version) == ("costly", "1")
    assert thing.run.seconds > 0
    assert set(TagRun.objects.filter(asset=frames[0]).values_list("tagger", flat=True)) == {"motion"}


def test_gaps_are_bridged_and_a_lone_frame_is_a_false_trigger(tmp_path):
    layer = {**MOTION, "min_length": 3, "max_gap": 1}
    frames = taken(project_with(layers=[layer], taggers=[]), footage(tmp_path, "010001101100"))
    assert ends(frames) == "-----+++++--"


def test_a_second_run_asks_nobody_and_adds_no_row(tmp_path):
    project = project_with(layers=[THING], taggers=["light"])
    frames = taken(project, footage(tmp_path, "0110"))
    rows, calls = AssetTag.objects.count(), len(CALLS)
    stage = project.stages.get(name="tag")
    Asset.objects.filter(project=project, parent__isnull=False).update(stage=stage, state="waiting")
    work(project)
    assert (AssetTag.objects.count(), len(CALLS)) == (rows, calls)
    assert len(frames) == TagRun.objects.filter(tagger="costly").count()


def test_a_slice_that_runs_out_of_calls_goes_on_without_asking_again(tmp_path, monkeypatch):
    monkeypatch.setattr(tag_stage, "CALLS_A_SLICE", 3)
    frames = taken(project_with(layers=[THING], taggers=["light"]), footage(tmp_path, "0111110"))
    assert ends(frames) == "+" * 7
    assert len(CALLS) == 7


def test_a_new_version_is_asked_again_and_the_old_word_stays(tmp_path, monkeypatch):
    project = project_with(layers=[THING], taggers=[])
    frame = taken(project, footage(tmp_path, "01"))[0]
    newer(monkeypatch)
    tagging.keep(asset=frame, name="costly", tags=[Tag("thing", "none", "model", 0.4)], seconds=0.1)
    assert [(run.version, run.is_current) for run in TagRun.objects.filter(asset=frame).order_by("id")] == [
        ("1", False),
        ("2", True),
    ]
    assert [tag.value for tag in tagging.current(frame)] == ["none"]


def test_two_current_words_of_one_tagger_cannot_be(tmp_path):
    frame = taken(project_with(layers=[THING], taggers=[]), footage(tmp_path, "01"))[0]
    with pytest.raises(IntegrityError), transaction.atomic():
        TagRun.objects.create(project_id=frame.project_id, asset=frame, tagger="costly", version="9")


def test_what_a_worker_sent_is_held_for_a_person_and_not_dropped(tmp_path):
    project = project_with(layers=[MOTION], taggers=[])
    ingest.ingest(project=project, sources=[str(footage(tmp_path, "0011"))], now=database_now())
    Asset.objects.filter(project=project).update(worker_id=7)
    assert ends(work(project)) == "??++"


def test_frames_wait_until_the_whole_video_is_there(tmp_path, monkeypatch):
    monkeypatch.setattr(tag_stage, "QUIET_SECONDS", 3600)
    project = project_with(layers=[MOTION], taggers=[])
    assert ends(taken(project, footage(tmp_path, "0011"))) == "...."
    stage = project.stages.get(name="tag")
    job = Job.objects.get(kind="work_stage", key=str(stage.pk))
    assert jobs.run(job_id=job.pk, now=database_now())
    job.refresh_from_db()
    assert job.state == Job.State.DUE
    assert job.next_at > database_now() + timedelta(seconds=30)
    while flow.work_stage(stage=stage, now=database_now() + timedelta(hours=2)):
        pass
    assert Asset.objects.filter(project=project, stage__name="publish").count() == 2
    assert Asset.objects.filter(project=project, reason="not_selected").count() == 2


def test_the_funnel_counts_what_reached_each_layer_what_it_cost_and_what_was_saved(tmp_path):
    project = project_with(layers=[MOTION, THING], taggers=["light"])
    taken(project, footage(tmp_path, "0011100000"))
    first, second = tagging.funnel(project.stages.get(name="tag"))
    assert (first.tagger, first.reached, first.passed, first.stopped, first.calls) == ("motion", 10, 3, 7, 10)
    assert (second.tagger, second.reached, second.passed, second.calls) == ("costly", 3, 3, 3)
    assert second.rule == "thing: car, red"
    assert second.saved_seconds == pytest.approx(second.seconds / 3 * 7)


def test_values_are_counted_with_their_share(tmp_path):
    project = project_with(layers=[MOTION], taggers=[])
    taken(project, footage(tmp_path, "0011100000"))
    found = {(one.key, one.value): (one.n, round(one.share, 2)) for one in tag_counts.counted(project, Query())}
    assert found["motion", "yes"] == (3, 0.3)
    assert found["motion", "unknown"] == (1, 0.1)


def test_a_tagger_nobody_knows_is_refused_before_anything_is_made():
    with pytest.raises(ValueError, match="'moton' is not a tagger; known are clock"):
        TagSettings(taggers=["moton"])
