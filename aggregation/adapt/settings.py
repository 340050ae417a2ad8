"""What an answer costs, what a right image is worth, and when to stop."""

from dataclasses import asdict, dataclass

from aggregation.core.settings import require_between, require_one_of, require_whole

RULES = ("gain", "threshold")
FEWEST = 2  # a single answer looks certain


@dataclass(frozen=True, slots=True)
class AdaptSettings:
    """Settings of buying; money in any unit, the same for price and value.

    `value` is what one error less is worth: an object wrong, missing or too many; a box that comes to IoU 0.75 is
    worth `placement` of it. `gain` buys while one more answer is expected to be worth more than its `price`;
    `threshold` buys while the chance that the image is right is below `theta`, or that of any box to meet IoU 0.75
    below `theta_75` (0: not asked). What was closed stays closed while it is short by less than `hysteresis`.
    """

    price: float = 0.01
    value: float = 0.10
    max_answers: int = 7
    rule: str = "gain"
    placement: float = 0.5
    theta: float = 0.75
    theta_75: float = 0.0
    hysteresis: float = 0.02

    def __post_init__(self) -> None:
        for name in ("price", "value"):
            require_between(name, getattr(self, name), 0, 1e9)
        require_whole("max_answers", self.max_answers, FEWEST)
        require_one_of("rule", self.rule, RULES)
        for name in ("placement", "theta", "theta_75", "hysteresis"):
            require_between(name, getattr(self, name), 0, 1)

    def to_json(self) -> dict[str, object]:
        return asdict(self)
