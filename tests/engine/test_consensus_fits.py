"""Fits: learnt from all answers and from what people decided, stored, used by the method, published as skills."""

import random

import pytest

from crowd.models import SkillEvent, SkillValue
from curation.models import Annotation, Consensus, ConsensusRun, Job, Project, ReliabilityFit
from curation.services import jobs
from curation.services.consensus import fits, refitting, runs, skills
from tests import scenes
from tests.crowd.market import NOON
from tests.engine import answered

pytestmark = pytest.mark.django_db
LEARNING = {"method": "reliability", "max_answers": 3}


@pytest.fixture
def project():
    return answered.project(**LEARNING)


def answers_come(project: Project, n: int, seed: int = 1) -> None:
    """Three careful people draw every hand; w3 misses most of them."""
    rng = random.Random(seed)
    for _ in range(n):
        left = rng.uniform(0.1, 0.6)
        careful = [left + rng.gauss(0, 0.003) for _ in range(3)]
        answered.image(project, [*careful, None if rng.random() < 0.7 else left])


def test_nothing_is_fitted_before_thirty_images(project):
    answers_come(project, 29)
    assert not fits.is_due(answered.stage(project, "boxes"))
    answers_come(project, 1, seed=2)
    assert fits.is_due(answered.stage(project, "boxes"))


def test_a_fit_knows_who_misses_and_publishes_it_as_a_skill(project):
    answers_come(project, 40)
    source = answered.stage(project, "boxes")
    fit = fits.refit(source=source, now=NOON)
    assert (fit.number, fit.images, fit.answers, fit.known) == (1, 40, 160, 0)
    values = {row.worker.name: row for row in SkillValue.objects.select_related("worker", "skill")}
    assert {row.skill.name for row in values.values()} == {f"Boxes: agreement (stage {source.pk})"}
    assert values["w3"].value < 60 < values["w0"].value
    assert SkillEvent.objects.get(worker=scenes.worker("w3")).reason.startswith("40 answers: names")
    fits.refit(source=source, now=NOON)
    assert SkillEvent.objects.filter(worker=scenes.worker("w3")).count() == 1


def test_each_project_of_a_recipe_keeps_its_own_skill_of_a_worker(project):
    other = answered.project(**LEARNING)
    for one, careless in ((project, "w3"), (other, "w0")):
        names = ["w0", "w1", "w2", "w3"]
        for n in range(40):
            asset = answered.image(one, ())
            for name in names:
                answered.answer(asset, None if name == careless and n % 4 else 0.1 + n / 100, by=name)
        fits.refit(source=answered.stage(one, "boxes"), now=NOON)
    mine = [skill_of(one, "w3") for one in (project, other)]
    assert mine[0] < 60 < mine[1]


def skill_of(project: Project, name: str) -> int:
    """Return the value that the project has learnt of somebody."""
    known = skills.name_of(answered.stage(project, "boxes"))
    return SkillValue.objects.get(worker=scenes.worker(name), skill__name=known).value


def test_it_is_due_again_after_a_fifth_more_or_two_hundred_answers(project):
    answers_come(project, 30)
    source = answered.stage(project, "boxes")
    fits.refit(source=source, now=NOON)
    assert not fits.is_due(source)
    answers_come(project, 5, seed=3)
    assert not fits.is_due(source)
    answers_come(project, 1, seed=4)
    assert fits.is_due(source)
    ReliabilityFit.objects.update(answers=fits.latest_fit(source).answers + 24 - 200 + 10_000)
    assert not fits.is_due(source)


def test_a_fit_that_the_library_of_today_cannot_read_is_passed_over_and_made_anew(project):
    answers_come(project, 30)
    source = answered.stage(project, "boxes")
    old = fits.refit(source=source, now=NOON)
    ReliabilityFit.objects.filter(pk=old.pk).update(state={**old.state, "version": 0})
    assert fits.latest_fit(source) is None
    assert fits.is_due(source)
    assert fits.refit(source=source, now=NOON).number == 2


def test_answers_that_are_added_up_wake_the_job_and_the_method_then_uses_the_fit(project):
    answers_come(project, 30)
    answered.work(project, "aggregate")
    assert set(Consensus.objects.values_list("fit", flat=True)) == {None}
    job = Job.objects.get(kind="refit")
    fits.run_refit(job, NOON)
    answers_come(project, 1, seed=5)
    answered.work(project, "aggregate")
    row = Consensus.objects.latest("id")
    assert (row.fit, row.method) == (ReliabilityFit.objects.get(), "reliability")
    assert row.status in {"hard", "soft"}
    assert row.expected_loss < 0.5


def test_a_job_that_is_woken_again_waits_a_minute(project):
    source = answered.stage(project, "boxes")
    fits.wake(source, inline=False, now=NOON)
    Job.objects.update(state="done")
    fits.wake(source, inline=False, now=NOON)
    job = Job.objects.get(kind="refit")
    assert (job.state, job.next_at) == ("due", NOON + refitting.A_MINUTE)


def test_a_driver_on_a_virtual_clock_fits_at_once_and_leaves_no_job(project):
    answers_come(project, 30)
    with jobs.moved_by_hand():
        answered.work(project, "aggregate")
    assert ReliabilityFit.objects.count() == 1
    assert not Job.objects.filter(kind="refit").exists()


def test_discarded_answers_teach_nothing(project):
    answers_come(project, 30)
    Annotation.objects.filter(worker_id=scenes.worker("w3").pk).update(discarded_at=NOON)
    fit = fits.refit(source=answered.stage(project, "boxes"), now=NOON)
    assert fit.answers == 90
    assert len(fit.state["workers"]) == 3


def test_applying_the_method_learns_first_and_going_back_brings_the_old_results(project):
    plain = answered.project(max_answers=3)
    answers_come(plain, 30)
    answered.work(plain)
    run = answered.apply(plain, method="reliability")
    assert ReliabilityFit.objects.filter(project_id=plain.pk).count() == 1
    assert Consensus.objects.filter(run=run, fit__isnull=False).count() == 30
    first = ConsensusRun.objects.get(stage__project=plain, number=1)
    answered.finished(runs.go_back(run=first, by=None, now=NOON))
    assert set(Consensus.objects.filter(project_id=plain.pk, is_current=True).values_list("method", flat=True)) == {
        "hard-soft-drop"
    }
