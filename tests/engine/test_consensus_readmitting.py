"""A ban that is lifted before its end lets the answers count again that were set aside because of it."""

from datetime import timedelta

import pytest

from crowd.clock import database_now
from crowd.models import Batch, Restriction, Task
from crowd.services import trust
from curation.models import Annotation, Asset, Consensus, Job, Project
from curation.services import bans, datasets, jobs
from curation.services.consensus import readmitting, reopening
from tests import scenes
from tests.crowd.market import NOON
from tests.engine import answered
from tests.engine.answered import ALIKE

pytestmark = pytest.mark.django_db
FOUR = (0.4, 0.402, 0.404, 0.401)
LATER = NOON + timedelta(hours=1)


@pytest.fixture
def project():
    found = answered.project(max_answers=5)
    scenes.batch(found, "boxes")
    return found


def ban(of: Project, *, rule: str = "control", days: int | None = None) -> Restriction:
    row = trust.restrict(
        worker_id=scenes.worker("w0").pk,
        scope=Restriction.Scope.PROJECT,
        scope_id=of.pk,
        reason="3 of 10 control tasks right",
        until=None if days is None else NOON + timedelta(days=days),
        by_rule=rule,
    )
    reopening.reopen(project_id=of.pk, now=NOON)
    return row


def lift(row: Restriction, of: Project) -> None:
    bans.lift(restriction=row, project=of, by=scenes.person("Alice"), now=LATER)


def worked(job: Job) -> None:
    assert jobs.run(job_id=job.pk, now=database_now())


def aside() -> int:
    return Annotation.objects.filter(discarded_at__isnull=False).count()


def test_lifting_the_ban_has_one_job_bring_the_answers_back_and_the_trace_says_so(project):
    (asset,) = answered.aggregated(project, FOUR)
    row = ban(project)
    answered.work(project)
    without = answered.current(asset)
    assert "answers.aside: 1 answer of somebody banned since left out" in without.trace
    lift(row, project)
    readmitting.ask_in(project.pk)
    worked(Job.objects.get(kind="readmit"))
    assert aside() == 0
    assert answered.stands(asset) == ("aggregate", "waiting", "")
    answered.work(project)
    again = answered.current(asset)
    assert (without.n_answers, again.n_answers) == (3, 4)
    assert again.trace[0].startswith("answers.again: the ban was lifted, so this counts again: A w_")
    assert not any("aside" in step for step in again.trace)
    assert answered.stands(asset)[1] == "published"


def test_it_happens_once(project):
    answered.aggregated(project, FOUR)
    row = ban(project)
    answered.work(project)
    lift(row, project)
    assert readmitting.readmit(project_id=project.pk, now=LATER) == 1
    assert readmitting.readmit(project_id=project.pk, now=LATER) == 0


def test_a_ban_that_ran_out_brings_no_answer_back(project):
    answered.aggregated(project, FOUR)
    row = ban(project, days=1)
    trust.lift(restriction_id=row.pk, now=NOON + timedelta(days=1))
    assert readmitting.readmit(project_id=project.pk, now=NOON + timedelta(days=1)) == 0
    assert aside() == 1


def test_another_ban_about_quality_keeps_the_answers_aside(project):
    answered.aggregated(project, FOUR)
    row = ban(project)
    batch = Batch.objects.get(project_id=project.pk, interface="boxes")
    trust.restrict(
        worker_id=row.worker_id, scope="batch", scope_id=batch.pk, reason="too fast", until=None, by_rule="speed"
    )
    lift(row, project)
    assert readmitting.readmit(project_id=project.pk, now=LATER) == 0
    assert aside() == 1


def test_a_false_alarm_of_dishonesty_leaves_answers_aside_that_a_ban_for_quality_speaks_against(project):
    answered.aggregated(project, FOUR)
    for_quality = ban(project, days=1)
    false_alarm = ban(project, rule="dishonesty", days=30)
    trust.lift(restriction_id=false_alarm.pk, now=LATER)
    assert readmitting.readmit(project_id=project.pk, now=LATER) == 0
    trust.lift(restriction_id=for_quality.pk, now=LATER)
    assert readmitting.readmit(project_id=project.pk, now=LATER) == 1


def test_what_a_frozen_version_holds_stays_and_its_answers_come_back(project):
    (asset,) = answered.aggregated(project, FOUR)
    row = ban(project)
    answered.work(project)
    datasets.freeze_version(project_id=project.pk, by=None, now=NOON)
    before = answered.current(asset)
    lift(row, project)
    readmitting.readmit(project_id=project.pk, now=LATER)
    assert aside() == 0
    assert answered.stands(asset)[1] == "published"
    assert answered.current(asset) == before


def test_the_answer_offered_in_its_stead_is_taken_back_while_nobody_has_begun_it(project):
    (asset,) = answered.aggregated(project, ALIKE)
    batch = Batch.objects.get(project_id=project.pk, interface="boxes")
    task = Task.objects.create(
        batch=batch, key="one", project_id=project.pk, item_id=asset.pk, overlap=3, issued=3, done=3
    )
    row = ban(project)
    answered.work(project, "aggregate", "boxes")
    task.refresh_from_db()
    assert (answered.stands(asset)[:2], task.overlap) == (("boxes", "working"), 4)
    lift(row, project)
    readmitting.readmit(project_id=project.pk, now=LATER)
    task.refresh_from_db()
    assert (answered.stands(asset)[:2], task.overlap) == (("aggregate", "waiting"), 3)
    answered.work(project)
    assert answered.stands(asset)[1] == "published"


def test_an_image_whose_other_answers_are_still_to_come_waits_for_them(project):
    asset = answered.image(project, (0.4,), at="boxes", state="working")
    batch = Batch.objects.get(project_id=project.pk, interface="boxes")
    task = Task.objects.create(
        batch=batch, key="one", project_id=project.pk, item_id=asset.pk, overlap=3, issued=2, done=1
    )
    row = ban(project)
    lift(row, project)
    readmitting.readmit(project_id=project.pk, now=LATER)
    task.refresh_from_db()
    assert (answered.stands(asset)[:2], task.overlap) == (("boxes", "working"), 3)
    assert not Consensus.objects.exists()
    assert Asset.objects.get(pk=asset.pk).reason == ""


def test_a_ban_on_a_whole_account_asks_every_project_of_it(project):
    other = answered.project()
    batches = [scenes.batch(one, "boxes") for one in (project, other)]
    account = batches[0].account_id
    Batch.objects.filter(pk=batches[1].pk).update(account_id=account)
    row = trust.restrict(
        worker_id=scenes.worker("w0").pk,
        scope=Restriction.Scope.ACCOUNT,
        scope_id=account,
        reason="3 of 10 control tasks right",
        until=None,
        by_rule="control",
    )
    lift(row, project)
    assert {job.project_id for job in Job.objects.filter(kind="readmit")} >= {project.pk, other.pk}
