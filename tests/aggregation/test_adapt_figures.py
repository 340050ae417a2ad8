"""What buying where it gains most is worth on a real crowd, with the rule for small boxes."""

import numpy as np
import pytest

from aggregation import AdaptSettings, BoxSettings
from aggregation.adapt import Replay, simulate
from tests.aggregation import judging
from tests.aggregation.drawing import SAMPLES

needs_samples = pytest.mark.skipif(
    not (SAMPLES / "pedestrians-dev.answers.jsonl").is_file(), reason=f"no {SAMPLES}: set WINNOW_SAMPLE_DATA"
)
SEEDS = range(2)
EVERYTHING = BoxSettings(accept=0.0)  # fixed overlap with the median publishes everything too


def quality(replay: Replay) -> tuple[float, float]:
    """Return the share of images with every object found, and F1 at IoU .75."""
    sample = judging.pedestrians()
    verdicts = [judging.judge(result, sample) for result in replay.results if result.image in sample.truth]
    return judging.exact(verdicts, judging.HIT), judging.f1(verdicts, judging.PLACED)


@needs_samples
def test_three_answers_an_image_are_as_good_as_five_of_everybody():
    replays = [
        simulate(judging.pedestrians().images, "reliability", AdaptSettings(), EVERYTHING, seed=seed, budget=3.0)
        for seed in SEEDS
    ]
    exact, placed = np.mean([quality(replay) for replay in replays], axis=0)
    assert max(replay.mean_answers for replay in replays) <= 3.0
    assert exact >= 0.969  # five answers of every image and the median: .964 and .830
    assert placed >= 0.830
