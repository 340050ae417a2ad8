"""Films of feet: found right by people first, then cut; one frame of each group of twins, frames found right."""

import hashlib
import uuid
from functools import lru_cache

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage

from crowd.models import Assignment
from crowd.rehearsal import films
from curation.engine import asking, campaigns, flow, rehearsal
from curation.engine.planning import plan
from curation.engine.report import funnel_of
from curation.engine.wish import Wish
from curation.models import Asset, Project
from tests.crowd import market
from tests.crowd.market import NOON
from tests.engine import world

pytestmark = pytest.mark.django_db
PLAIN = {
    "collect": {"per_worker": 0},
    "validate": {"exam_tasks": 0, "control_per_page": 0, "page_size": 1},
    "frames": {"needs_skill": "", "control_per_page": 0, "page_size": 1},
}


def asked(**more: dict[str, object]) -> asking.Campaign:
    return asking.campaign(
        recipe="feet-videos",
        platform="inhouse",
        name=f"Feet {uuid.uuid4().hex[:8]}",
        wanted=2,
        settings={name: {**PLAIN.get(name, {}), **more.get(name, {})} for name in {*PLAIN, *more}},
    )


@pytest.fixture
def project() -> Project:
    made = campaigns.ensure_project(asked=asked(), by=None, now=NOON).project
    campaigns.open_all(project=made, by=None, now=NOON)
    world.settle()
    return made


@lru_cache
def film(seed: str, wrong: str | None = None) -> bytes:
    return films.encoded(films.plan(seed, "foot", wrong))


def send(project: Project, data: bytes) -> Asset:
    page = market.claim(world.batch(project, "collect"), world.worker(project))
    key = default_storage.save(f"uploads/{uuid.uuid4().hex}.mp4", ContentFile(data))
    digest = hashlib.sha256(data).hexdigest()
    market.submit(page, file={"key": key, "sha256": digest, "bytes": len(data), "name": "foot.mp4"})
    flow.take_in(project_id=project.pk, now=NOON)
    world.work(project, "collect")
    return Asset.objects.get(answer__assignment=page)


def page_of(video: Asset) -> tuple[str, str]:
    page = Assignment.objects.get(pk=video.answer.assignment_id)
    return page.state, page.reason


def test_a_film_is_judged_whole_by_a_sheet_and_paid_before_it_is_cut(project):
    video = send(project, film("anna"))
    assert world.stands(video) == ("validate", "waiting", "")
    assert (video.width, video.height, video.hash256) == (640, 480, None)
    with default_storage.open(video.preview.screen_key, "rb") as sheet:
        assert sheet.read(2) == b"\xff\xd8"
    for _ in range(2):
        world.answer(project, "validate", answer="correct")
    assert page_of(video)[0] == Assignment.State.ACCEPTED
    world.work(project)
    assert world.stands(video) == ("storyboard", "dropped", "cut_into_frames")
    frames = Asset.objects.filter(parent=video)
    assert frames.count() == 11
    assert frames.filter(stage__name="frames").count() == 4
    assert set(frames.filter(state="dropped").values_list("reason", flat=True)) == {"near_duplicate"}
    for _ in range(8):
        world.answer(project, "frames", answer="correct")
    world.work(project)
    assert frames.filter(state="published").count() == 4
    rows = {row["stage"]: (row["in"], row["passed"], row["dropped"], row.get("frames")) for row in funnel_of(project)}
    assert rows["collect"] == (1, 1, 0, None)
    assert rows["validate"] == (1, 1, 0, None)
    assert rows["storyboard"] == (1, 1, 0, 11)
    assert rows["checks"] == (11, 4, 7, None)
    assert rows["frames"] == (4, 4, 0, None)


def test_a_film_found_wrong_is_not_paid_and_never_cut(project):
    video = send(project, film("bob", "wrong_sign"))
    for _ in range(2):
        world.answer(project, "validate", answer="incorrect")
    world.work(project)
    assert world.stands(video) == ("validate", "dropped", "incorrect")
    assert page_of(video) == (Assignment.State.REJECTED, "The photo does not show what was asked for.")
    assert not Asset.objects.filter(parent=video).exists()


def test_a_film_that_is_short_small_or_a_copy_is_refused_before_anybody_judges_it(project):
    first = send(project, film("anna"))
    assert world.stands(first)[0] == "validate"
    for data, reason in (
        (film("anna"), "same_file"),
        (film("carl", films.TOO_SHORT), "video_too_short"),
        (film("dora", "low_resolution"), "video_too_small"),
        (b"no video", "unreadable_video"),
    ):
        assert world.stands(send(project, data)) == ("collect", "dropped", reason)


def test_the_plan_of_the_recipe_counts_films_and_then_their_frames():
    rows = {row.stage: row for row in plan(asking.campaign(recipe="feet-videos", platform="inhouse", wanted=1507))}
    assert (rows["collect"].n, rows["validate"].n, rows["frames"].n) == (1507, 2473, 56995)
    assert rows["collect"].micro == 37_675_000


def test_a_rehearsal_films_judges_cuts_and_thins():
    easy = {
        "validate": {"exam_tasks": 3, "exam_gate": 0, "control_per_page": 0},
        "frames": {"needs_value": 0, "control_per_page": 0},
    }
    document = rehearsal.rehearse(wish=Wish(recipe="feet-videos", seed=3, size=2, settings=easy))
    rows = {row["stage"]: row for row in document["funnel"]}
    assert list(rows) == ["collect", "validate", "storyboard", "checks", "frames", "publish"]
    films_cut = rows["storyboard"]["passed"]
    assert films_cut == rows["validate"]["passed"] >= 2
    assert (rows["checks"]["in"], rows["checks"]["passed"]) == (11 * films_cut, 4 * films_cut)
    assert rows["frames"]["in"] == 4 * films_cut
    assert document["quality"]["delivered"] == rows["publish"]["passed"] > 0
    assert document["ledger"]["charged_usd"] == document["ledger"]["accepted_work_usd"]
