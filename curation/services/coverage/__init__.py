"""What a data set should cover, what it covers, and what is missing."""

from curation.services.coverage.counting import AMONG, Matrix, matrix, tag_keys, usual_factor
from curation.services.coverage.gaps import Cell, Gap, Heat, coming, heat, open_places, wanted_of_classes
from curation.services.coverage.pairs import Pairs, pairs
from curation.services.coverage.plan import BadPlan, Factor, Wish, plan_of, plan_text, read_plan, save_plan
from curation.services.coverage.report import ClassBalance, class_balance
from curation.services.coverage.tolerated import make_scenarios, measured, unmeasured

__all__ = [
    "AMONG",
    "BadPlan",
    "Cell",
    "ClassBalance",
    "Factor",
    "Gap",
    "Heat",
    "Matrix",
    "Pairs",
    "Wish",
    "class_balance",
    "coming",
    "heat",
    "make_scenarios",
    "matrix",
    "measured",
    "open_places",
    "pairs",
    "plan_of",
    "plan_text",
    "read_plan",
    "save_plan",
    "tag_keys",
    "unmeasured",
    "usual_factor",
    "wanted_of_classes",
]
