"""Every number a box method may use, with its bounds."""

from dataclasses import asdict, dataclass

from aggregation.core.settings import require_between, require_one_of, require_whole

IOU_RULES = ("every_pair", "mean_pair")
COMBINATIONS = ("median", "mean", "mean_pair")  # the rule cases also call the mean of the corners `mean_pair`
BUY_WHEN = ("drop", "not_hard")


@dataclass(frozen=True, slots=True)
class BoxSettings:
    """Settings of the box methods; see docs/aggregation.md for what each one means."""

    iou: float = 0.7
    iou_rule: str = "every_pair"
    min_answers: int = 3
    max_answers: int = 5
    buy_when: str = "drop"
    match_iou: float = 0.5
    label_bonus: float = 0.05
    combine: str = "median"
    dot_px: float = 3.0
    dot_share: float = 0.004
    duplicate_iou: float = 0.85
    quorum: float = 0.6
    max_drop: int = 3
    empty_flags: tuple[str, ...] = ("no_hands",)
    label_count: int = 2
    accept: float = 0.8
    ignore_px: float = 0.0
    flags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        for name in ("iou", "match_iou", "duplicate_iou"):
            require_between(name, getattr(self, name), 0, 1, open_start=True)
        # at one half a group could be real and an outlier at once
        require_between("quorum", self.quorum, 0.5, 1, open_start=True)
        for name in ("label_bonus", "dot_share", "accept"):
            require_between(name, getattr(self, name), 0, 1)
        for name in ("dot_px", "ignore_px"):
            require_between(name, getattr(self, name), 0, 1e6)
        for name, least in (("min_answers", 1), ("max_answers", 1), ("max_drop", 0), ("label_count", 2)):
            require_whole(name, getattr(self, name), least)
        require_one_of("iou_rule", self.iou_rule, IOU_RULES)
        require_one_of("combine", self.combine, COMBINATIONS)
        require_one_of("buy_when", self.buy_when, BUY_WHEN)

    def to_json(self) -> dict[str, object]:
        return {**asdict(self), "empty_flags": list(self.empty_flags), "flags": list(self.flags)}
