"""Leader clustering: every member is proven against its own leader."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from curation.preprocessing.clusters import Tie, cluster


def test_a_chain_does_not_become_one_cluster() -> None:
    chain = [Tie(number, number + 1, strong=True, difference=0.1) for number in range(9)]
    found = cluster(range(10), chain)
    assert [(one.leader, one.members) for one in found] == [(n, [n + 1]) for n in range(0, 10, 2)]


def test_a_member_joins_the_nearest_leader() -> None:
    ties = [Tie("a", "c", strong=True, difference=0.4), Tie("b", "c", strong=True, difference=0.1)]
    found = {one.leader: one.members for one in cluster(["a", "b", "c"], ties)}
    assert found == {"a": [], "b": ["c"]}


def test_a_leader_of_the_same_scene_is_listed_and_keeps_its_members() -> None:
    ties = [Tie("a", "b", strong=False, difference=0.9), Tie("b", "c", strong=True, difference=0.2)]
    first, second = cluster(["a", "b", "c"], ties)
    assert (first.leader, first.members, first.scenes) == ("a", [], ["b"])
    assert (second.leader, second.members) == ("b", ["c"])


pairs = st.lists(st.tuples(st.integers(0, 12), st.integers(0, 12), st.booleans(), st.floats(0, 1)), max_size=40)


@given(drawn=pairs, seed=st.integers(0, 1000))
@settings(deadline=None)
def test_members_are_tied_to_their_leader_whatever_the_order_of_rows(
    drawn: list[tuple[int, int, bool, float]], seed: int
) -> None:
    ties = [Tie(a, b, strong, difference) for a, b, strong, difference in drawn if a != b]
    strong = {frozenset((tie.left, tie.right)) for tie in ties if tie.strong}
    found = cluster(range(13), ties)
    assert all(frozenset((one.leader, member)) in strong for one in found for member in one.members)
    placed = [key for one in found for key in (one.leader, *one.members)]
    assert sorted(placed) == list(range(13))
    shuffled = random.Random(seed).sample(ties, len(ties))
    assert cluster(range(13), shuffled) == found
