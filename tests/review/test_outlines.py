"""Outlines in the office: seen on the page of a picture and in review, and kept by a fix that does not move them."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from curation.models import Annotation, Asset, Box, ConsensusBox
from curation.review.documents import documents
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
