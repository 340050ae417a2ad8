"""Who is careful: answers against what was agreed."""

import numpy as np
import pytest

from curation.models import Consensus, ConsensusBox
from curation.services.quality_facts.comparing import compare, in_words
from curation.services.quality_facts.people import Tally, crowd_of, judge
from tests import scenes

HAND = ((0.1, 0.1, 0.3, 0.4), "gesture")
OTHER = ((0.6, 0.5, 0.8, 0.9), "no gesture")
NOWHERE = ((0.4, 0.0, 0.45, 0.1), "gesture")


def test_equal_boxes_are_right_in_any_order():
    found = compare([OTHER, HAND], [HAND, OTHER])
    assert found.is_right
    assert {(i, j) for i, j, _ in found.pairs} == {(0, 1), (1, 0)}


@pytest.mark.parametrize(
    ("own", "words"),
    [
        ([HAND], "Missed 1 box, the rest at IoU 1.00."),
        ([HAND, OTHER, NOWHERE], "Drew 1 box that nobody else sees, the rest at IoU 1.00."),
        ([(HAND[0], "no gesture"), OTHER], "Said no gesture where the others say gesture, the rest at IoU 1.00."),
        ([], "Missed 2 boxes."),
        ([HAND, ((0.7, 0.5, 0.9, 0.9), "no gesture")], "Put a box beside the object (IoU 0.33), the rest at IoU 1.00."),
        ([HAND, ((0.6, 0.5, 0.8, 0.8), "no gesture")], "IoU 0.75."),
    ],
)
def test_what_is_wrong_is_said_in_words(own, words):
    assert in_words(compare(own, [HAND, OTHER])) == words


def test_that_nothing_is_there_can_be_right():
    assert compare([], []).is_right
    assert in_words(compare([], [])) == "Agreed that nothing is there."


def test_one_box_is_compared_with_the_nearest_of_several():
    found = compare([OTHER], [HAND, OTHER])
    assert (found.missed, found.false) == ((0,), ())


def tally(images: int, wrong: int) -> Tally:
    return Tally(images=images, right=images - wrong, objects=images, found=images - wrong, drawn=images)


def test_a_worker_who_is_wrong_far_more_often_than_the_others_is_careless():
    crowd = judge({1: tally(200, 10), 2: tally(180, 9), 3: tally(150, 7), 4: tally(60, 24)})
    assert [worker for worker, one in crowd.items() if one.is_careless] == [4]
    assert crowd[4].missed.hits == 24
    assert crowd[4].others == pytest.approx(1 - 26 / 530)


def test_a_few_unlucky_images_make_nobody_careless():
    crowd = judge({1: tally(200, 10), 2: tally(180, 9), 3: tally(9, 9), 4: tally(12, 3)})
    assert not any(one.is_careless for one in crowd.values())


def test_among_many_honest_workers_of_uneven_skill_hardly_anybody_is_called_careless():
    rng = np.random.default_rng(3)
    named = 0
    for _ in range(20):
        rates = rng.beta(8, 100, size=60)
        tallies = {n: tally(40, int(rng.binomial(40, rate))) for n, rate in enumerate(rates)}
        named += sum(one.is_careless for one in judge(tallies).values())
    assert named <= 6


@pytest.mark.django_db
def test_answers_are_measured_against_the_consensus_or_the_persons_fix():
    world = scenes.project(Rita="reviewer")
    boxes = scenes.batch(world, "boxes")
    for n in range(4):
        scenes.image_at_review(world, boxes, seed=f"{n}")
    ConsensusBox.objects.filter(consensus=Consensus.objects.earliest("id"), seq=0).update(x=0.0, y=0.0)
    crowd = crowd_of(world.stages.get(kind="aggregate"))
    (care, *others) = crowd.workers.values()
    assert (crowd.images, crowd.of, crowd.right.n, len(others)) == (4, 4, 12, 2)
    assert (care.right.hits, care.right.n) == (3, 4)
    assert (care.missed.hits, care.missed.n, care.false.hits, care.false.n) == (1, 8, 1, 8)
    Consensus.objects.all().update(status="drop")
    assert crowd_of(world.stages.get(kind="aggregate")).images == 0
