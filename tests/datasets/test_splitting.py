"""Splits as values: nothing that belongs together is parted, classes are spread, giants are not glued together."""

import numpy as np

from curation.datasets.splitting import _drawn, chi_squares, deal, grouped, groups_of

NONE = np.empty((0, 2), dtype=np.int64)
WORKED = {1: (6, 2), 2: (3, 4), 3: (2, 4), 4: (4, 1), 5: (1, 3), 6: (2, 2), 7: (2, 1), 8: (0, 3)}
SHARES = {"train": 0.6, "val": 0.2, "test": 0.2}


def test_groups_are_dealt_where_the_classes_lack_most():
    groups = [group for group, (a, b) in WORKED.items() for _ in range(a + b)]
    classes = [label for a, b in WORKED.values() for label in [0] * a + [1] * b]
    names = [f"{group}" for group in groups]
    seed = next(n for n in range(99) if _in_order(groups, names, n))
    found = deal(groups, names, shares=SHARES, seed=seed, classes=classes)
    assert found.splits == {1: "train", 3: "train", 5: "train", 6: "train", 2: "val", 4: "test", 7: "test", 8: "test"}
    parts = {"a": {"train": 11, "val": 3, "test": 6}, "b": {"train": 11, "val": 4, "test": 5}}
    assert [round(one, 3) for one in chi_squares(parts, SHARES).values()] == [1.333, 0.333]


def _in_order(groups, names, seed) -> bool:
    """Whether this seed draws groups of one size in the order of their numbers, as worked by hand."""
    return _drawn(seed, "5") < _drawn(seed, "6") and _drawn(seed, "7") < _drawn(seed, "8")


def test_a_worker_and_a_video_tie_what_they_share_and_pairs_join():
    worker = np.array([7, 7, -1, -1, -1, 3])
    video = np.array([-1, 5, 5, -1, -1, -1])
    found = groups_of(6, [worker, video], np.array([[3, 4]]))
    assert found.tolist() == [0, 0, 0, 3, 3, 5]


def test_duplicates_across_people_never_glue_more_than_a_twentieth_together():
    n, people = 4_000, 400
    worker = np.arange(n) % people
    chain = np.stack([np.arange(people - 1), np.arange(1, people)], axis=1)  # each worker's picture is the next one's
    found = grouped(n, [worker], chain, quality=np.arange(n, dtype=float))
    assert found.largest == n
    assert np.bincount(found.groups).max() == n // people
    assert sorted(found.left_out.tolist()) == list(range(people - 1))  # the best of the cluster stays
    few = grouped(n, [worker], chain[:3], quality=np.zeros(n))
    assert len(few.left_out) == 0
    assert len(set(few.groups[:4].tolist())) == 1


def test_what_is_fixed_never_moves_and_takes_its_group_along():
    groups = [0, 0, 0, 3, 3, 5, 6, 7, 8, 9]
    found = deal(
        groups,
        [str(n) for n in range(10)],
        shares=SHARES,
        seed=1,
        earlier={0: "train", 1: "train", 3: "val"},
        fixed={2: "test"},
    )
    assert (found.splits[0], found.splits[3]) == ("test", "val")
    assert found.crowded == [0]
