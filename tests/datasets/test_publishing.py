"""Before everybody sees it: filters with a person's word, a package that is in order, contributors erased for good."""

import hashlib
import json

import pytest
from django.core.files.storage import default_storage
from django.urls import reverse
from django.utils import timezone

from crowd.errors import CrowdError
from crowd.models import LedgerEntry, Worker
from curation.datasets.formats.receipt import changed_files, load_receipt
from curation.models import (
    Asset,
    AssetTag,
    DatasetItem,
    Decision,
    ErasedItem,
    Event,
    Export,
    Job,
    LockedPart,
    PublishFinding,
    TagRun,
)
from curation.services import cards, class_examples, erasing, exporting, jobs, packages, publish_filters
from curation.services.asset_query import matching, parse
from curation.services.assets import restore
from curation.services.cards import CardText
from curation.services.consents import digest_of_consent
from curation.services.datasets import freeze_version, split_version
from curation.services.export_requests import request_export
from curation.services.splits import SplitPlan
from tests.doors.conftest import photo, publish
from tests.factories import make_answer, make_asset, make_pool, make_project, make_user, make_worker

pytestmark = pytest.mark.django_db
NOW = timezone.now()


def tagged(asset: Asset, value: str, score: float = 0.8) -> None:
    run = TagRun.objects.create(project_id=asset.project_id, asset=asset, tagger="guard", version="1")
    AssetTag.objects.create(
        run=run, project_id=asset.project_id, asset=asset, key="publish", value=value, source="model", score=score
    )


def frozen(project):
    return freeze_version(project_id=project.pk, by=None, now=NOW)


def checked(version) -> dict[str, packages.Check]:
    return {one.name: one for one in packages.checks(version, packages.contents_of(version))}


def carried_out(kind: str) -> None:
    job = Job.objects.get(kind=kind)
    while job.state == Job.State.DUE:
        jobs.run(job_id=job.pk, now=timezone.now())
        job.refresh_from_db()


def test_a_suggested_image_is_not_frozen_before_a_person_has_said_a_word():
    alice = make_user("Alice")
    project = make_project(lead=alice)
    child, fine = (make_asset(project) for _ in range(2))
    tagged(child, "children")
    tagged(fine, "watermark", 0.4)
    with pytest.raises(CrowdError, match="2 images wait for a person in the publish filters"):
        frozen(project)
    assert publish_filters.suggest(project=project, by=alice, now=NOW) == 0
    first, second = PublishFinding.objects.order_by("id")
    publish_filters.decide(finding=first, remove=True, note="a school class", by=alice, now=NOW)
    publish_filters.decide(finding=second, remove=False, by=alice, now=NOW)
    child.refresh_from_db()
    assert (child.state, child.reason) == ("dropped", "publish_children")
    assert Decision.objects.filter(asset=child).latest("id").evidence["said_by"] == "guard"
    said = Event.objects.get(kind="publish.removed")
    assert (said.by, said.data["note"]) == (alice, "a school class")
    assert frozen(project).items.get().asset == fine
    with pytest.raises(CrowdError, match="Alice has removed this image already"):
        publish_filters.decide(finding=first, remove=False, by=alice, now=NOW)


def test_what_a_tagger_says_after_freezing_stops_the_package():
    project = make_project()
    asset = make_asset(project)
    version = frozen(project)
    tagged(asset, "children")
    with pytest.raises(CrowdError, match="1 of its images wait for a person in the publish filters"):
        request_export(dataset_id=version.pk, format="package", by=None, now=NOW)
    assert PublishFinding.objects.get().word == "open"


def test_a_removed_image_that_is_restored_goes_on_where_it_was_and_can_be_reported_again():
    alice, bob = make_user("Alice"), make_user("Bob")
    project = make_project(lead=alice)
    asset = make_asset(project)
    found = publish_filters.report(asset=asset, name="symbols", by=alice, now=NOW)
    publish_filters.decide(finding=found, remove=True, by=alice, now=NOW)
    with pytest.raises(CrowdError, match="Alice has removed this image already"):
        publish_filters.report(asset=asset, name="symbols", by=bob, now=NOW)
    restore(asset_id=asset.pk, by=bob, now=NOW)
    asset.refresh_from_db()
    assert (asset.state, asset.stage.kind) == ("waiting", "publish")
    found.refresh_from_db()
    assert (found.word, found.decided_by) == ("kept", bob)
    again = publish_filters.report(asset=asset, name="symbols", by=alice, now=NOW)
    assert (again.pk, again.word, again.said_by) == (found.pk, "open", "Alice")


def test_an_image_removed_after_freezing_asks_for_a_new_version():
    alice = make_user("Alice")
    project = make_project(lead=alice)
    removed, kept = make_asset(project), make_asset(project)
    version = frozen(project)
    for asset, remove in ((removed, True), (kept, False)):
        found = publish_filters.report(asset=asset, name="symbols", by=alice, now=NOW)
        publish_filters.decide(finding=found, remove=remove, by=alice, now=NOW)
    assert checked(version)["Publish filters"].sentence == "1 of its images were removed since; freeze a new version."


def test_the_card_lists_licences_and_sources_of_what_the_crowd_did_not_send():
    project = make_project()
    make_asset(project, licence="CC BY 4.0", source="shop")
    make_asset(project, licence="CC0", source="archive")
    make_asset(project)
    make_asset(project, licence="of the crowd", source="phone", worker=make_worker())
    version = frozen(project)
    held = packages.contents_of(version)
    facts = dict(packages.facts_of(version, held))
    assert (facts["Licences"], facts["Sources"]) == ("CC BY 4.0 · CC0", "archive · shop")
    assert held == (0, 1, 1)


def test_only_what_is_in_order_is_packed_and_each_lack_is_a_sentence():
    project = make_project()
    make_asset(project, worker=make_worker())
    text = CardText(intended_use="Gestures", limits="No portraits.")
    cards.save_card(project_id=project.pk, text=text, by=None, now=NOW)
    version = frozen(project)
    with pytest.raises(CrowdError) as refused:
        request_export(dataset_id=version.pk, format="package", by=None, now=NOW)
    assert "Split it so that nobody is in two parts." in str(refused.value)
    assert "1 images have no licence" in str(refused.value)
    assert "1 of 1 contributors have no consent recorded here" in str(refused.value)


def test_a_package_has_parts_tables_card_licence_and_the_digest_of_every_file(project, tmp_path):
    text = CardText(title="Signs", licence="CC-BY-4.0", citation="Signs, 2026", consent="Terms of the panel.")
    cards.save_card(project_id=project.pk, text=text, by=None, now=NOW)
    Asset.objects.filter(project=project).update(brightness=30, worker_id=make_worker().pk)
    version = split_version(dataset_id=frozen(project).pk, plan=SplitPlan(), by=None, now=NOW)
    out = tmp_path / "package"
    exporting.export_to(path=out, version=version, format="package")
    readme = (out / "README.md").read_text()
    assert "| Subjects | 1 |" in readme
    assert "| Light | low 3 |" in readme
    assert "| Age | Not stated |" in readme
    assert "## Consent\n\nTerms of the panel.\n" in readme
    assert Event.objects.get(kind="dataset.card").data["consent"] == "Terms of the panel."
    assert (out / "LICENSE.txt").read_text() == "CC-BY-4.0\n"
    assert len((out / "tables" / "boxes.csv").read_text().splitlines()) > 3
    part = next(iter((out / "annotations").iterdir()))
    assert len(json.loads(part.read_text())["images"]) == 3
    assert len(list((out / "images").iterdir())) == 3
    assert changed_files(out) == []


def test_an_export_that_is_being_packed_while_a_contributor_is_erased_ends_without_an_archive(project, monkeypatch):
    wanda = make_worker()
    Asset.objects.filter(project=project).update(worker_id=wanda.pk)
    publish(project, photo(7), [("gesture", 0.3)])
    version = frozen(project)
    export = request_export(dataset_id=version.pk, format="coco", by=None, now=NOW)
    with monkeypatch.context() as slow:
        slow.setattr(exporting, "SECONDS_A_RUN", -1.0)
        jobs.run(job_id=Job.objects.get(kind="export").pk, now=timezone.now())
    export.refresh_from_db()
    assert (export.state, exporting.folder_of(export).exists()) == ("running", True)
    row = erasing.erase(project=project, worker=wanda, note="asked", by=make_user("Lea"), now=NOW)
    carried_out("export")
    export.refresh_from_db()
    assert (export.state, export.storage_key, exporting.folder_of(export).exists()) == ("failed", "", False)
    assert "a contributor in it was erased" in export.error
    assert [one["export"] for one in row.exports] == [str(export.public_id)]


def test_the_parts_of_a_version_count_what_is_left_in_them(project):
    wanda = make_worker()
    publish(project, photo(7), [("gesture", 0.3)])
    version = split_version(dataset_id=frozen(project).pk, plan=SplitPlan(by=()), by=None, now=NOW)
    gone = version.items.filter(split="train").first()
    Asset.objects.filter(pk=gone.asset_id).update(worker_id=wanda.pk)
    train = version.splits["counts"]["train"]["images"]
    erasing.erase(project=project, worker=wanda, note="asked", by=make_user("Lea"), now=NOW)
    version.refresh_from_db()
    assert version.splits["counts"]["train"]["images"] == train - 1
    assert sum(sum(parts.values()) for parts in version.splits["classes"].values()) == version.counts["images"] == 3


def test_an_erased_contributor_is_in_no_version_file_or_hash_and_receipts_say_so(project, tmp_path):
    wanda, alice = make_worker(), make_user("Lea")
    other = publish(project, photo(7), [("gesture", 0.3)])
    mine = list(Asset.objects.filter(project=project, state="published").exclude(pk=other.pk))
    Asset.objects.filter(pk__in=[one.pk for one in mine]).update(worker_id=wanda.pk)
    keys = [one.storage_key for one in mine]
    version = frozen(project)
    export = request_export(dataset_id=version.pk, format="coco", by=None, now=NOW)
    carried_out("export")
    export.refresh_from_db()
    archive, books = export.storage_key, LedgerEntry.objects.count()
    before = erasing.extent(project, wanda)
    assert (before.images, before.versions, before.exports) == (3, {"1": 3}, 1)
    row = erasing.erase(project=project, worker=wanda, note="asked", by=alice, now=NOW)
    carried_out("erase")
    row.refresh_from_db()
    assert row.finished_at is not None
    assert not any(default_storage.exists(key) for key in (*keys, archive))
    gone = Asset.objects.filter(pk__in=[one.pk for one in mine])
    assert set(gone.values_list("state", "reason", "worker_id", "storage_key")) == {("dropped", "erased", None, "")}
    assert not gone.filter(hash256__isnull=False).exists()
    assert LedgerEntry.objects.count() == books
    version.refresh_from_db()
    assert (version.counts["images"], version.items.get().asset_id) == (1, other.pk)
    assert ErasedItem.objects.filter(dataset=version).count() == 3
    out = tmp_path / "again"
    exporting.export_to(path=out, version=version, format="coco")
    assert set(load_receipt(out).erased) == {str(one.public_id) for one in mine}
    export.refresh_from_db()
    assert "a contributor in it was erased" in Export.objects.get(pk=export.pk).error
    with pytest.raises(CrowdError, match="there is no picture to bring back"):
        restore(asset_id=mine[0].pk, by=alice, now=NOW)
    assert Worker.objects.filter(pk=wanda.pk).exists()
    assert checked(version)["Publish filters"].is_met


def test_who_agreed_to_another_text_than_the_present_is_counted_found_and_shown(project, alice, client):
    project.consent_text = "My pictures may be sold."
    project.save(update_fields=["consent_text"])
    names = ("present", "earlier", "none")
    people = dict(zip(names, (make_worker() for _ in names), strict=True))
    agreed = {"consented_at": NOW, "is_adult": True}
    Worker.objects.filter(pk=people["present"].pk).update(consent_version=digest_of_consent(project), **agreed)
    Worker.objects.filter(pk=people["earlier"].pk).update(consent_version="0" * 64, **agreed)
    Worker.objects.filter(pk=people["none"].pk).update(consented_at=None)
    images = dict(zip(names, Asset.objects.filter(project=project).order_by("id")[:3], strict=True))
    for name, asset in images.items():
        Asset.objects.filter(pk=asset.pk).update(worker_id=people[name].pk)
    for name in names:
        assert set(matching(parse(f"consent:{name}"), project=project)) == {images[name]}, name
    video = make_asset(project, media="video", worker=people["earlier"])
    frame = make_asset(project, media="frame", parent=video)
    assert frame in matching(parse("consent:earlier media:frame"), project=project)
    Worker.objects.filter(pk=people["none"].pk).update(consent_version=digest_of_consent(project), **agreed)
    answer = make_answer(make_pool(project), people["earlier"])
    Asset.objects.filter(pk=images["earlier"].pk).update(answer=answer)
    client.force_login(alice)
    page = client.get(reverse("asset", args=[project.public_id, images["earlier"].public_id])).content.decode()
    assert "<dt>Consent</dt><dd>to another text than the project shows now, " in page
    earlier = "1 of those who agreed did so to another text than the project shows now"
    version = frozen(project)
    assert earlier in checked(version)["Consent"].sentence
    Worker.objects.filter(pk__in=[people["earlier"].pk, people["none"].pk]).update(person_id=77)
    Worker.objects.filter(pk=people["none"].pk).update(consent_version="0" * 64)
    Worker.objects.filter(pk=people["present"].pk).update(consented_at=None)
    for consent, said in (("", "no consent recorded here"), ("Terms of the panel.", "agreed elsewhere")):
        version.card["consent"] = consent
        sentence = checked(version)["Consent"].sentence
        assert said in sentence
        assert earlier in sentence, "a person counts once"


def test_a_locked_image_is_no_example_of_a_class(project, alice):
    label, data = project.classes.first(), b"the bytes of a locked image"
    version = split_version(dataset_id=frozen(project).pk, plan=SplitPlan(), by=None, now=NOW)
    item = DatasetItem.objects.filter(dataset=version).first()
    Asset.objects.filter(pk=item.asset_id).update(sha256=hashlib.sha256(data).digest())
    LockedPart.objects.create(project=project, dataset=version, split=item.split, locked_at=NOW)
    with pytest.raises(CrowdError, match=r"1 image of the locked .* cannot be used as an example"):
        class_examples.set_example(label=label, data=data, by=alice, now=NOW)


@pytest.mark.parametrize(
    ("size", "words"),
    [(700, "700 bytes"), (12_300, "12 KB"), (50_800_000, "50.8 MB"), (3_400_000_000, "3.4 GB")],
)
def test_a_small_package_is_not_said_to_hold_nothing(size: int, words: str):
    assert packages.size_words(size) == words
