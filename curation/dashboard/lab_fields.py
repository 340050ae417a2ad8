"""Which settings the lab can turn, in what words and between which ends of a slider."""

from dataclasses import dataclass

RULE, MODEL = "hard-soft-drop", "reliability"
METHODS = {
    RULE: ("Hard, soft, drop", "Six questions, then repairs, then out. Says in words why."),
    MODEL: ("Reliability", "Learns how good each annotator is and weighs the answers."),
    "median": ("Median", "Boxes of more than half, the median of their edges. Refuses nothing."),
    "mean": ("Mean", "As median, with the mean of the edges."),
    "wbf": ("Weighted boxes fusion", "Label by label, for comparison."),
}


@dataclass(frozen=True, slots=True)
class Field:
    """One setting: a number with a slider, or a choice. `methods` are those that it changes; none = all."""

    name: str
    label: str
    help: str
    least: float = 0
    most: float = 1
    step: float = 0.01
    choices: tuple[tuple[str, str], ...] = ()
    methods: tuple[str, ...] = ()
    group: str = "more"


FIELDS = (
    Field(
        "iou",
        "Least IoU in a group",
        "How closely the boxes of one object must lie together.",
        0.3,
        1,
        0.01,
        methods=(RULE, MODEL),
        group="",
    ),
    Field(
        "accept",
        "Accept from confidence",
        "Less sure images are not agreed.",
        methods=(MODEL,),
        group="",
    ),
    Field(
        "iou_rule",
        "The IoU is",
        "Every pair is strict: one loose box fails the image.",
        choices=(("every_pair", "of the worst pair"), ("mean_pair", "the mean of the pairs")),
        methods=(RULE, MODEL),
    ),
    Field(
        "quorum",
        "Outliers: quorum",
        "Share of people that makes a box or a label real; the rest is an outlier.",
        0.55,
        1,
        0.05,
        methods=(RULE,),
    ),
    Field(
        "dot_px",
        "Dots: side in pixels",
        "A box with a shorter side is a slip of the finger.",
        0,
        40,
        1,
        methods=(RULE, MODEL),
    ),
    Field(
        "max_drop",
        "Answers that may be left out",
        "Whole answers set aside to save an image, at most.",
        0,
        5,
        1,
        methods=(RULE,),
    ),
    Field("min_answers", "Fewest answers", "With fewer there is no consensus.", 1, 7, 1),
    Field("max_answers", "Most answers", "After so many nothing more is bought.", 1, 9, 1),
    Field(
        "buy_when",
        "One more answer",
        "When the next person is asked, below the most answers.",
        choices=(
            ("drop", "when nothing is agreed"),
            ("not_hard", "when not everybody agrees"),
            ("worth", "where it pays"),
        ),
    ),
    Field(
        "on_drop",
        "When nothing is agreed in the end",
        "What happens to an image after the last answer.",
        choices=(("drop", "it is left out"), ("review", "a reviewer decides")),
    ),
    Field(
        "value_usd",
        "A right image is worth, $",
        "Used only where one more answer is bought where it pays.",
        0,
        10,
        0.01,
    ),
    Field(
        "match_iou",
        "Same object from IoU",
        "Boxes that overlap less are about different objects.",
        0.1,
        0.9,
        group="fine",
    ),
    Field(
        "combine",
        "Edges are combined by",
        "The median shrugs off one wild edge; the mean uses all of them.",
        choices=(("median", "the median"), ("mean", "the mean")),
        methods=(RULE,),
        group="fine",
    ),
    Field(
        "duplicate_iou",
        "Drawn twice from IoU",
        "Two boxes of one person with one label this close are one.",
        0.5,
        methods=(RULE, MODEL),
        group="fine",
    ),
    Field(
        "dot_share",
        "Dots: share of the image",
        "The same as the side in pixels, as a share of the image’s shorter side; the larger of the two counts.",
        0,
        0.05,
        0.001,
        methods=(RULE, MODEL),
        group="fine",
    ),
    Field(
        "ignore_px",
        "Too narrow to matter, pixels",
        "Boxes up to this width decide nothing about their image: for small things nobody was asked for.",
        0,
        100,
        1,
        methods=(MODEL,),
        group="fine",
    ),
)
GROUPS = {"": "", "more": "More settings", "fine": "Fine tuning"}
