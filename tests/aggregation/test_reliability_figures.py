"""The reliability model on the sample data: the figures of docs/aggregation.md, with room for other halves."""

import json

import numpy as np
import pytest
from scipy.stats import spearmanr

from aggregation import BoxSettings, fit_reliability, resolve_reliability
from tests.aggregation import judging
from tests.aggregation.drawing import SAMPLES

WORKERS = SAMPLES / "gestures-synthetic-dev.workers.jsonl"

needs_samples = pytest.mark.skipif(not WORKERS.is_file(), reason=f"no {WORKERS}: set WINNOW_SAMPLE_DATA")


def verdicts(sample: judging.Sample, seed: int, chosen: BoxSettings) -> list[judging.Verdict]:
    given = judging.drawn(sample, 5, seed)
    results = resolve_reliability(given, fit_reliability(given, chosen), chosen)
    return [judging.judge(result, sample) for result in results if result.image in sample.truth]


@needs_samples
def test_the_pedestrians_are_found_placed_and_promised_as_stated():
    sample = judging.pedestrians()
    runs = [verdicts(sample, seed, BoxSettings(accept=0)) for seed in range(3)]
    assert np.mean([judging.f1(run, 0.5) for run in runs]) >= 0.985
    assert np.mean([judging.f1(run, 0.75) for run in runs]) >= 0.89
    assert np.mean([judging.exact_on_most_confident(run) for run in runs]) >= 0.99
    for name, most in (("confidence", 0.02), ("confidence_75", 0.04)):
        promises = [judging.promises(run)[name] for run in runs]
        assert np.mean([promise.ece for promise in promises]) <= most
        assert np.mean([promise.brier for promise in promises]) < np.mean([promise.constant for promise in promises])


@needs_samples
def test_the_gestures_are_named_and_promised_as_stated():
    sample = judging.gestures()
    runs = [verdicts(sample, seed, BoxSettings(accept=0, label_count=9)) for seed in range(2)]
    assert np.mean([judging.label_accuracy(run) for run in runs]) >= 0.98
    assert np.mean([judging.f1(run, 0.75) for run in runs]) >= 0.97
    promises = [judging.promises(run)["confidence"] for run in runs]
    assert np.mean([promise.ece for promise in promises]) <= 0.02
    assert np.mean([promise.brier for promise in promises]) < np.mean([promise.constant for promise in promises])


@needs_samples
def test_estimated_skills_follow_the_true_ones():
    rows = [json.loads(line) for line in WORKERS.read_text().splitlines()]
    busy = {row["annotator"]: row for row in rows if row["answers"] >= 30}
    state = fit_reliability(judging.gestures().images, BoxSettings(label_count=9))
    skills = {skill.worker: skill for skill in state.skills() if skill.worker in busy}
    assert len(skills) >= 20
    for estimate, true in (("sensitivity", "miss"), ("accuracy", "label_error"), ("noise", "noise")):
        sign = 1 if true == "noise" else -1
        mine = [getattr(skill, estimate) for skill in skills.values()]
        theirs = [sign * busy[name][true] for name in skills]
        assert spearmanr(mine, theirs).statistic >= 0.6, (estimate, spearmanr(mine, theirs).statistic)
