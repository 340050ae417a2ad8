"""What would have been bought of answers that are stored."""

import json
from collections import Counter
from dataclasses import replace

import pytest

from aggregation import AdaptSettings, BoxSettings, ImageAnswers, aggregate_boxes
from aggregation.adapt import in_random_order, simulate
from tests.aggregation.drawing import A, B, crowd, moved, seen


def named(**images: ImageAnswers) -> list[ImageAnswers]:
    return [replace(image, image=name) for name, image in images.items()]


STORED = named(
    clear=seen(*crowd(7, A)),
    empty=seen(*[[]] * 7),
    torn=seen([A], [], [A], [], [A], [], [A]),
    loose=seen(*[[moved(A, shift)] for shift in (0, 45, 5, 50, 0, 40, 10)]),
    few=seen([A], []),
)
LAVISH = AdaptSettings(price=0.001)


def test_answers_go_to_the_images_in_doubt():
    replay = simulate(STORED, "median", LAVISH)
    assert replay.answers["clear"] == replay.answers["empty"] == 2
    assert min(replay.answers["torn"], replay.answers["loose"]) > 3
    assert [result.image for result in replay.results] == list(replay.answers)
    assert sum(replay.rounds) == sum(replay.answers.values()) - 2 * len(STORED)


def test_what_is_not_good_enough_to_publish_still_says_where_the_doubt_is():
    cautious, middling = BoxSettings(accept=0.999), AdaptSettings(price=0.006)
    replay = simulate(STORED, "reliability", middling, cautious)
    assert {result.status for result in replay.results} > {"drop"}
    assert replay.advice == simulate(STORED, "reliability", middling, replace(cautious, accept=0.0)).advice
    assert replay.answers["torn"] > replay.answers["clear"]


def test_every_result_is_that_of_the_answers_bought():
    replay = simulate(STORED, "hard-soft-drop", LAVISH)
    chosen = BoxSettings(min_answers=2, max_answers=7)
    for image, result in zip(STORED, replay.results, strict=True):
        bought = replace(image, annotations=image.annotations[: replay.answers[image.image]])
        assert result == aggregate_boxes(bought, chosen)


def test_no_more_is_bought_than_is_stored():
    assert simulate(STORED, "median", AdaptSettings(price=0)).answers["few"] == 2


def test_the_most_answers_are_kept_to_and_the_rest_is_for_a_reviewer():
    replay = simulate(STORED, "median", AdaptSettings(price=0.0, value=1, max_answers=4))
    assert max(replay.answers.values()) == 4
    assert replay.to_json()["next"]["review"] >= 1


def test_nothing_stored_nothing_bought():
    replay = simulate([], "median")
    assert replay.to_json()["mean_answers"] is None
    lonely = simulate(named(one=seen([A]), none=seen()), "median")
    assert lonely.answers == {"one": 1, "none": 0}


@pytest.mark.parametrize("budget", [2, 2.4, 3.2, 5])
def test_a_budget_is_spent_and_never_passed(budget):
    images = [replace(image, image=f"{image.image}{n}") for n in range(10) for image in STORED[:4]]
    replay = simulate(images, "median", budget=budget)
    assert replay.mean_answers <= budget + 1e-9
    assert replay.mean_answers == pytest.approx(budget, abs=0.05)
    bought = Counter(image.rstrip("0123456789") for image, count in replay.answers.items() for _ in range(count))
    assert bought["torn"] >= bought["clear"]


def test_a_dearer_answer_is_bought_more_rarely():
    bought = [simulate(STORED, "median", AdaptSettings(price=price)).mean_answers for price in (0.0001, 0.01, 1.0)]
    assert bought[0] >= bought[1] >= bought[2] == 2


def turned(image: ImageAnswers) -> ImageAnswers:
    return replace(image, annotations=image.annotations[::-1])


def test_a_seed_draws_the_order_and_nothing_else_does():
    assert simulate(STORED, "median", seed=3) == simulate(STORED, "median", seed=3)
    assert in_random_order(STORED, 3) != in_random_order(STORED, 4)
    assert in_random_order([turned(image) for image in STORED], 3) == in_random_order(STORED, 3)
    shuffled = in_random_order(STORED, 3)
    assert simulate(shuffled, "median") == simulate(STORED, "median", seed=3)
    assert sorted(a.annotator for a in shuffled[0].annotations) == sorted(a.annotator for a in STORED[0].annotations)


@pytest.mark.parametrize("seed", [None, 7])
def test_the_order_of_the_images_does_not_matter(seed):
    there, back = (simulate(images, "median", LAVISH, seed=seed) for images in (STORED, STORED[::-1]))
    assert there.answers == back.answers
    assert there.results == back.results[::-1]


def test_a_method_may_learn_from_all_images_of_a_round():
    rounds = []

    def learning(images: list[ImageAnswers], settings: BoxSettings) -> list:
        rounds.append(len(images))
        return [aggregate_boxes(image, settings, "median") for image in images]

    replay = simulate(STORED, learning, LAVISH)
    assert replay == simulate(STORED, "median", LAVISH)
    assert rounds == [len(STORED)] * (len(replay.rounds) + 2)  # a look after each round, and what is published


@pytest.mark.parametrize(("later", "bought"), [(0.89, 2), (0.8, 3)])
def test_what_was_enough_a_round_ago_takes_a_clear_loss_to_be_bought_again(later, bought):
    def drifting(images: list[ImageAnswers], settings: BoxSettings) -> list:
        first = len(images[1].annotations) == 2
        chances = {"sure": 0.95 if first else later, "torn": 0.5 if first else 0.95}
        results = [aggregate_boxes(image, settings, "median") for image in images]
        return [replace(result, confidence=chances[result.image]) for result in results]

    images = named(sure=seen(*crowd(3, A)), torn=seen(*crowd(3, A)))
    replay = simulate(images, drifting, AdaptSettings(rule="threshold", theta=0.9))
    assert replay.answers == {"sure": bought, "torn": 3}


def test_the_document_says_answers_money_and_where():
    replay = simulate(
        named(a=seen(*crowd(3, A, B)), b=seen([A], [], [A])), "median", AdaptSettings(price=0.05, value=1)
    )
    document = json.loads(json.dumps(replay.to_json()))
    assert document["images"] == 2
    assert document["spent"] == pytest.approx(0.05 * document["answers"])
    assert document["spent_an_image"] == pytest.approx(0.05 * document["mean_answers"])
    assert sum(document["images_by_answers"].values()) == 2
    assert [(line["image"], line["answers"], line["next"]) for line in replay.lines()] == [
        (image, count, advice.next)
        for (image, count), advice in zip(replay.answers.items(), replay.advice, strict=True)
    ]


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"method": "reading tea leaves"}, "unknown method 'reading tea leaves'"),
        ({"method": "median", "budget": 1.5}, "budget is 1.5: expected a number of at least 2 answers an image"),
        ({"method": "median", "budget": float("nan")}, "budget is nan: expected a number"),
        ({"method": "median", "budget": float("inf")}, "budget is inf: expected a number"),
    ],
)
def test_a_wrong_replay_is_refused(wrong, sentence):
    with pytest.raises(ValueError, match=sentence):
        simulate(STORED, **wrong)


def test_an_image_given_twice_is_refused():
    with pytest.raises(ValueError, match="image 'clear': given twice: expected each image once"):
        simulate([STORED[0], STORED[0]], "median")
