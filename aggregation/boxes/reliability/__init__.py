"""Consensus that weighs every answer by what its author has shown to be worth.

Learn a pool with `fit_reliability`, then resolve its images with `resolve_reliability`; docs/aggregation.md explains
the model. `flat`, `linkage` and `tabulate` make a table of groups, `existence`, `naming` and `placing` learn from it,
`judging` and `resolve` decide, `state` is what is kept.
"""

from aggregation.boxes.reliability.fit import fit_reliability
from aggregation.boxes.reliability.resolve import resolve_reliability
from aggregation.boxes.reliability.state import ReliabilityState
from aggregation.boxes.reliability.together import fit_and_resolve

__all__ = ["ReliabilityState", "fit_and_resolve", "fit_reliability", "resolve_reliability"]
