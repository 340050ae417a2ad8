"""Outlines instead of boxes: from the worker's corners to a COCO polygon and back into another project."""

import json
from pathlib import Path

import pytest

from crowd.errors import BadAnswer
from crowd.models import Batch
from crowd.services.answers import check_payload
from curation.datasets.formats.base import BoxRecord, ImageRecord, LabelClass
from curation.datasets.formats.reading.coco import CocoReader
from curation.datasets.formats.registry import reader, writer
from curation.models import Box, Consensus, ConsensusBox
from curation.services import freezing, worker_pages
from curation.services.imported_boxes import fractions
from curation.services.reviews.fixing import new_version
from tests.crowd.market import NOON
from tests.engine import world

CORNERS = [[0.4, 0.3], [0.6, 0.3], [0.7, 0.6], [0.5, 0.8], [0.3, 0.6]]
SPEC = {"labels": [{"name": "gesture"}], "flags": [{"value": "no_hands"}]}


def said(by: float = 0.0) -> list[dict[str, object]]:
    return [{"label": "gesture", "points": [[x + by, y] for x, y in CORNERS]}]


@pytest.mark.django_db
def test_outlines_of_three_become_one_and_leave_as_a_polygon():
    project = world.campaign(boxes={"shape": "outline"})
    assert world.batch(project, "boxes").interface == "outlines"
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "correct", "correct", "correct")
    for by in (0.0, 0.004, 0.01):
        world.answer(project, "boxes", outlines=said(by), flags=[])
    world.work(project)
    drawn = Box.objects.get(annotation__asset=asset, points=CORNERS)
    assert (drawn.x, drawn.y, drawn.w, drawn.h) == pytest.approx((0.3, 0.3, 0.4, 0.5))
    agreed = Consensus.objects.current().of_boxes().get(asset=asset)
    box = agreed.boxes.get()
    assert (agreed.status, box.label) == ("hard", "gesture")
    assert [pytest.approx(corner) for corner in box.points] == [[x + 0.004, y] for x, y in CORNERS]
    kept = new_version(asset, [{"label": "no gesture", "x": box.x, "y": box.y, "w": box.w, "h": box.h}],
                       world.person("Rita"), NOON)  # fmt: skip
    assert kept.boxes.get().points == box.points
    world.fresh(asset)
    version = freezing.freeze_version(project_id=project.pk, by=None, now=NOON)
    (item,) = version.items.all()
    assert item.boxes[0]["points"] == box.points


@pytest.mark.django_db
def test_outlines_apart_buy_one_more_answer_though_their_boxes_are_alike():
    project = world.campaign(boxes={"shape": "outline"})
    asset = world.checked(project, world.photo("one"))
    world.validate(project, "correct", "correct", "correct")
    upper, lower = [[0.2, 0.2], [0.8, 0.2], [0.2, 0.8]], [[0.8, 0.2], [0.8, 0.8], [0.2, 0.8]]
    for points in (upper, lower, upper):
        world.answer(project, "boxes", outlines=[{"label": "gesture", "points": points}], flags=[])
    world.work(project)
    assert Consensus.objects.current().of_boxes().get(asset=asset).reason == "iou"
    world.work(project, "boxes")
    assert world.on_offer(project, "boxes") == 1
    assert not ConsensusBox.objects.exists()


def test_a_polygon_is_written_and_read_as_the_same_corners(tmp_path: Path):
    outline = ((10.5, 20.0), (40.25, 20.0), (30.0, 60.0))
    records = [
        ImageRecord("a.jpg", 100, 80, (BoxRecord(1, 10.5, 20, 29.75, 40, 0.9, outline), BoxRecord(1, 1, 1, 2, 2)))
    ]
    writer("coco").write(tmp_path / "out", [LabelClass(1, "hand")], iter(records), None)
    document = tmp_path / "out" / "annotations" / "all.json"
    first, second = json.loads(document.read_text())["annotations"]
    assert first["segmentation"] == [[10.5, 20.0, 40.25, 20.0, 30.0, 60.0]]
    assert (first["area"], second["segmentation"]) == (595.0, [])
    (picture,) = CocoReader().read(document)
    boxes = picture.boxes
    assert [box.outline for box in boxes.boxes] == [outline, ()]
    ours = fractions(boxes.boxes[0], boxes, "hand")
    assert ours["points"] == [[0.105, 0.25], [0.4025, 0.25], [0.3, 0.75]]


def test_json_lines_keep_the_corners_and_an_odd_one_costs_the_outline_alone(tmp_path: Path):
    outline = ((10.5, 20.0), (40.25, 20.0), (30.0, 60.0))
    boxes = (BoxRecord(1, 10.5, 20, 29.75, 40, 0.9, outline), BoxRecord(1, 1, 1, 2, 2))
    records = [ImageRecord("a.jpg", 100, 80, boxes)]
    writer("jsonl").write(tmp_path / "out", [LabelClass(1, "hand")], iter(records), None)
    document = tmp_path / "out" / "images.jsonl"
    (picture,) = reader("jsonl").read(document)
    assert [box.outline for box in picture.boxes.boxes] == [outline, ()]
    document.write_text(document.read_text().replace("[40.25,20.0]", '[40.25,"x"]'))
    (picture,) = reader("jsonl").read(document)
    assert [(box.width, box.outline) for box in picture.boxes.boxes] == [(29.75, ()), (2, ())]


@pytest.mark.parametrize(
    ("outlines", "sentence"),
    [
        (None, "must be lists"),
        ([], "mark that there is none"),
        ([{"label": "gesture", "points": CORNERS[:2]}], "needs 3 to 500 corners"),
        ([{"label": "gesture", "points": [*CORNERS[:2], [0.1]]}], "not a pair of numbers"),
        ([{"label": "gesture", "points": [*CORNERS[:2], [0.1, float("nan")]]}], "needs finite numbers"),
        ([{"label": "gesture", "points": [[0.1, 0.1], [0.5, 0.5], [1.4, 0.2]]}], "must lie inside the picture"),
        ([{"label": "gesture", "points": [[0.1, 0.1], [0.5, 0.5], [0.2, 0.2]]}], "Outline 1 has nothing inside"),
        ([{"label": "gesture", "points": [[0.1, 0.1], [0.5, 0.5], [0.5, 0.1], [0.1, 0.5]]}], "nothing inside"),
        ([{"label": "foot", "points": CORNERS}], "Outline 1 needs one of the labels gesture"),
    ],
)
def test_what_is_no_outline_is_refused_in_a_sentence(outlines, sentence):
    with pytest.raises(BadAnswer, match=sentence):
        check_payload(interface="outlines", spec=SPEC, payload={"outlines": outlines, "flags": []})


def test_the_draft_of_a_street_full_of_people_is_kept_but_not_without_bounds():
    batch, person = Batch(interface="outlines"), {"label": "gesture", "points": [[0.12345, 0.54321]] * 100}
    worker_pages.check_draft(batch, {"outlines": [person] * 50, "flags": []})
    with pytest.raises(BadAnswer, match="at most 256 KB"):
        worker_pages.check_draft(batch, {"outlines": [person] * 200, "flags": []})
