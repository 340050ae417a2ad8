"""Buying answers where they are worth it.

    advise_boxes(consensus, settings=AdaptSettings(), *, closed=False) -> Advice
    advise_labels(vote, settings=AdaptSettings(), labels=LabelSettings(), *, closed=False) -> Advice
    choose(consensuses, settings, most) -> list[str]     # the images where one more answer gains most
    simulate(images, method, settings=AdaptSettings(), boxes=BoxSettings(), *, seed=None, budget=None) -> Replay

An `Advice` is `next` (`stop`, `buy` or `review`), `gain` (what one more answer is expected to be worth), `price` and
`words`. A `Replay` is what would have been bought of stored answers: `results`, `advice`, `answers` by image, `rounds`,
`mean_answers`, `to_json()`. `method` is a name or a function of images and settings that learns from all of them.

The library only advises: it knows no budget of a project and spends nothing.
"""

from aggregation.adapt.advice import Advice
from aggregation.adapt.boxes import advise_boxes, choose
from aggregation.adapt.labels import advise_labels
from aggregation.adapt.settings import AdaptSettings
from aggregation.adapt.simulate import Replay, in_random_order, simulate

__all__ = [
    "AdaptSettings",
    "Advice",
    "Replay",
    "advise_boxes",
    "advise_labels",
    "choose",
    "in_random_order",
    "simulate",
]
