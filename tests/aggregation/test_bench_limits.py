"""The limits that the benchmark prints: what is called known is taken from the truth, and nothing else is."""

from dataclasses import replace

import pytest

from aggregation import Box
from tests.aggregation import judging
from tests.aggregation.drawing import A, B, crowd, moved, seen
from tests.bench.aggregation import limits

STRAY = Box(100, 700, 200, 200, "x")


@pytest.fixture(scope="module")
def draw() -> limits.Draw:
    """Forty images of one object, drawn too low by everybody on the first and misnamed on the second."""
    plain = [replace(seen(*crowd(5, A)), image=f"i{number:02}") for number in range(40)]
    low = replace(seen(*([moved(A, 0, 70)] for _ in range(5))), image="i00")
    misnamed = replace(seen(*([moved(A, 1, label="y")] for _ in range(5))), image="i01")
    invented = replace(seen(*([A, STRAY] for _ in range(5))), image="i02")
    images = (low, misnamed, invented, *plain[3:], replace(seen(*crowd(5, B)), image="without truth"))
    corners = (100.0, 100.0, 300.0, 300.0)
    truth = {image.image: ((corners, "x"),) for image in plain}
    return limits.draws(judging.Sample("drawn", images, truth, ignores_small=False), 5, [0])[0]


def wrong(draw: limits.Draw, decided: limits.Decided, least: float) -> list[str]:
    return [name for name, one in limits.verdicts(draw, decided).items() if not one.exact(least)]


def test_what_is_called_known_mends_its_own_mistakes_alone(draw):
    assert wrong(draw, limits.as_it_is(draw), judging.PLACED) == ["i00", "i01", "i02"]
    assert wrong(draw, limits.objects_known(draw), judging.HIT) == ["i00", "i01"]
    assert wrong(draw, limits.places_known(draw), judging.PLACED) == ["i01", "i02"]
    assert wrong(draw, limits.labels_known(draw), judging.PLACED) == ["i00", "i02"]


def test_support_counts_candidates_of_images_with_truth_alone(draw):
    everybody = limits.support([draw])[-1]
    assert everybody["drawn_by"] == 5
    assert everybody["candidates"] == 41
    assert everybody["objects"] == pytest.approx(39 / 41, abs=0.001)
