"""Read-only numbers for screens: every one is a sum over rows."""

from curation.services.overview.counts import AssetCounts, asset_counts
from curation.services.overview.eta import Eta
from curation.services.overview.feed import feed
from curation.services.overview.funnel import CUT, FunnelStep, Loss, funnel, images_of, results_for
from curation.services.overview.honesty import Find, HonestyLevel, NewestPair, honesty_levels, newest_finds, newest_pair
from curation.services.overview.output import Output
from curation.services.overview.pools import PoolRow, pool_rows
from curation.services.overview.project import Forecast, ProjectNumbers, project_numbers
from curation.services.overview.spending import Spending, StageCost, stage_costs

__all__ = [
    "CUT",
    "AssetCounts",
    "Eta",
    "Find",
    "Forecast",
    "FunnelStep",
    "HonestyLevel",
    "Loss",
    "NewestPair",
    "Output",
    "PoolRow",
    "ProjectNumbers",
    "Spending",
    "StageCost",
    "asset_counts",
    "feed",
    "funnel",
    "honesty_levels",
    "images_of",
    "newest_finds",
    "newest_pair",
    "pool_rows",
    "project_numbers",
    "results_for",
    "stage_costs",
]
