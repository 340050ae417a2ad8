"""Outlines in the office: seen on a picture and in review, fixed there, and kept by a fix that does not move them."""

from datetime import UTC, datetime
from uuid import uuid4

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Annotation, Asset, Box, ConsensusBox, Review
from curation.review.documents import documents
from curation.services import reviews
from curation.services.reviews import Decided
from curation.services.reviews.fixing import new_version
from tests import scenes

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 5, 4, 12, tzinfo=UTC)
CORNERS = [[0.25, 0.25], [0.75, 0.25], [0.5, 0.75]]
AROUND = {"x": 0.25, "y": 0.25, "w": 0.5, "h": 0.5}
OTHERS = [[1 / 3, 1 / 7], [1.0, 1 / 7], [1.0, 1.0], [1 / 3, 1.0]]
AROUND_OTHERS = {"x": 1 / 3, "y": 1 / 7, "w": 2 / 3, "h": 6 / 7}


@pytest.fixture
def outlined(image: Asset) -> Asset:
    """The same image with one agreed outline, and one that the first annotator alone drew."""
    first = Annotation.objects.filter(asset=image).earliest("pk")
    Box.objects.create(annotation=first, seq=8, label="gesture", points=OTHERS, **AROUND_OTHERS)
    agreed = image.consensus.get()
    ConsensusBox.objects.create(consensus=agreed, seq=8, label="gesture", confidence=0.9, points=CORNERS, **AROUND)
    return image


def test_the_page_of_a_picture_draws_its_outline(outlined):
    client = Client()
    client.force_login(scenes.person("Rita"))
    page = client.get(reverse("asset", args=[outlined.project.public_id, outlined.public_id])).content.decode()
    assert '<polygon class="b2" points="480.00,270.00 1440.00,270.00 960.00,810.00"/>' in page
    assert page.count('<rect class="b') == 2


def test_a_reviewer_gets_the_corners_of_what_was_agreed_and_of_what_each_one_drew(outlined):
    (shown,) = documents([outlined])
    assert [box["points"] for box in shown["consensus"]] == [[], [], CORNERS]
    assert [box["points"] for box in shown["variants"][0]["boxes"]] == [[], [], OTHERS]


def test_a_fix_keeps_outlines_of_boxes_that_it_does_not_move_also_those_nobody_else_drew(outlined):
    sent = [{side: round(value, 6) for side, value in one.items()} for one in (AROUND, AROUND_OTHERS)]
    sent.append({**sent[0], "x": sent[0]["x"] + 0.001})
    kept = new_version(outlined, [{"label": "gesture", **one} for one in sent], scenes.person("Rita"), NOW)
    assert [box.points for box in kept.boxes.order_by("seq")] == [CORNERS, OTHERS, []]


def test_of_two_outlines_in_one_box_each_label_keeps_its_own(outlined):
    agreed = outlined.consensus.get()
    ConsensusBox.objects.create(
        consensus=agreed, seq=9, label="no gesture", confidence=0.9, points=CORNERS[::-1], **AROUND
    )
    kept = new_version(
        outlined,
        [{"label": label, **AROUND} for label in ("no gesture", "gesture")],
        scenes.person("Rita"),
        NOW,
    )
    assert [box.points for box in kept.boxes.order_by("seq")] == [CORNERS[::-1], CORNERS]


def fix(image: Asset, *drawn: object) -> list[str]:
    """Let Rita fix an image; return what is refused in words."""
    decided = Decided(uuid4(), image.public_id, Review.Verdict.FIX, boxes=list(drawn))
    saved = reviews.record(project=image.project, user=scenes.person("Rita"), decisions=[decided], now=NOW)
    return [one.why for one in saved.refused]


def test_corners_that_a_reviewer_moves_become_what_is_agreed_and_the_box_is_the_one_around_them(outlined):
    moved = [[0.25, 0.25], [0.875, 0.25], [0.5, 1.0000001], [0.3, 0.5]]
    assert fix(outlined, {"label": "no gesture", "points": moved, "x": 0.9, "w": 7}) == []
    (box,) = outlined.consensus.get(is_current=True).boxes.all()
    assert (box.label, box.points) == ("no gesture", [*moved[:2], [0.5, 1.0], moved[3]])
    assert (box.x, box.y, box.w, box.h) == (0.25, 0.25, 0.625, 0.75)
    assert outlined.consensus.get(is_current=True).trace == ["Rita fixed the outlines: 1 in the end."]
    assert Review.objects.get().boxes == [
        {"label": "no gesture", "x": 0.25, "y": 0.25, "w": 0.625, "h": 0.75, "points": box.points}
    ]
    fresh = documents([Asset.objects.get(pk=outlined.pk)])
    assert [one["points"] for one in fresh[0]["consensus"]] == [box.points]


def test_an_undone_fix_gives_the_agreed_outline_back(outlined):
    assert fix(outlined, {"label": "gesture", "points": CORNERS[::-1]}) == []
    undo = Decided(uuid4(), outlined.public_id, Review.Verdict.UNDO, undoes=Review.objects.get().key)
    said = reviews.record(project=outlined.project, user=scenes.person("Rita"), decisions=[undo], now=NOW)
    assert said.refused == []
    assert [box.points for box in outlined.consensus.get(is_current=True).boxes.all()] == [[], [], CORNERS]


@pytest.mark.parametrize(
    ("drawn", "sentence"),
    [
        ({"label": "gesture", "points": CORNERS[:2]}, "Outline 2 needs 3 to 500 corners."),
        ({"label": "gesture", "points": [*CORNERS[:2], [0.5, 3]]}, "A corner of outline 2 needs finite numbers"),
        ({"label": "gesture", "points": [*CORNERS[:2], [0.5, 1.5]]}, "Outline 2 must lie inside the picture."),
        ({"label": "gesture", "points": [[0.1, 0.1], [0.2, 0.2], [0.3, 0.3]]}, "Outline 2 has nothing inside"),
        ({"label": "foot", "points": CORNERS}, "Outline 2 needs one of the labels gesture, no gesture."),
        ({"label": ["gesture"], "points": "ab"}, "Outline 2 needs 3 to 500 corners."),
        ({"label": ["gesture"], **AROUND}, "Box 2 needs one of the labels"),
    ],
)
def test_a_fix_that_is_no_outline_is_refused_in_a_sentence_and_leaves_nothing(outlined, drawn, sentence):
    (why,) = fix(outlined, {"label": "gesture", "points": CORNERS}, drawn)
    assert why.startswith(sentence)
    assert not Review.objects.exists()
    assert outlined.consensus.count() == 1


def test_the_interface_for_programs_takes_corners_instead_of_sides(outlined):
    client = Client()
    client.force_login(scenes.person("Rita"))
    decided = {"key": str(uuid4()), "asset": str(outlined.public_id), "verdict": "fix"}
    body = {"project": str(outlined.project.public_id)}
    sent = [{**decided, "boxes": [{"label": "gesture", "points": CORNERS}]}]
    answer = client.post(reverse("api-reviews"), {**body, "decisions": sent}, content_type="application/json")
    assert answer.json() == {"saved": [decided["key"]], "refused": []}
    (row,) = client.get(reverse("api-reviews")).json()["results"]
    assert row["boxes"] == [{"label": "gesture", **AROUND, "points": CORNERS}]
