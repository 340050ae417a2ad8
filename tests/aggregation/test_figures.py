"""Figures on the sample data: real answers of a crowd against an expert, with the rule for small boxes."""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest

from aggregation import Consensus, ImageAnswers, aggregate_boxes, aggregate_many, parse_image
from tests.aggregation import judging
from tests.aggregation.drawing import SAMPLES

needs_samples = pytest.mark.skipif(
    not (SAMPLES / "pedestrians-dev.answers.jsonl").is_file(),
    reason=f"no sample data in {SAMPLES}: set WINNOW_SAMPLE_DATA",
)


def drawn(count: int, seed: int) -> list[ImageAnswers]:
    sample = judging.pedestrians()
    return [image for image in judging.drawn(sample, count, seed) if image.image in sample.truth]


def f1(results: Sequence[Consensus], least: float) -> float:
    return judging.f1([judging.judge(result, judging.pedestrians()) for result in results], least)


@needs_samples
@pytest.mark.parametrize(("count", "at_50", "at_75"), [(3, 0.979, 0.777), (5, 0.983, 0.830)])
def test_the_median_of_a_majority_reaches_its_published_figures(count, at_50, at_75):
    runs = [aggregate_many(drawn(count, seed), method="median") for seed in range(5)]
    assert np.mean([f1(run, 0.5) for run in runs]) == pytest.approx(at_50, abs=0.01)
    assert np.mean([f1(run, 0.75) for run in runs]) == pytest.approx(at_75, abs=0.01)


@needs_samples
def test_the_rule_resolves_half_of_three_answers_and_is_nearly_always_right():
    runs = [aggregate_many(drawn(3, seed)) for seed in range(5)]
    shares = {
        status: np.mean([result.status == status for run in runs for result in run])
        for status in ("hard", "soft", "drop")
    }
    assert shares == pytest.approx({"hard": 0.39, "soft": 0.12, "drop": 0.49}, abs=0.02)
    resolved = [[result for result in run if result.status != "drop"] for run in runs]
    assert np.mean([f1(run, 0.5) for run in resolved]) == pytest.approx(0.989, abs=0.01)


@needs_samples
def test_one_more_answer_equal_to_the_result_never_unresolves_an_image():
    for image in drawn(4, 1):
        result = aggregate_boxes(image)
        if result.status != "drop":
            assert aggregate_boxes(with_one_more(image, result)).status != "drop"


def with_one_more(image: ImageAnswers, result: Consensus) -> ImageAnswers:
    again = {"annotator": "zz", "boxes": [box.to_json() for box in result.boxes], "flags": []}
    one = parse_image({"image": image.image, "annotations": [again]}).annotations
    return replace(image, annotations=image.annotations + one)
