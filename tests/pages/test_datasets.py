"""Data sets on their pages: freezing, splitting, exporting, cancelling, comparing, the card, and who has what."""

import gzip
import re
from collections.abc import Iterator

import pytest
from django.core.files.base import ContentFile
from django.core.files.storage import default_storage
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser, expect

from curation.models import Asset, AssetPreview, DatasetCard, DatasetItem, DatasetVersion, Event, Export, Project
from curation.services import cards, datasets, freezing, splits
from curation.services.cards import CardText
from tests.api.conftest import carry_out
from tests.browsing import DESK, breaches, chromium, watched
from tests.factories import make_asset, make_worker
from tests.scenes import jpeg

pytestmark = pytest.mark.django_db
BOX = {"label": "peace", "index": 0, "x": 0.2, "y": 0.2, "w": 0.2, "h": 0.3, "confidence": 0.9}


def address(project: Project, name: str, *args: object) -> str:
    return reverse(name, args=[project.public_id, *args])


def frozen(project: Project) -> DatasetVersion:
    version = datasets.freeze_version(project_id=project.pk, by=None, now=timezone.now())
    version.refresh_from_db()
    return version


def done_export(version: DatasetVersion) -> Export:
    key = default_storage.save("export.zip", ContentFile(b"PK-archive"))
    export = Export.objects.create(dataset=version, format="coco", state=Export.State.DONE, storage_key=key)
    export.refresh_from_db()
    return export


def test_alice_freezes_what_a_query_means_and_splits_it(project: Project, people: dict[str, Client]):
    for number in range(10):
        make_asset(project, worker=make_worker(f"W{number}"), brightness=20.0 if number else 200.0)
    asked = {
        "query": "light:low",
        "split": "yes",
        "train": "50",
        "val": "0",
        "test": "50",
        "by": ["worker"],
        "seed": "7",
    }
    assert people["alice"].post(address(project, "freeze"), asked).status_code == 302
    assert people["alice"].post(address(project, "freeze"), asked).status_code == 302, "pressed twice"
    assert "Freezing" in people["vera"].get(address(project, "datasets")).content.decode()
    carry_out("freeze")
    version = DatasetVersion.objects.get()
    assert version.counts["images"] == 9
    assert version.splits["seed"] == 7
    assert set(DatasetItem.objects.values_list("split", flat=True)) == {"train", "test"}
    text = people["vera"].get(address(project, "dataset", version.public_id)).content.decode()
    assert "never in two parts: who sent it" in text
    assert "workers in two parts" in text


def test_a_version_that_is_frozen_again_for_its_card_is_split_as_the_one_before(
    project: Project, people: dict[str, Client]
):
    for number in range(10):
        make_asset(project, worker=make_worker(f"W{number}"))
    plan = splits.SplitPlan(by=("worker",), shares={"train": 0.65, "test": 0.35}, seed=1234)
    freezing.split_version(dataset_id=frozen(project).pk, plan=plan, by=None, now=timezone.now())
    cards.save_card(project_id=project.pk, text=CardText(licence="CC-BY-4.0"), by=None, now=timezone.now())
    answer = people["alice"].get(address(project, "datasets"))
    page, split = answer.content.decode().partition(address(project, "freeze"))[2], answer.context["split"]
    assert 'name="split" value="yes" checked>Split this version as v2 is' in page
    shares = {name: percent for name, _, percent in split["shares"]}
    assert shares == {"train": "65", "val": "0", "test": "35"}
    assert all(f'name="{name}" inputmode="decimal" value="{percent}"' in page for name, percent in shares.items())
    assert re.findall(r'name="by" value="(\w+)"( checked)?', page[: page.index("</form>")]) == [
        ("worker", " checked"), ("video", ""), ("subject", ""), ("lookalike", "")
    ]  # fmt: skip
    shown = {"split": "yes", "keep": "yes", "seed": split["seed"], "by": split["by"], **shares}
    people["alice"].post(address(project, "freeze"), shown)
    carry_out("freeze")
    again = DatasetVersion.objects.get(number=3)
    parts = [dict(DatasetItem.objects.filter(dataset__number=n).values_list("asset", "split")) for n in (2, 3)]
    assert parts[0] == parts[1]
    assert (again.card["licence"], again.splits["shares"]) == ("CC-BY-4.0", {"train": 0.65, "test": 0.35})


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"query": "light:murky"}, "light:murky is unknown"),
        ({"query": "class:nothing"}, "so there is nothing to freeze"),
        ({"split": "yes", "train": "all"}, "The share of train is a number of percent"),
        ({"split": "yes", "train": "101"}, "The share of train is 0 to 100 %"),
        ({"split": "yes", "train": "100"}, "A split has 2 to 10 parts, not 1"),
        ({"split": "yes", "train": "80", "test": "20", "seed": "x"}, "The seed is a whole number"),
    ],
)
def test_what_cannot_be_frozen_is_said_and_leaves_no_version(project, people, typed: dict[str, str], sentence: str):
    make_asset(project)
    answer = people["alice"].post(address(project, "freeze"), {"note": "kept words", **typed})
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert 'value="kept words"' in answer.content.decode()
    assert not DatasetVersion.objects.exists()


def test_a_version_is_split_again_as_the_next_one(project: Project, people: dict[str, Client]):
    for _ in range(6):
        make_asset(project)
    version = frozen(project)
    where = address(project, "dataset-split", version.public_id)
    answer = people["alice"].post(where, {"train": "50", "test": "50"}, follow=True)
    assert "Version 2" in answer.content.decode()
    assert "Freezing" in answer.content.decode()
    carry_out("freeze")
    assert DatasetVersion.objects.get(number=2).splits["counts"].keys() == {"train", "test"}
    assert version.items.exclude(split="").count() == 0
    assert people["alice"].post(where, {"train": "x"}).status_code == 400


def test_an_export_of_what_changed_is_asked_for(project: Project, people: dict[str, Client]):
    make_asset(project)
    frozen(project)
    make_asset(project)
    new = frozen(project)
    where = address(project, "export", new.public_id)
    people["alice"].post(where, {"format": "coco", "since": "1", "pictures": "512"})
    export = Export.objects.get()
    assert (export.since and export.since.number, export.max_side, export.with_images) == (1, 512, True)
    text = people["vera"].get(address(project, "datasets")).content.decode()
    assert "what changed since v1" in text
    assert people["alice"].post(where, {"format": "coco", "since": "9"}).status_code == 400
    assert people["alice"].post(where, {"format": "coco", "pictures": "huge"}).status_code == 400
    assert Export.objects.count() == 1


def test_an_export_under_way_is_cancelled_once(project: Project, people: dict[str, Client]):
    make_asset(project)
    version = frozen(project)
    people["alice"].post(address(project, "export", version.public_id), {"format": "coco"})
    where = address(project, "export-cancel", Export.objects.get().public_id)
    text = people["alice"].post(where, follow=True).content.decode()
    assert "is cancelled; nothing of it is left" in text
    assert Export.objects.get().state == Export.State.CANCELLED
    assert "is not running any more" in people["alice"].post(where, follow=True).content.decode()
    back = people["alice"].post(where, {"from": "dataset"})["Location"]
    assert back == address(project, "dataset", version.public_id)


def test_who_downloaded_a_version_is_kept_and_parts_are_not_counted(project: Project, people: dict[str, Client]):
    make_asset(project)
    version = frozen(project)
    where = address(project, "export-download", done_export(version).public_id)
    assert b"".join(people["alice"].get(where)) == b"PK-archive"
    assert b"".join(people["alice"].get(where, headers={"Range": "bytes=3-"})) == b"archive"
    assert Event.objects.filter(kind="export.downloaded").count() == 1
    (reader,) = people["vera"].get(address(project, "dataset", version.public_id)).context["readers"]
    assert (reader.name, reader.format, reader.times) == ("Alice", "coco", 1)
    assert people["vera"].get(address(project, "datasets")).context["versions"][0][2] == 1


def test_pages_are_sent_compressed_and_archives_as_they_are(project: Project, people: dict[str, Client]):
    make_asset(project)
    version, asked = frozen(project), {"accept-encoding": "gzip"}
    page = people["alice"].get(address(project, "datasets"), headers=asked)
    assert page["Content-Encoding"] == "gzip"
    assert b"<h1>Datasets</h1>" in gzip.decompress(page.content)
    archive = people["alice"].get(address(project, "export-download", done_export(version).public_id), headers=asked)
    assert "Content-Encoding" not in archive
    assert int(archive["Content-Length"]) == len(b"".join(archive))


def test_the_card_is_kept_by_the_next_version(project: Project, people: dict[str, Client]):
    make_asset(project)
    card = {"title": "Signs", "licence": "CC-BY-4.0", "intended_use": "Teaching <b>signs</b>", "homepage": ""}
    assert people["alice"].post(address(project, "dataset-card"), card).status_code == 302
    text = people["vera"].get(address(project, "dataset", frozen(project).public_id)).content.decode()
    assert "CC-BY-4.0" in text
    assert "Teaching &lt;b&gt;signs&lt;/b&gt;" in text
    answer = people["alice"].post(address(project, "dataset-card"), {**card, "title": "kept", "homepage": "ftp://x"})
    assert answer.status_code == 400
    assert 'value="kept"' in answer.content.decode()
    assert DatasetCard.objects.get().title == "Signs"


def changed(project: Project) -> tuple[DatasetVersion, DatasetVersion]:
    """Two versions: one picture stays with another box, one goes, one comes."""
    stays, goes = make_asset(project), make_asset(project)
    old = frozen(project)
    Asset.objects.filter(pk=goes.pk).update(state=Asset.State.HELD)
    make_asset(project)
    new = frozen(project)
    DatasetItem.objects.filter(dataset=old, asset=stays).update(boxes=[BOX])
    DatasetItem.objects.filter(dataset=new, asset=stays).update(boxes=[{**BOX, "x": 0.25}, {**BOX, "x": 0.7}])
    return old, new


def test_two_versions_are_compared_with_a_crop_of_each_change(project: Project, people: dict[str, Client]):
    changed(project)
    answer = people["vera"].get(address(project, "dataset-compare"))
    found = answer.context["found"]
    assert (found.added, found.removed, found.changed) == (1, 1, 1)
    answer = people["vera"].get(address(project, "dataset-compare") + "?old=1&new=2&kind=changed")
    (example,) = answer.context["examples"]
    assert example.words.startswith("1 → 2 boxes, IoU 0.")
    assert [rect.css for rect in example.rects] == ["was", "now", "now"]
    x, y, w, h = (float(part) for part in example.view.split())
    assert 0 <= x <= 0.2 * 1920
    assert x + w >= 0.9 * 1920
    assert y <= 0.2 * 1080 <= 0.5 * 1080 <= y + h
    assert answer.context["boxes"].added == 1


@pytest.mark.parametrize("query", ["?old=1&new=1", "?old=x&new=%00", "?kind=nonsense", "?after=99999999999999999999"])
def test_a_strange_comparison_is_answered(project: Project, people: dict[str, Client], query: str):
    changed(project)
    assert people["vera"].get(address(project, "dataset-compare") + query).status_code == 200


def test_there_is_nothing_to_compare_before_there_are_two(project: Project, people: dict[str, Client]):
    assert "Two frozen versions are needed" in people["vera"].get(address(project, "dataset-compare")).content.decode()


def test_strangers_and_those_who_do_not_lead_change_nothing(project: Project, people: dict[str, Client]):
    make_asset(project)
    version = frozen(project)
    export = done_export(version)
    for name, *args in (("dataset", version.public_id), ("dataset-compare",), ("datasets",)):
        assert people["charlie"].get(address(project, name, *args)).status_code == 404
        assert people["vera"].get(address(project, name, *args)).status_code == 200
    posts = [("freeze",), ("dataset-card",), ("export", version.public_id), ("dataset-split", version.public_id)]
    for name, *args in (*posts, ("export-cancel", export.public_id)):
        for person in ("rita", "vera", "charlie"):
            assert people[person].post(address(project, name, *args), {"format": "coco"}).status_code == 404
    assert people["rita"].get(address(project, "export-download", export.public_id)).status_code == 404
    assert (DatasetVersion.objects.count(), Export.objects.count(), DatasetCard.objects.count()) == (1, 1, 0)


def test_a_version_of_another_project_is_not_found(project: Project, people: dict[str, Client], alice):
    from tests.factories import make_project

    other = make_project("Other", lead=alice)
    make_asset(other)
    assert people["alice"].get(address(project, "dataset", frozen(other).public_id)).status_code == 404


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_alice_compares_versions_and_asks_for_an_export(
    server: str, browser: Browser, project: Project, people: dict[str, Client]
):
    changed(project)
    for asset in Asset.objects.all():
        key = default_storage.save("scene.jpg", ContentFile(jpeg()))
        AssetPreview.objects.create(asset=asset, thumb_key=key, screen_key=key, grey_key=key)
    with watched(browser, server, cookie=people["alice"].cookies["sessionid"].value, **DESK) as tab:
        tab.goto(address(project, "datasets"))
        assert breaches(tab) == []
        tab.get_by_role("link", name="Compare", exact=True).click()
        tab.get_by_role("link", name="Boxes changed 1").click()
        expect(tab.get_by_role("img", name="Crop of a picture: 1 → 2 boxes")).to_be_visible()
        assert breaches(tab) == []
        tab.get_by_role("link", name="v2", exact=True).click()
        tab.get_by_label("What", exact=True).select_option(label="Only what changed since v1")
        tab.get_by_role("button", name="Export").click()
        expect(tab.get_by_text("The export of v2 as coco is on its way.")).to_be_visible()
        assert breaches(tab) == []
