"""Models of other people: predictions taken in whole, judged in scenarios, unsure images sent on, alike ones found."""

import json
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crowd.errors import CrowdError
from curation.datasets import predicted
from curation.models import (
    Asset,
    AssetTag,
    DatasetItem,
    Decision,
    Embedding,
    ErasedItem,
    Erasure,
    Predictions,
    Stage,
    TagRun,
)
from curation.services import embeddings, evaluating, predictions, scenarios, unsure
from curation.services.datasets import freeze_version, split_version
from curation.services.embeddings import Vector
from curation.services.predictions import ModelName
from curation.services.scenarios import Terms
from curation.services.splits import SplitPlan
from tests.factories import make_asset, make_project, make_user, make_worker

pytestmark = pytest.mark.django_db
NOW = timezone.now()
BOX = {"label": "peace", "index": 0, "x": 0.5, "y": 0.5, "w": 0.25, "h": 0.25, "confidence": 0.9}
IN_PIXELS = {"label": "peace", "x": 960, "y": 540, "w": 480, "h": 270}


@pytest.fixture
def alice():
    return make_user("Alice")


@pytest.fixture
def project(alice):
    return make_project(lead=alice)


@pytest.fixture
def version(project):
    """Twenty images by ten people, the first ten of them dark, each with one box."""
    people = [make_worker() for _ in range(10)]
    for number in range(20):
        brightness = 20 if number < 10 else 120
        make_asset(project, worker=people[number % 10], brightness=brightness, name=f"IMG {number}.jpg")
    frozen = freeze_version(project_id=project.pk, by=None, now=NOW)
    DatasetItem.objects.filter(dataset=frozen).update(boxes=[BOX])
    return frozen


def lines(version, *, wrong: int = 0, confidence: float = 0.9) -> bytes:
    """Return a file that finds every box but those of the first images."""
    rows = []
    for number, item in enumerate(version.items.select_related("asset").order_by("asset_id")):
        x = 0 if number < wrong else 960
        sure = confidence if number < 4 else 0.95
        box = {**IN_PIXELS, "x": x, "confidence": sure, "embedding": [1.0, number]}
        rows.append({"image": f"{item.asset.public_id}.jpg", "boxes": [box], "embedding": [number + 1.0, 2.0]})
    return b"\n".join(json.dumps(row).encode() for row in rows)


def sent(version, data: bytes, name: str = "1") -> Predictions:
    return predictions.take_in(dataset=version, name=ModelName("detector", name), data=data, by=None, now=NOW)


def test_predictions_are_taken_whole_and_the_same_file_again_changes_nothing(version):
    row = sent(version, lines(version))
    assert (row.kind, row.images, row.boxes, row.rows.count()) == ("boxes", 20, 20, 20)
    assert sent(version, lines(version)).pk == row.pk
    with pytest.raises(CrowdError, match="give this model a new version"):
        sent(version, lines(version, wrong=1))


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b'{"image": "nobody.jpg", "boxes": []}', "Line 1: 'nobody' is no image of v1"),
        (b"{", "Line 1 is no JSON"),
        (b'{"image": "IMG 1.jpg", "boxes": [{"label": "peace", "x": 0, "y": 0, "w": 5}]}', "are numbers"),
        (b'{"image": "IMG 1.jpg", "label": "peace", "confidence": 2}', "from 0 to 1, not 2"),
        (b'{"image": "IMG 1.jpg", "label": "cat", "confidence": 1}', "'cat' is no class"),
        (b'[{"image_id": 99, "category_id": 1, "bbox": [0, 0, 1, 1], "score": 1}]', "image_id 99 is none"),
        (b'[{"image_id": 1, "category_id": 9, "bbox": [0, 0, 1, 1], "score": 1}]', "category 9 is none"),
        (b'[{"image_id": 1, "category_id": 1, "bbox": [0, 0, 9999, 1], "score": 1}]', "leaves the image"),
        (b"", "no prediction"),
    ],
)
def test_a_wrong_file_is_one_sentence_and_nothing_of_it_stays(version, data, sentence):
    with pytest.raises(CrowdError, match=sentence):
        sent(version, data)
    assert not Predictions.objects.exists()


def test_cocos_numbers_are_those_of_our_export(version):
    results = [{"image_id": 2, "category_id": 1, "bbox": [960, 540, 480, 270], "score": 0.8}]
    row = sent(version, json.dumps(results).encode())
    assert row.rows.get().asset_id == version.items.order_by("asset_id")[1].asset_id


def test_a_number_that_may_mean_several_images_is_refused(project, version):
    results = json.dumps([{"image_id": 2, "category_id": 1, "bbox": [960, 540, 480, 270], "score": 0.8}]).encode()
    split = split_version(dataset_id=version.pk, plan=SplitPlan(), by=None, now=NOW)
    with pytest.raises(CrowdError, match="every part of v2 counts from 1; name the part"):
        sent(split, results)
    row = predictions.take_in(
        dataset=split, name=ModelName("detector", "1"), data=results, part="train", by=None, now=NOW
    )
    assert row.rows.get().asset_id == split.items.filter(split="train").order_by("asset_id")[1].asset_id
    erasure = Erasure.objects.create(project=project, pseudonym="w")
    ErasedItem.objects.create(erasure=erasure, dataset=version, image=uuid4())
    with pytest.raises(CrowdError, match="v1 lost erased images"):
        sent(version, results)
    assert sent(version, lines(version)).images == 20


def test_predictions_of_images_that_were_erased_while_the_file_was_read_are_not_kept(version, monkeypatch):
    def read(data: bytes, **meanings: Any):
        version.items.first().delete()
        return said(data, **meanings)

    said = predicted.read
    monkeypatch.setattr(predicted, "read", read)
    with pytest.raises(CrowdError, match="were erased while the file was read"):
        sent(version, lines(version))
    assert not Predictions.objects.exists()


def test_numbers_no_database_keeps_are_refused_or_rounded(version):
    ident = version.items.first().asset.public_id
    with pytest.raises(CrowdError, match="is a list of"):
        sent(version, f'{{"image": "{ident}", "embedding": [1, 1{"0" * 400}]}}'.encode())
    sent(version, f'{{"image": "{ident}", "embedding": [1e-50, 0.5]}}'.encode())
    assert Embedding.objects.get().vector == [0, 0.5]


def test_vectors_alone_are_judged_in_no_scenario_and_a_model_that_found_nothing_is(project, version):
    images = [str(item.asset.public_id) for item in version.items.select_related("asset")]
    scenarios.save(project=project, name="all", terms=Terms("", 0.7), by=None, now=NOW)
    alone = sent(version, b"\n".join(json.dumps({"image": one, "embedding": [1, 2]}).encode() for one in images))
    assert (alone.kind, list(evaluating.waiting(project))) == ("vectors", [])
    nothing = sent(version, json.dumps({"image": images[0], "embedding": [1, 2], "boxes": []}).encode(), "2")
    assert (nothing.kind, [one for one, _ in evaluating.waiting(project)]) == ("boxes", [nothing])


def test_a_scenario_passes_fails_or_says_how_many_more_would_decide(project, version):
    row = sent(version, lines(version, wrong=9))
    dark, light = (
        scenarios.save(project=project, name=word, terms=Terms(f"light:{word}", 0.7), by=None, now=NOW)
        for word in ("low", "normal")
    )
    failed = evaluating.evaluate(predictions=row, scenario=dark, now=NOW)
    unclear = evaluating.evaluate(predictions=row, scenario=light, now=NOW)
    assert (failed.verdict, failed.right, failed.n, failed.images) == ("fail", 1, 10, 10)
    assert (unclear.verdict, unclear.right, unclear.n) == ("pass", 10, 10)
    assert failed.largest_subject == pytest.approx(0.1)
    scenarios.save(project=project, name="normal", terms=Terms("light:normal", 0.9), by=None, now=NOW)
    light.refresh_from_db()
    assert list(evaluating.waiting(project)) == [(row, light)]
    again = evaluating.evaluate(predictions=row, scenario=light, now=NOW)
    assert (again.verdict, again.more) == ("undecided", 25)
    assert [one.verdict for one in light.verdicts.order_by("id")] == ["pass", "undecided"]


def test_the_command_ends_with_one_when_a_scenario_fails(project, version, tmp_path: Path, capsys):
    file = tmp_path / "said.jsonl"
    file.write_bytes(lines(version, wrong=10))
    words = [project.slug, str(file), "--model", "detector", "--model-version", "7", "--scenario", "dark=light:low"]
    with pytest.raises(CommandError, match="detector 7 fails in dark") as ended:
        call_command("evaluate", *words, "--json")
    assert ended.value.returncode == 1
    told = json.loads(capsys.readouterr().out)
    assert told["scenarios"][0]["verdict"] == "fail"
    with pytest.raises(CommandError, match="has no such predictions") as wrong:
        call_command("evaluate", make_project().slug)
    assert wrong.value.returncode == 2


def test_what_a_model_is_unsure_of_is_counted_by_tag_and_sent_with_its_reason(project, version, alice):
    Stage.objects.filter(project=project, kind="validate").update(kind="review", name="review")
    row = sent(version, lines(version, confidence=0.3))
    for asset in Asset.objects.filter(project=project, brightness=20):
        run = TagRun.objects.create(project_id=project.pk, asset=asset, tagger="light", version="1")
        AssetTag.objects.create(run=run, project_id=project.pk, asset=asset, key="light", value="low", source="rule")
    found = unsure.by_tag(row, below=0.5)
    assert [(one.value, one.unsure, one.images) for one in found] == [("low", 4, 10)]
    ids = list(unsure.queue(row, below=0.5, tag=("light", "low")).values_list("asset_id", flat=True))
    told = unsure.send(project=project, asset_ids=ids, why="detector 1 is less than 50% sure", by=alice, now=NOW)
    assert (told.to_review, told.to_label, told.left) == (4, 0, 0)
    newest = Decision.objects.filter(asset=ids[0]).latest("id")
    assert newest.evidence == {"selected": "detector 1 is less than 50% sure"}
    assert Asset.objects.filter(pk__in=ids, state="held").count() == 4


@pytest.mark.parametrize("in_database", [True, False])
def test_vectors_find_what_is_alike_by_image_and_by_box(project, version, monkeypatch, in_database):
    if in_database and not embeddings.has_pgvector():
        pytest.fail("the embedded database should have pgvector")
    monkeypatch.setattr(embeddings, "has_pgvector", lambda: in_database)
    sent(version, lines(version))
    first, second, *_ = Asset.objects.filter(project=project).order_by("id")
    near = embeddings.alike(asset=first, space="detector 1", most=3)
    assert (near[0].asset_id, round(near[0].likeness, 4)) == (second.pk, 0.9487)
    boxes = embeddings.alike(asset=first, space="detector 1", box=1, most=2)
    assert [one.box for one in boxes] == [1, 1]
    assert boxes[0].place == {"x": 0.5, "y": 0.5, "w": 0.25, "h": 0.25}
    with pytest.raises(CrowdError, match="must have one length"):
        embeddings.keep(project=project, space="detector 1", vectors=[Vector(first.pk, 0, [1, 2, 3])])
    assert Embedding.objects.count() == 40


def test_hashes_find_what_looks_alike(project):
    one, near, far = (make_asset(project) for _ in range(3))
    for asset, byte in ((one, 0), (near, 1), (far, 255)):
        Asset.objects.filter(pk=asset.pk).update(hash256=bytes([byte]) * 32, contrast=50)
    one.refresh_from_db()
    found = embeddings.alike(asset=one)
    assert [(each.asset_id, each.likeness) for each in found] == [(near.pk, 1 - 32 / 256), (far.pk, 0)]
