"""What each method of labels is worth on a crowd with a long tail and clickers."""

from functools import cache

import numpy as np
import pytest

from aggregation import LabelSettings, aggregate_labels
from tests.aggregation.simulated_votes import Crowd, share_right, simulated

FIVE = LabelSettings(label_count=5)
WEAK = LabelSettings(label_count=5, prior_votes=0.1)


@cache
def right(method: str, settings: LabelSettings = FIVE) -> float:
    shares = []
    for seed in range(2):
        votes, truth = simulated(seed, Crowd())
        shares.append(share_right(aggregate_labels(votes, settings, method), truth))
    return float(np.mean(shares))


def test_each_method_comes_near_its_published_share():
    found = [right("majority"), right("one-coin"), right("dawid-skene")]
    assert found == pytest.approx([0.972, 0.982, 0.978], abs=0.006)


def test_one_accuracy_a_worker_beats_a_matrix_and_both_beat_counting_heads():
    assert right("one-coin") > right("dawid-skene") > right("majority")


def test_a_matrix_without_the_pool_behind_it_is_worse_than_counting_heads():
    assert right("dawid-skene", WEAK) < right("majority") - 0.002
