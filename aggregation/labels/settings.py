"""Every number a label method may use, with its bounds."""

from dataclasses import asdict, dataclass

from aggregation.core.settings import require_between, require_one_of, require_whole

STOPS = ("curtailed", "posterior")


@dataclass(frozen=True, slots=True)
class LabelSettings:
    """Settings of the label methods; see docs/aggregation.md for what each one means."""

    max_answers: int = 3
    stop: str = "curtailed"
    tau: float = 0.97
    rounds: int = 25
    label_count: int = 2
    prior_votes: float = 10.0

    def __post_init__(self) -> None:
        for name, least in (("max_answers", 1), ("rounds", 1), ("label_count", 2)):
            require_whole(name, getattr(self, name), least)
        require_one_of("stop", self.stop, STOPS)
        require_between("tau", self.tau, 0.5, 1)
        require_between("prior_votes", self.prior_votes, 0, 1e6, open_start=True)

    def to_json(self) -> dict[str, object]:
        return asdict(self)
