"""Nothing long inside a request: versions, splits and large batches are made by jobs that may die and go on."""

import json
import subprocess
import sys
from datetime import timedelta
from typing import Any

import pytest
from django.conf import settings as django_settings
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.errors import CrowdError
from crowd.models import Account, Batch, Budget, Task
from curation.api import throttles
from curation.models import (
    ApiToken,
    Asset,
    AssetBatch,
    DatasetItem,
    DatasetVersion,
    Event,
    Export,
    Job,
    Pool,
    Project,
    User,
)
from curation.services import batches, exporting, freezing, freezing_again, job_care, jobs, publish_filters, redis_away
from curation.services.pools import slots
from curation.services.split_rows import contents_of
from curation.services.splits import SplitPlan
from tests.api.conftest import Caller, carry_out, token_of
from tests.api.test_uploads import inline
from tests.doors.conftest import photo
from tests.factories import make_pool


def freeze(caller: Caller, project: Project) -> Any:
    return caller.send("POST", "/api/v1/datasets", {"project": str(project.public_id)})


def one_run(kind: str) -> Job:
    """Run the only job of a kind once, and return it as it is afterwards."""
    job = Job.objects.get(kind=kind)
    jobs.run(job_id=job.pk, now=timezone.now() + timedelta(seconds=1))
    job.refresh_from_db()
    return job


def kill(kind: str) -> Job:
    """Let the only job of a kind have failed for good."""
    Job.objects.filter(kind=kind).update(state=Job.State.DEAD, last_error="OSError: the disk is full")
    return Job.objects.get(kind=kind)


# --- versions --------------------------------------------------------------------------------------------------------
def test_a_version_is_frozen_by_a_job_that_is_cut_off_after_each_picture(
    alice: Caller, project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(freezing, "SLICE", 1)
    monkeypatch.setattr(freezing, "SECONDS_A_RUN", 0.0)
    asked = freeze(alice, project)
    version = asked.json()
    assert (asked.status_code, version["state"], version["frozen_at"]) == (202, "freezing", None)
    one_run("freeze")
    halfway = alice.get(asked["Location"].removeprefix("http://testserver")).json()
    assert (halfway["state"], halfway["done_n"], halfway["total_n"]) == ("due", 1, 2)
    shown = alice.get(f"/api/v1/datasets/{version['id']}").json()
    assert (shown["state"], shown["counts"]["images"]) == ("freezing", 1)
    assert freeze(alice, project).json()["id"] == version["id"], "the same wish meanwhile is this version"
    while one_run("freeze").state == Job.State.DUE:
        pass
    done = alice.get(f"/api/v1/datasets/{version['id']}").json()
    assert (done["state"], done["counts"]["images"], done["counts"]["boxes"]) == ("frozen", 2, 1)
    assert DatasetItem.objects.filter(dataset__public_id=version["id"]).count() == 2
    assert Event.objects.filter(kind="dataset.frozen").count() == 1
    assert freeze(alice, project).json()["number"] == 2, "and afterwards it is the next one"


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    for size in ("SLICE", "A_COPY"):
        monkeypatch.setattr(freezing, size, 1)
    monkeypatch.setattr(freezing, "SECONDS_A_RUN", 0.0)


@pytest.mark.usefixtures("one_by_one")
def test_what_is_taken_back_or_reported_while_a_version_is_frozen_is_not_in_it(
    alice: Caller, project: Project, people: dict[str, User]
):
    freeze(alice, project)
    one_run("freeze")
    first = DatasetItem.objects.get().asset
    Asset.objects.filter(pk=first.pk).update(state=Asset.State.HELD)
    while one_run("freeze").state == Job.State.DUE:
        pass
    version = DatasetVersion.objects.get()
    assert (version.state, version.counts["images"], version.counts) == ("frozen", 1, contents_of(version))
    second = version.items.get().asset
    Job.objects.all().delete()
    freeze(alice, project)
    one_run("freeze")
    publish_filters.report(asset=second, name="children", by=people["Alice"], now=timezone.now())
    while one_run("freeze").state == Job.State.DUE:
        pass
    refused = DatasetVersion.objects.get(number=2)
    assert (refused.state, refused.items.count()) == ("failed", 0)
    assert "1 image waits for a person in the publish filters" in refused.error


@pytest.mark.usefixtures("one_by_one")
def test_a_split_waits_for_earlier_versions_and_counts_what_it_holds(project: Project):
    plan, now = SplitPlan(by=()), timezone.now()
    whole = freezing.freeze_version(project_id=project.pk, by=None, now=now)
    early = freezing.request_split(dataset_id=whole.pk, plan=plan, by=None, now=now)
    late = freezing.request_version(project_id=project.pk, by=None, split=plan, now=now)
    jobs_of = {one.number: Job.objects.get(kind="freeze", key=str(one.pk)).pk for one in (early, late)}
    with pytest.raises(CrowdError, match="v2 is being frozen; wait for it"):
        freezing.split_version(dataset_id=whole.pk, plan=plan, by=None, now=now)
    for number in (3, 3, 3, 2):
        jobs.run(job_id=jobs_of[number], now=timezone.now() + timedelta(hours=1))
    late.refresh_from_db()
    assert (late.state, late.items.count()) == ("freezing", 2)
    drawn = DatasetItem.objects.exclude(boxes=[]).values("asset")
    DatasetItem.objects.filter(asset__in=list(drawn.values_list("asset", flat=True))).delete()
    for number in (2, 2, 2, 3):
        jobs.run(job_id=jobs_of[number], now=timezone.now() + timedelta(hours=2))
    for one in (early, late):
        one.refresh_from_db()
        assert (one.state, one.counts) == ("frozen", contents_of(one))
    assert early.counts["boxes"] == 0
    assert early.items.get().split == late.items.get(asset=early.items.get().asset).split


def test_an_export_that_is_asked_for_meanwhile_waits_for_its_version(alice: Caller, project: Project):
    version = freeze(alice, project).json()
    wish = {"project": str(project.public_id), "query": "class:nothing", "format": "coco"}
    assert alice.send("POST", "/api/v1/exports", wish).status_code == 409, "a query that means nothing"
    asked = alice.send("POST", "/api/v1/exports", {"dataset": version["id"], "format": "coco"})
    assert asked.status_code == 202
    assert one_run("export").next_at > timezone.now() + timedelta(seconds=2)
    since = {"dataset": version["id"], "format": "coco", "since": version["id"]}
    assert alice.send("POST", "/api/v1/exports", since).status_code == 409
    carry_out("freeze")
    carry_out("export")
    assert alice.get(f"/api/v1/exports/{asked.json()['id']}").json()["state"] == "done"


def test_a_version_that_cannot_be_frozen_says_why_and_its_export_too(alice: Caller, project: Project):
    version = freeze(alice, project).json()
    alice.send("POST", "/api/v1/exports", {"dataset": version["id"], "format": "coco"})
    Asset.objects.filter(project=project).update(state=Asset.State.HELD)
    carry_out("freeze")
    one_run("export")
    told = alice.get(f"/api/v1/datasets?state=failed&project={project.public_id}").json()["results"]
    assert [row["id"] for row in told] == [version["id"]]
    assert "there is nothing to freeze" in told[0]["error"]
    assert "could not be frozen" in Export.objects.get().error
    again = alice.send("POST", "/api/v1/exports", {"dataset": version["id"], "format": "coco"})
    assert (again.status_code, again.json()["code"]) == (409, "refused")


def test_a_version_that_could_not_be_frozen_is_tried_again_under_its_number(
    alice: Caller, project: Project, people: dict[str, User]
):
    version = freeze(alice, project).json()
    wish = {"dataset_id": DatasetVersion.objects.get().pk, "by": people["Alice"], "now": timezone.now()}
    with pytest.raises(CrowdError, match="only one that could not be frozen"):
        freezing_again.try_again(**wish)
    Asset.objects.filter(project=project).update(state=Asset.State.HELD)
    carry_out("freeze")
    with pytest.raises(CrowdError, match="nothing to freeze"):
        freezing_again.try_again(**wish)
    Asset.objects.filter(project=project).update(state=Asset.State.PUBLISHED)
    page = Client()
    page.force_login(people["Alice"])
    where = reverse("datasets", args=[project.public_id])
    again = reverse("dataset-again", args=[project.public_id, version["id"]])
    assert again in page.get(where).content.decode()
    page.force_login(people["Rita"])
    assert again not in page.get(where).content.decode()
    assert page.post(again).status_code == 404
    page.force_login(people["Alice"])
    assert page.post(again).status_code == 302
    carry_out("freeze")
    done = alice.get(f"/api/v1/datasets/{version['id']}").json()
    assert (done["state"], done["number"], done["counts"]["images"]) == ("frozen", version["number"], 2)
    assert Event.objects.filter(kind="dataset.tried-again").count() == 1


def test_a_dead_job_tried_again_by_hand_begins_its_version_and_its_export_again(
    alice: Caller, project: Project, people: dict[str, User]
):
    version = freeze(alice, project).json()
    dead = kill("freeze")
    assert freezing.end_dead(now=timezone.now()) == 1
    assert DatasetVersion.objects.get().error == freezing.GAVE_UP
    job_care.retry(job_id=dead.pk, by=people["Alice"], now=timezone.now())
    carry_out("freeze")
    assert alice.get(f"/api/v1/datasets/{version['id']}").json()["state"] == "frozen"
    alice.send("POST", "/api/v1/exports", {"dataset": version["id"], "format": "coco"})
    dead = kill("export")
    assert exporting.end_dead(now=timezone.now()) == 1
    assert Export.objects.get().state == Export.State.FAILED
    job_care.retry(job_id=dead.pk, by=people["Alice"], now=timezone.now())
    carry_out("export")
    done = Export.objects.get()
    assert (done.state, done.error, done.receipt["images"]) == (Export.State.DONE, "", 2)


# --- batches ---------------------------------------------------------------------------------------------------------
def send(caller: Caller, project: Project, lines: list[dict[str, Any]]) -> Any:
    text = "\n".join(json.dumps(line) for line in lines)
    path = f"/api/v1/assets:batch?project={project.public_id}"
    return caller.post(path, text, content_type="application/jsonl")


@pytest.fixture
def lines(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, Any]]:
    """Four lines where two are answered at once, so that they stand for thousands."""
    monkeypatch.setattr(batches, "LINES_AT_ONCE", 2)
    return [inline("a", photo(80)), inline("b", b"junk"), {"client_key": "c"}, inline("a", photo(80))]


def test_a_large_batch_is_taken_in_by_a_job_with_the_answers_of_a_small_one(
    alice: Caller,
    project: Project,
    lines: list[dict[str, Any]],
    monkeypatch: pytest.MonkeyPatch,
    django_capture_on_commit_callbacks: Any,
):
    monkeypatch.setattr(batches, "A_PORTION", 2)
    small = send(alice, project, lines[:2])
    assert (small.status_code, small.json()["id"], small.json()["state"]) == (200, None, "done")
    asked = send(alice, project, lines)
    told = asked.json()
    assert (asked.status_code, told["state"], told["received"], told["lines"]) == (202, "taking_in", 4, [])
    assert asked["Location"].endswith(f"/api/v1/batches/{told['id']}")
    assert send(alice, project, lines).json()["id"] == told["id"], "sent twice, kept once"
    stored = AssetBatch.objects.get().storage_key
    with django_capture_on_commit_callbacks(execute=True):
        one_run("take_batch")
    done = alice.get(f"/api/v1/batches/{told['id']}").json()
    assert [one["status"] for one in done["lines"]] == ["existing", "refused", "refused", "existing"]
    assert [one["line"] for one in done["lines"]] == [1, 2, 3, 4]
    assert (done["state"], done["existing"], done["refused"], done["new"]) == ("done", 2, 2, 0)
    (row,) = alice.get(f"/api/v1/batches?project={project.public_id}").json()["results"]
    assert (row["id"], row["state"], "lines" in row) == (told["id"], "done", False)
    assert not default_storage.exists(stored)


def test_a_batch_that_is_cut_off_goes_on_behind_its_answers(
    alice: Caller, project: Project, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batches, "A_PORTION", 1)
    batch = send(alice, project, [inline("a", photo(80)), inline("b", photo(81)), inline("a", photo(80))]).json()
    take, calls = batches.take_lines, []

    def dies_at_the_second(**wish: Any) -> Any:
        calls.append(len(wish["texts"]))
        if len(calls) == 2:
            raise OSError("killed")
        return take(**wish)

    monkeypatch.setattr(batches, "take_lines", dies_at_the_second)
    assert one_run("take_batch").failures == 1
    assert len(alice.get(f"/api/v1/batches/{batch['id']}").json()["lines"]) == 1
    Job.objects.update(next_at=timezone.now())
    one_run("take_batch")
    done = alice.get(f"/api/v1/batches/{batch['id']}").json()
    assert [one["status"] for one in done["lines"]] == ["new", "new", "existing"]
    assert Asset.objects.filter(project=project, client_key__in=["a", "b"]).count() == 2
    assert "2 new of 3" in Event.objects.get(kind="assets.ingested").text


def test_pictures_of_a_run_that_died_before_it_noted_them_are_told_as_new(
    alice: Caller, project: Project, lines: list[dict[str, Any]], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(batches, "A_PORTION", 2)
    sent = [inline("there", photo(80)), inline("a", photo(81)), inline("b", photo(82)), inline("a", photo(81))]
    send(alice, project, sent[:1])
    batch = send(alice, project, sent).json()
    with monkeypatch.context() as dying:
        dying.setattr(batches, "_note", lambda *_: 1 / 0)
        assert one_run("take_batch").failures == 1
    Job.objects.update(next_at=timezone.now())
    one_run("take_batch")
    done = alice.get(f"/api/v1/batches/{batch['id']}").json()
    assert [one["status"] for one in done["lines"]] == ["existing", "new", "new", "existing"]
    assert "2 new of 4" in Event.objects.filter(kind="assets.ingested").latest("pk").text


def test_lines_that_cannot_become_a_batch_leave_no_file(
    project: Project, monkeypatch: pytest.MonkeyPatch, people: dict[str, User]
):
    kept: list[str] = []
    save = default_storage.save
    monkeypatch.setattr(batches.default_storage, "save", lambda *args: kept.append(save(*args)) or kept[-1])
    monkeypatch.setattr(batches.jobs, "enqueue", lambda **_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        batches.keep(project=project, stage=None, body=b"{}", received=1, by=people["Alice"])
    assert len(kept) == 1
    assert not default_storage.exists(kept[0])


def test_a_batch_whose_lines_are_lost_refuses_those_that_are_not_answered(
    alice: Caller, project: Project, lines: list[dict[str, Any]]
):
    batch = send(alice, project, lines).json()
    default_storage.delete(AssetBatch.objects.get().storage_key)
    one_run("take_batch")
    done = alice.get(f"/api/v1/batches/{batch['id']}").json()
    assert {one["code"] for one in done["lines"]} == {"lost"}
    assert (done["state"], done["refused"]) == ("done", 4)
    batches.forget_old(now=timezone.now() + timedelta(days=20))
    assert alice.get(f"/api/v1/batches/{batch['id']}").status_code == 404


# --- places of a pool ------------------------------------------------------------------------------------------------
def test_a_target_far_away_gets_its_places_portion_by_portion(
    alice: Caller, project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(slots, "A_PORTION", 4)
    pool = make_pool(project, wanted=3)
    slots.fit_slots(pool=Pool.objects.get(pk=pool.pk))
    assert places(pool) == 3
    assert alice.send("PATCH", f"/api/v1/pools/{pool.pk}", {"wanted": 12}).status_code == 200
    assert places(pool) == 7
    carry_out("fit_slots")
    assert places(pool) == 12
    assert alice.send("PATCH", f"/api/v1/pools/{pool.pk}", {"wanted": 2}).status_code == 200
    assert places(pool) == 8
    carry_out("fit_slots")
    assert places(pool) == 2
    assert list(Task.objects.filter(batch__pool_id=pool.pk, cancelled=False).values_list("key", flat=True)) == [
        "slot-0",
        "slot-1",
    ]


def test_places_elsewhere_come_in_portions_with_their_money_and_all_of_it_must_be_free_at_once(
    alice: Caller, project: Project, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(slots, "A_PORTION", 4)
    Account.objects.create(slug="toloka", platform="toloka", label="Toloka", commission_percent=0)
    pool = make_pool(project, wanted=3, price_micro=1_000_000)
    Pool.objects.filter(pk=pool.pk).update(account=Account.objects.get(slug="toloka"))
    batch = Batch.objects.filter(pool_id=pool.pk)
    batch.update(account=Account.objects.get(slug="toloka"), published_at=timezone.now(), page_size=1)
    budget = Budget.objects.filter(project_id=project.pk)

    def want(n: int) -> Any:
        return alice.send("PATCH", f"/api/v1/pools/{pool.pk}", {"wanted": n})

    refused = want(501)
    assert (refused.status_code, refused.json()["code"]) == (409, "budget_exceeded")
    assert (places(pool), Pool.objects.get(pk=pool.pk).wanted, budget.get().reserved_micro) == (0, 3, 0)

    assert want(12).status_code == 200
    assert (places(pool), budget.get().reserved_micro) == (4, 4_000_000)
    budget.update(limit_micro=9_000_000)
    carry_out("fit_slots")
    assert (places(pool), budget.get().reserved_micro) == (8, 8_000_000)
    assert Pool.objects.get(pk=pool.pk).note.startswith("Not all places are there: ")
    budget.update(limit_micro=20_000_000)
    job = Job.objects.get(kind="fit_slots")
    for minutes in (6, 12):
        jobs.run(job_id=job.pk, now=timezone.now() + timedelta(minutes=minutes))
    assert (places(pool), budget.get().reserved_micro) == (12, 12_000_000)
    assert Pool.objects.get(pk=pool.pk).note == ""


def places(pool: Pool) -> int:
    return Task.objects.filter(batch__pool_id=pool.pk, cancelled=False).count()


# --- rates -----------------------------------------------------------------------------------------------------------
COUNTS_HERE = """
import django
django.setup()
from django.core.cache import caches
from curation.api.throttles import ApiThrottle
throttle = ApiThrottle()
throttle.get_cache_key = lambda *_: {key!r}
print([throttle.allow_request(None, None) for _ in range(3)])
"""


def test_requests_are_counted_by_all_processes_together(
    alice: Caller, people: dict[str, User], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(throttles.ApiThrottle, "rate", "4/day")
    monkeypatch.setattr(redis_away, "_until", 0.0)
    mine = Caller(token_of(people["Vera"]))
    assert mine.get("/api/v1/projects").status_code == 200
    token_id = ApiToken.objects.get(user=people["Vera"]).pk
    elsewhere = COUNTS_HERE.format(key=f"api-throttle-user-token-{token_id}").replace(
        "ApiThrottle()", "type('Four', (ApiThrottle,), {'rate': '4/day'})()"
    )
    done = subprocess.run(
        [sys.executable, "-c", elsewhere],
        cwd=django_settings.BASE_DIR,
        env={"DJANGO_SETTINGS_MODULE": "curation.settings.test", "WINNOW_TEST_DATA_DIR": str(django_settings.DATA_DIR)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[True, True, True]"
    refused = mine.get("/api/v1/projects")
    assert (refused.status_code, refused.json()["code"]) == (429, "throttled")
    assert 0 < int(refused["Retry-After"]) <= 2 * 86_400
    assert alice.get("/api/v1/projects").status_code == 200, "each token has a rate of its own"


def test_without_redis_each_process_counts_for_itself(alice: Caller, monkeypatch: pytest.MonkeyPatch, settings: Any):
    settings.CACHES = {
        **settings.CACHES,
        "shared": {**settings.CACHES["shared"], "LOCATION": "unix:///nowhere/redis.sock"},
    }
    monkeypatch.setattr(redis_away, "_until", 0.0)
    monkeypatch.setattr(redis_away, "SECONDS", 3600.0)
    monkeypatch.setattr(throttles.ApiThrottle, "rate", "2/day")
    assert [alice.get("/api/v1/projects").status_code for _ in range(3)] == [200, 200, 429]
    assert redis_away.is_known()


# --- on record -------------------------------------------------------------------------------------------------------
def test_what_a_program_sends_one_by_one_stands_in_the_record_once(
    alice: Caller, project: Project, people: dict[str, User]
):
    from django.core.files.uploadedfile import SimpleUploadedFile

    for _ in range(2):
        file = SimpleUploadedFile("hand.jpg", photo(90))
        alice.post(f"/api/v1/projects/{project.public_id}/assets", {"file": file})
    told = Event.objects.get(kind="assets.ingested")
    assert (told.text, told.by) == ("A picture was sent by the API: hand.jpg.", people["Alice"])


def test_who_sent_a_test_message_stands_in_the_record(alice: Caller, delivery: Any, people: dict[str, User]):
    alice.send("POST", f"/api/v1/webhooks/{delivery.webhook.public_id}/test")
    told = Event.objects.filter(kind="webhook.tested").latest("pk")
    assert (told.by, told.text) == (people["Alice"], "A test message to example.com was asked for.")
