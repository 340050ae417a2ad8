"""Replay stored answers as if they had been bought one at a time: what would have been asked, and where."""

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from hashlib import blake2b

import numpy as np

from aggregation.adapt.advice import BUY, STOP, Advice, money
from aggregation.adapt.boxes import advise_boxes, choose
from aggregation.adapt.settings import FEWEST, AdaptSettings
from aggregation.boxes import box_method
from aggregation.boxes.batch import aggregate_many
from aggregation.boxes.reliability import fit_and_resolve
from aggregation.boxes.reliability import resolve as reliability
from aggregation.boxes.settings import BoxSettings
from aggregation.core.answers import Consensus, ImageAnswers
from aggregation.core.errors import BadInput
from aggregation.core.geometry import TOLERANCE

Method = Callable[[Sequence[ImageAnswers], BoxSettings], Sequence[Consensus]]

SPENT_A_ROUND = 0.5  # of what is left of a budget, so that later rounds know more
LEAST_A_ROUND = 0.05  # answers an image, so that a budget is used up in few rounds

ADAPT_DEFAULTS = AdaptSettings()
BOX_DEFAULTS = BoxSettings()


@dataclass(frozen=True, slots=True)
class Replay:
    """What would have been bought: the last consensus, the advice on it and the answers paid for, image by image.

    `rounds` says how many answers each round bought; images stand in the order they were given.
    """

    results: tuple[Consensus, ...]
    advice: tuple[Advice, ...]
    answers: Mapping[str, int]
    rounds: tuple[int, ...]
    price: float

    @property
    def mean_answers(self) -> float | None:
        return sum(self.answers.values()) / len(self.answers) if self.answers else None

    def lines(self) -> Iterator[dict[str, object]]:
        """Yield, for every image, how many answers it got and what is advised."""
        for result, said in zip(self.results, self.advice, strict=True):
            yield {"image": result.image, "answers": self.answers[result.image], **said.to_json()}

    def to_json(self) -> dict[str, object]:
        """Return the sums: answers and money an image, how many images stopped where, what is left to do."""
        mean, total = self.mean_answers, sum(self.answers.values())
        taken, left = Counter(self.answers.values()), Counter(advice.next for advice in self.advice)
        return {
            "images": len(self.answers),
            "answers": total,
            "mean_answers": None if mean is None else round(mean, 4),
            "spent": money(total * self.price),
            "spent_an_image": None if mean is None else money(mean * self.price),
            "images_by_answers": {str(count): taken[count] for count in sorted(taken)},
            "bought_by_round": list(self.rounds),
            "next": dict(sorted(left.items())),
        }


def simulate(
    images: Sequence[ImageAnswers],
    method: str | Method,
    settings: AdaptSettings = ADAPT_DEFAULTS,
    boxes: BoxSettings = BOX_DEFAULTS,
    *,
    seed: int | None = None,
    budget: float | None = None,
) -> Replay:
    """Replay buying in rounds: two answers an image, then what is advised, all combined anew after each round.

    `images` carry all their stored answers: taken in the order given, or in a random one drawn from `seed`. With a
    `budget`, in answers an image, the answers go where they gain most until it is spent, whatever they are worth.
    An image whose stored answers are used up can get no more. Raises ValueError for an unknown method, an image given
    twice or a budget that is no number of at least two answers an image.
    """
    _require(images, budget)
    combine = method if callable(method) else named_method(method)
    ordered = images if seed is None else in_random_order(images, seed)
    chosen = replace(boxes, min_answers=min(boxes.min_answers, FEWEST), max_answers=settings.max_answers)
    looking = replace(chosen, accept=0.0)  # what is not good enough to publish still says where the doubt is
    given = {image.image: min(FEWEST, len(image.annotations)) for image in ordered}
    advice: list[Advice] = []
    rounds: list[int] = []
    while True:
        results = combine(_seen(ordered, given), looking)
        advice = _advised(results, advice, settings)
        room = _with_room(ordered, given, results, advice)
        more = _advisable(room) if budget is None else _affordable(room, given, settings, budget)
        if not more:
            break
        rounds.append(len(more))
        for name in more:
            given[name] += 1
    published = combine(_seen(ordered, given), chosen)
    return Replay(tuple(published), tuple(advice), given, tuple(rounds), settings.price)


def _require(images: Sequence[ImageAnswers], budget: float | None) -> None:
    if budget is not None and not FEWEST <= budget < math.inf:
        raise BadInput(f"budget is {budget}: expected a number of at least {FEWEST} answers an image")
    twice = [name for name, count in Counter(image.image for image in images).items() if count > 1]
    if twice:
        raise BadInput(f"image {twice[0]!r}: given twice: expected each image once")


def _seen(images: Sequence[ImageAnswers], given: Mapping[str, int]) -> list[ImageAnswers]:
    return [replace(image, annotations=image.annotations[: given[image.image]]) for image in images]


def _advised(results: Sequence[Consensus], before: Sequence[Advice], settings: AdaptSettings) -> list[Advice]:
    """Return the advice on every image; those that were good enough a round ago take a clear loss to open again."""
    closed = [said.next == STOP for said in before] or [False] * len(results)
    return [advise_boxes(result, settings, closed=was) for result, was in zip(results, closed, strict=True)]


def in_random_order(images: Sequence[ImageAnswers], seed: int) -> list[ImageAnswers]:
    """Return the same images, each with its answers in a random order of its own, whatever order they came in."""
    return [_shuffled(image, seed) for image in images]


def _shuffled(image: ImageAnswers, seed: int) -> ImageAnswers:
    answers = sorted(image.annotations, key=lambda answer: answer.annotator)
    name = blake2b(image.image.encode("utf-8", "surrogatepass"), digest_size=8).digest()
    rng = np.random.default_rng([seed, int.from_bytes(name)])
    return replace(image, annotations=tuple(answers[i] for i in rng.permutation(len(answers))))


def named_method(name: str) -> Method:
    """Return the method of that name as a function of many images; `reliability` learns from all of them anew."""
    box_method(name)
    if name == reliability.NAME:
        return fit_and_resolve
    return lambda images, settings: aggregate_many(images, settings, method=name)


def _with_room(
    images: Sequence[ImageAnswers], given: Mapping[str, int], results: Sequence[Consensus], advice: Sequence[Advice]
) -> list[tuple[Consensus, Advice]]:
    """Return consensus and advice of the images that have more answers stored."""
    trios = zip(images, results, advice, strict=True)
    return [(result, said) for image, result, said in trios if given[image.image] < len(image.annotations)]


def _advisable(room: Sequence[tuple[Consensus, Advice]]) -> list[str]:
    return [result.image for result, said in room if said.next == BUY]


def _affordable(
    room: Sequence[tuple[Consensus, Advice]], given: Mapping[str, int], settings: AdaptSettings, budget: float
) -> list[str]:
    """Return the images of one round of a budget: those that gain most, for half of what is left."""
    left = int(budget * len(given) + TOLERANCE) - sum(given.values())
    share = max(int(left * SPENT_A_ROUND), int(LEAST_A_ROUND * len(given)), 1)
    return choose([result for result, _ in room], settings, min(left, share)) if left > 0 else []
