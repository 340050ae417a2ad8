"""Recipes that begin with search engines run to the end against a simulated web, in the published proportions."""

import json
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command

from curation.management.commands.rehearse import as_text
from curation.models import Asset, AssetTag, Crawl, CrawlHit, Project, TagRun
from curation.services.crawling import counting

pytestmark = pytest.mark.django_db


def rehearsed(recipe: str, size: int, *words: str) -> dict[str, Any]:
    out = StringIO()
    call_command("rehearse", recipe, "--seed", "3", "--size", str(size), "--json", *words, stdout=out)
    return json.loads(out.getvalue())


def test_cars_keep_of_a_ten_thousandth_of_a_million_addresses_what_was_published():
    """1,046,000 addresses, 950,000 pictures, 840,000 cars; here 105, 95, 84."""
    document = rehearsed("cars-search", 105)
    assert document["crawl"]["addresses"] == {"refused": 10, "taken": 95}
    assert set(document["crawl"]["refused"]) <= {
        "not_an_image",
        "bad_answer",
        "empty",
        "truncated",
        "broken",
        "bad_address",
        "not_fetched",
        "dead_host",
    }
    funnel = {row["stage"]: (row["in"], row["passed"]) for row in document["funnel"]}
    assert funnel == {"checks": (95, 95), "filter": (95, 84), "publish": (84, 84)}
    assert document["cost"]["total_usd"] == "0.00"
    assert "addresses   105 found, 95 pictures" in as_text(document)
    project = Project.objects.get(is_rehearsal=True)
    asset = Asset.objects.filter(project=project, state=Asset.State.PUBLISHED).first()
    tags = {(tag.key, tag.source) for tag in AssetTag.objects.filter(asset=asset, run__is_current=True)}
    assert {("colour", "query"), ("model", "query"), ("label", "model"), ("body results", "query")} <= tags
    assert CrawlHit.objects.filter(link__asset=asset).exists()
    _counts_are_vectors_with_a_date(project)


def _counts_are_vectors_with_a_date(project: Project) -> None:
    rows = counting.vectors(Crawl.objects.get(project=project, counts=True))
    assert rows
    for row in rows:
        assert {word for word, _ in row.counts} == {"car", "suv", "truck", "van"}
        assert row.asked_at is not None
        assert sum(share for *_, share in row.shares) == pytest.approx(1)
        runs = TagRun.objects.filter(project_id=project.pk, tagger=counting.TAGGER, tags__value=row.counts[0][0])
        assert runs.exists()
    clear = next(row for row in rows if row.label)
    labelled = Asset.objects.filter(project=project, label_class__name=clear.label)
    assert labelled.filter(tags__key="model", tags__value=clear.thing).exists()


def test_tools_end_with_the_published_classes_images_and_boxes():
    """11,669 images, 21,363 boxes, screwdrivers over-represented; here a hundred and fiftieth."""
    document = rehearsed("tools-search", 78, "--set", "review.sample=0")
    assert [(one["format"], one["left_out"]) for one in document["public_sets"]] == [
        ("coco", 1),
        ("voc", 1),
        ("yolo", 1),
    ]
    table = {row["class"]: row for row in document["classes"]}
    assert [name for name, row in table.items() if row["flag"] == "over"] == ["screwdriver"]
    assert sum(row["images"] for row in table.values()) == pytest.approx(78, abs=4)
    boxes = {name: row["boxes"] for name, row in table.items()}
    published = {"driller": 22, "hammer": 22, "paintbrush": 16, "screwdriver": 57, "wheelbarrow": 26}
    for name, wanted in published.items():
        assert boxes[name] == pytest.approx(wanted, abs=max(3, wanted // 6)), name
    imported = sum(one["new"] for one in document["public_sets"])
    asked = next(row for row in document["funnel"] if row["stage"] == "boxes")["in"]
    assert asked == document["crawl"]["addresses"]["taken"]  # what came with boxes was bought from nobody
    assert imported + asked == pytest.approx(78, abs=4)
    assert document["ledger"]["charged_usd"] == document["ledger"]["accepted_work_usd"]


def test_a_search_is_rehearsed_in_our_own_market_alone():
    with pytest.raises(CommandError, match="with our own market, not through toloka"):
        rehearsed("cars-search", 10, "--platform", "toloka")
