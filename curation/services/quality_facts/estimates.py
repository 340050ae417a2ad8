"""Shares with their intervals, calibration, and who stands out: pure functions of counts."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

from scipy.stats import beta, binom

BINS = 10


@dataclass(frozen=True, slots=True)
class Share:
    """`hits` of `n` with a 95 % interval; without any, nothing is known: from 0 to 1 and no share."""

    hits: int
    n: int
    low: float
    high: float

    @property
    def share(self) -> float | None:
        return self.hits / self.n if self.n else None


@dataclass(frozen=True, slots=True)
class Rate:
    """A rate made of several shares, with its 95 % interval."""

    share: float
    low: float
    high: float


def jeffreys(hits: int, n: int, level: float = 0.95) -> Share:
    """Return the share of hits with its equal-tailed interval under Jeffreys' prior, Beta(1/2, 1/2).

    The lower end is 0 without a hit, the upper end 1 without a miss: Brown, Cai, DasGupta (2001), "Interval Estimation
    for a Binomial Proportion". ValueError unless 0 <= hits <= n.
    """
    if not 0 <= hits <= n:
        raise ValueError(f"{hits} of {n} is no share.")
    tail = (1 - level) / 2
    low = 0.0 if hits == 0 else float(beta.ppf(tail, hits + 0.5, n - hits + 0.5))
    high = 1.0 if hits == n else float(beta.ppf(1 - tail, hits + 0.5, n - hits + 0.5))
    return Share(hits, n, low, high)


def weighted(parts: Sequence[tuple[float, Share]]) -> Rate | None:
    """Return the weighted mean of independent shares; None when a part that weighs anything has no figure.

    Weights need not sum to 1: what is missing counts with the rate 0. The interval is MOVER's: each end is as far from
    the mean as the root of the summed squares of the parts' own distances (Zou, Huang, Zhang 2009).
    """
    counted = [(weight, part) for weight, part in parts if weight > 0]
    if any(part.share is None for _, part in counted):
        return None
    centre = sum(weight * (part.share or 0.0) for weight, part in counted)
    below = sqrt(sum((weight * ((part.share or 0.0) - part.low)) ** 2 for weight, part in counted))
    above = sqrt(sum((weight * (part.high - (part.share or 0.0))) ** 2 for weight, part in counted))
    return Rate(centre, max(0.0, centre - below), min(1.0, centre + above))


def needed_for(half_width: float, share: Share) -> int:
    """Return how many more are to be judged until the interval is about +- half_width, at the present rate."""
    rate = (share.hits + 1) / (share.n + 2)
    return max(0, round(1.96**2 * rate * (1 - rate) / half_width**2) - share.n)


@dataclass(frozen=True, slots=True)
class Bin:
    """Predictions of one tenth of the scale: their mean, and how many of them came true."""

    predicted: float
    right: Share


@dataclass(frozen=True, slots=True)
class Prediction:
    """What was predicted of one image, what came true, and for how many images it stands."""

    chance: float
    came_true: bool
    weight: float = 1.0


@dataclass(frozen=True, slots=True)
class Calibration:
    """`ece` is the mean distance of bins from the diagonal, `brier` the mean squared error of single predictions.

    `constant` is the Brier score of always predicting the share that was right: to be beaten. All three are weighted
    by what each image stands for; the bins' own shares are counts.
    """

    bins: tuple[Bin, ...]
    n: int
    ece: float
    brier: float
    constant: float


def calibration(predictions: Sequence[Prediction]) -> Calibration | None:
    """Compare predictions with what came true in ten equal bins; None without any."""
    if not predictions:
        return None
    bins: dict[int, list[Prediction]] = {}
    for one in predictions:
        bins.setdefault(min(BINS - 1, int(one.chance * BINS)), []).append(one)
    whole = sum(one.weight for one in predictions)
    rate = sum(one.weight * one.came_true for one in predictions) / whole
    return Calibration(
        bins=tuple(_bin(rows) for _, rows in sorted(bins.items())),
        n=len(predictions),
        ece=sum(abs(sum(one.weight * (one.chance - one.came_true) for one in rows)) for rows in bins.values()) / whole,
        brier=sum(one.weight * (one.chance - one.came_true) ** 2 for one in predictions) / whole,
        constant=rate * (1 - rate),
    )


def _bin(rows: Sequence[Prediction]) -> Bin:
    right = jeffreys(sum(one.came_true for one in rows), len(rows))
    return Bin(sum(one.chance for one in rows) / len(rows), right)


def chance_of_so_many(hits: int, n: int, rate: float) -> float:
    """Return P(Binomial(n, rate) >= hits)."""
    return float(binom.sf(hits - 1, n, rate))


def discoveries(p_values: Sequence[float], rate: float) -> list[bool]:
    """Return which of these stand out while at most a share `rate` of them is expected to be false.

    Benjamini and Hochberg (1995), "Controlling the False Discovery Rate".
    """
    order = sorted(range(len(p_values)), key=p_values.__getitem__)
    last = max((place for place, at in enumerate(order, 1) if p_values[at] <= rate * place / len(order)), default=0)
    chosen = set(order[:last])
    return [at in chosen for at in range(len(p_values))]
