"""Scenarios and models on screens: a file sent, a verdict in the grid, what is wrong, unsure and alike."""

import json

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.urls import reverse
from django.utils import timezone

from curation.models import Asset, DatasetItem, Job, Predictions, PublishFinding, Scenario, ScenarioVerdict
from curation.services import evaluating, jobs, scenario_images
from curation.services.datasets import freeze_version
from tests.factories import make_asset, make_project, make_user, make_worker

pytestmark = pytest.mark.django_db
BOX = {"label": "peace", "index": 0, "x": 0.5, "y": 0.5, "w": 0.25, "h": 0.25, "confidence": 0.9}


@pytest.fixture
def alice(client):
    made = make_user("Alice")
    client.force_login(made)
    return made


@pytest.fixture
def project(alice):
    made = make_project(lead=alice)
    for number in range(12):
        make_asset(made, worker=make_worker(), brightness=20 if number < 6 else 120, name=f"{number}.jpg")
    version = freeze_version(project_id=made.pk, by=None, now=timezone.now())
    DatasetItem.objects.filter(dataset=version).update(boxes=[BOX])
    return made


def post(client, project, name: str, data: dict, *more: object):
    return client.post(reverse(name, args=[project.public_id, *more]), data)


def predicted(project) -> SimpleUploadedFile:
    box = {"label": "peace", "x": 960, "y": 540, "w": 480, "h": 270, "confidence": 0.3}
    rows = [
        {"image": f"{number}.jpg", "boxes": [{**box, "confidence": 0.9 if number else 0.3}]} for number in range(12)
    ]
    return SimpleUploadedFile("said.jsonl", "\n".join(map(json.dumps, rows)).encode())


def test_a_model_is_sent_judged_and_its_cell_opens_what_it_got_wrong(client, project):
    terms = {"name": "in the dark", "query": "light:low", "metric": "recall", "tolerated": "90", "iou": "50"}
    assert post(client, project, "scenario-save", {**terms, "confidence": "50"}).status_code == 302
    told = {"model": "detector", "model_version": "1", "version": "1", "file": predicted(project)}
    assert post(client, project, "models-upload", told).status_code == 302
    page = client.get(reverse("models", args=[project.public_id])).content.decode()
    assert "being judged" in page
    jobs.run(job_id=Job.objects.get(kind="evaluate").pk, now=timezone.now())
    page = client.get(reverse("models", args=[project.public_id])).content.decode()
    assert "undecided" in page
    assert "83.3" in page
    row, scenario = Predictions.objects.get(), Scenario.objects.get()
    cell = client.get(reverse("model-scenario", args=[project.public_id, row.public_id, scenario.public_id]))
    assert "1 missed, 0 too many" in cell.content.decode()
    unsure = client.get(reverse("model", args=[project.public_id, row.public_id])).content.decode()
    assert "Unsure of 1 image" in unsure


def test_what_a_model_got_wrong_is_judged_once_and_a_verdict_about_other_images_is_marked(client, project, monkeypatch):
    terms = {"name": "in the dark", "query": "light:low", "metric": "recall", "tolerated": "90", "iou": "50"}
    post(client, project, "scenario-save", {**terms, "confidence": "50"})
    told = {"model": "detector", "model_version": "1", "version": "1", "file": predicted(project)}
    post(client, project, "models-upload", told)
    jobs.run(job_id=Job.objects.get(kind="evaluate").pk, now=timezone.now())
    row, scenario = Predictions.objects.get(), Scenario.objects.get()
    cell = reverse("model-scenario", args=[project.public_id, row.public_id, scenario.public_id])
    grid = reverse("models", args=[project.public_id])
    with monkeypatch.context() as once:
        once.setattr(evaluating, "_looked_at", lambda *_: 1 / 0)
        assert "Not right: 1<" in client.get(cell).content.decode()
    assert "other images" not in client.get(grid).content.decode()
    Asset.objects.filter(project=project, name="11.jpg").update(brightness=20)
    assert "other images are meant now" in client.get(grid).content.decode()
    assert "the scenario means other images now" in client.get(cell).content.decode()
    monkeypatch.setattr(evaluating, "MOST_AT_ONCE", 6)
    Asset.objects.filter(project=project, name="10.jpg").update(brightness=20)
    assert "They are being looked for." in client.get(cell).content.decode()
    jobs.run(job_id=Job.objects.get(kind="judge_scenario").pk, now=timezone.now())
    assert "Not right: 1<" in client.get(cell).content.decode()
    assert "other images" not in client.get(grid).content.decode()
    Asset.objects.filter(project=project, name="9.jpg").update(brightness=20)
    assert post(client, project, "models-judge", {}).status_code == 302
    jobs.run(job_id=Job.objects.get(kind="evaluate").pk, now=timezone.now())
    assert ScenarioVerdict.objects.get(is_current=True).images == 9


def test_what_cannot_be_looked_up_in_time_is_said_and_left_to_the_job_that_goes_on_where_it_stopped(
    client, project, monkeypatch
):
    for name in ("one", "two"):
        terms = {"name": name, "query": "light:low", "metric": "recall", "tolerated": "90", "iou": "50"}
        post(client, project, "scenario-save", {**terms, "confidence": "50"})
    told = {"model": "detector", "model_version": "1", "version": "1", "file": predicted(project)}
    post(client, project, "models-upload", told)
    job = Job.objects.get(kind="evaluate")
    jobs.run(job_id=job.pk, now=timezone.now())
    grid = reverse("models", args=[project.public_id])
    with monkeypatch.context() as busy:
        busy.setattr(scenario_images, "PAGE_SECONDS", 0.0)
        text = client.get(grid).content.decode()
        assert text.count("was not looked up in time") == 2
        assert "Judge again" in text
    looks, look = [], scenario_images.meant_by
    monkeypatch.setattr(scenario_images, "meant_by", lambda *asked: looks.append(asked) or look(*asked))
    monkeypatch.setattr(scenario_images, "COSTLY", -1.0)
    for _ in range(2):
        assert "looked up in time" not in client.get(grid).content.decode()
    assert len(looks) == 1, "both scenarios and both pages share what is meant"
    Asset.objects.filter(project=project, name="11.jpg").update(brightness=20)
    post(client, project, "models-judge", {})
    monkeypatch.setattr(evaluating, "SECONDS_A_RUN", -1.0)
    jobs.run(job_id=job.pk, now=timezone.now())
    assert sorted(ScenarioVerdict.objects.filter(is_current=True).values_list("images", flat=True)) == [6, 7]
    jobs.run(job_id=job.pk, now=timezone.now())
    assert set(ScenarioVerdict.objects.filter(is_current=True).values_list("images", flat=True)) == {7}
    assert "other images" not in client.get(grid).content.decode(), "the older look is not kept"


def test_a_wrong_form_says_why_and_keeps_what_was_typed(client, project):
    terms = {"name": "dark", "query": "light:dim", "metric": "recall", "tolerated": "90", "iou": "50"}
    answer = post(client, project, "scenario-save", {**terms, "confidence": "50"})
    assert answer.status_code == 400
    assert "light:dim is unknown" in answer.content.decode()
    assert 'value="light:dim"' in answer.content.decode()
    answer = post(client, project, "models-upload", {"model": "d", "model_version": "1", "version": "1"})
    assert "Choose a file" in answer.content.decode()
    assert not Scenario.objects.exists()


def test_what_looks_alike_is_shown_by_our_hashes(client, project):
    one, other, *_ = Asset.objects.filter(project=project).order_by("id")
    Asset.objects.filter(pk__in=[one.pk, other.pk]).update(hash256=b"\x01" * 32, contrast=60)
    page = client.get(reverse("alike", args=[project.public_id, one.public_id])).content.decode()
    assert str(other.public_id) in page
    assert "100.0" in page


def test_a_reviewer_decides_in_the_publish_filters_and_a_viewer_only_looks(client, project):
    rita, vera = make_user("Rita"), make_user("Vera")
    project.memberships.create(user=rita, role="reviewer")
    project.memberships.create(user=vera, role="viewer")
    asset = Asset.objects.filter(project=project).first()
    client.force_login(rita)
    post(client, project, "publish-report", {"filter": "watermark", "note": "left corner"}, asset.public_id)
    finding = PublishFinding.objects.get()
    page = client.get(reverse("publish-filters", args=[project.public_id])).content.decode()
    assert "left corner" in page
    client.force_login(vera)
    assert post(client, project, "publish-decide", {"word": "remove"}, finding.pk).status_code == 404
    client.force_login(rita)
    assert post(client, project, "publish-decide", {"word": "remove", "note": "logo"}, finding.pk).status_code == 302
    asset.refresh_from_db()
    assert asset.reason == "publish_watermark"


def test_the_page_of_publishing_says_what_lacks(client, project):
    version = project.versions.get()
    url = reverse("dataset-publication", args=[project.public_id, version.public_id])
    page = client.get(url).content.decode()
    assert "Split it so that nobody is in two parts." in page
    answer = client.post(reverse("dataset-pack", args=[project.public_id, version.public_id]))
    assert answer.status_code == 400
