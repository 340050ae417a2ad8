"""What a worker has shown to be able to: a Beta posterior from control tasks and reviewed answers."""

from dataclasses import dataclass
from math import floor

from scipy.special import betaincinv

KEPT_A_DAY = 0.99  # half of what was shown counts after 69 days
STRENGTH, ENOUGH_WORKERS = 10.0, 200
LEAST_MEAN, MOST_MEAN = 0.05, 0.95  # a pool of perfect workers must not make the next one perfect unseen


@dataclass(frozen=True, slots=True)
class Prior:
    """What is believed of a newcomer, in answers: so many right and wrong."""

    right: float = 8.0
    wrong: float = 2.0


USUAL_PRIOR = Prior()


@dataclass(frozen=True, slots=True)
class SkillEstimate:
    """Mean and lower 5 % point of the accuracy, 0 to 1. Gate on `lower`, never on `mean`."""

    mean: float
    lower: float


def estimate(ok: float, n: float, prior: Prior = USUAL_PRIOR) -> SkillEstimate:
    """Estimate the accuracy of a worker with `ok` right of `n` judged answers (fractions after decay are welcome).

    Posterior Beta(prior.right + ok, prior.wrong + n - ok); ValueError unless 0 <= ok <= n.
    """
    if not 0 <= ok <= n:
        raise ValueError(f"{ok:g} right of {n:g} answers cannot be.")
    a, b = prior.right + ok, prior.wrong + n - ok
    return SkillEstimate(a / (a + b), float(betaincinv(a, b, 0.05)))


def pool_prior(mean: float, *, workers: int) -> Prior:
    """Return the prior of a pool whose workers have this mean skill on average, once 200 of them are known."""
    if workers < ENOUGH_WORKERS:
        return USUAL_PRIOR
    mean = min(max(mean, LEAST_MEAN), MOST_MEAN)
    return Prior(STRENGTH * mean, STRENGTH * (1 - mean))


def decayed(count: float, days: float, kept_a_day: float = KEPT_A_DAY) -> float:
    """Return what a count of answers (right ones or all) is worth after so many days; never more than it was."""
    return float(count * kept_a_day ** max(0.0, days))


def platform_value(share: float) -> int:
    """Return a share as platforms take it: a whole number from 0 to 100, rounded down (0.699 is 69)."""
    if not 0 <= share <= 1:
        raise ValueError(f"{share:g} is no share between 0 and 1.")
    return floor(100 * share + 1e-9)  # 0.29 is 28.999999999999996 hundredths
