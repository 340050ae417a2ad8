"""Many images at once: the same results as one by one, faster."""

from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from aggregation.boxes import DEFAULTS, box_method, clusters, hard_soft_drop
from aggregation.boxes.fast_results import Agreeing, agreed
from aggregation.boxes.reliability import ReliabilityState, fit_and_resolve, resolve_reliability
from aggregation.boxes.reliability import resolve as reliability
from aggregation.boxes.settings import BoxSettings
from aggregation.core.answers import Consensus, ImageAnswers
from aggregation.core.cycles import no_search_for_cycles
from aggregation.core.errors import BadInput

TOGETHER = 512  # images: their arrays stay in the processor's cache


def aggregate_many(
    images: Sequence[ImageAnswers],
    settings: BoxSettings = DEFAULTS,
    *,
    method: str = hard_soft_drop.NAME,
    state: ReliabilityState | None = None,
) -> list[Consensus]:
    """Combine the answers to every image, in the order given.

    Pure: each result equals that of `aggregate_boxes`; the method `reliability` alone judges each answer by what
    `state` knows of its author, or without one by what can be learnt from all these images. Raises ValueError for an
    unknown method, and for a state given to a method that keeps none.
    """
    combine = box_method(method)
    if method == reliability.NAME:
        return fit_and_resolve(images, settings) if state is None else resolve_reliability(images, state, settings)
    if state is not None:
        raise BadInput(f"method {method!r} keeps no state: expected {reliability.NAME}")
    with no_search_for_cycles():
        results = _agreed(images, settings, method)
    return [
        combine(image, settings) if result is None else result for image, result in zip(images, results, strict=True)
    ]


def _agreed(images: Sequence[ImageAnswers], settings: BoxSettings, method: str) -> list[Consensus | None]:
    results: list[Consensus | None] = [None] * len(images)
    if method not in _AGREEING:
        return results
    for (_, boxes), places in _by_shape(images, settings).items():
        way = _AGREEING[method](settings, boxes)
        for start in range(0, len(places), TOGETHER):
            some = places[start : start + TOGETHER]
            for place, result in zip(some, agreed([images[place] for place in some], boxes, way), strict=True):
                results[place] = result
    return results


def _by_shape(images: Sequence[ImageAnswers], settings: BoxSettings) -> dict[tuple[int, int], list[int]]:
    """Return the places of images with equally many answers and boxes; an image of mixed counts cannot be hard."""
    places: defaultdict[tuple[int, int], list[int]] = defaultdict(list)
    least = max(settings.min_answers, 2)
    for place, image in enumerate(images):
        counts = {len(answer.boxes) for answer in image.annotations}
        if len(counts) == 1 and len(image.annotations) >= least:
            places[len(image.annotations), counts.pop()].append(place)
    return places


def _by_rule(settings: BoxSettings, _boxes: int) -> Agreeing:
    return Agreeing(hard_soft_drop.NAME, settings)


def _by_cluster(method: clusters.Clusters) -> Callable[[BoxSettings, int], Agreeing]:
    def way(settings: BoxSettings, boxes: int) -> Agreeing:
        return Agreeing(method.name, replace(settings, combine=method.combine), (clusters.majority_step(boxes, 0),))

    return way


_AGREEING: dict[str, Callable[[BoxSettings, int], Agreeing]] = {
    hard_soft_drop.NAME: _by_rule,
    **{method.name: _by_cluster(method) for method in (clusters.median, clusters.mean)},
}
