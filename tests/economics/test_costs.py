"""The tables of costs: published counts to the cent, both prices of an image, the interval; pure, nothing is stored."""

from decimal import Decimal
from fractions import Fraction

import pytest

from curation.economics.costs import Comparison, CostTable, StageCost
from curation.economics.interval import Interval, Step, price_interval
from curation.engine.costs import CLASSIFY, project_costs, published_costs, published_interval
from curation.models import Stage
from curation.recipes.loading import load
from curation.services.overview import FunnelStep
from curation.services.overview.funnel import Loss

GESTURES = load("gestures").published
MILLION = 1_000_000


def rounded(micro: Fraction | None, digits: int = 10) -> str:
    assert micro is not None
    value = Decimal(micro.numerator) / Decimal(micro.denominator) / MILLION
    return f"{value:.{digits}f}"


def test_the_published_table_is_right_to_the_micro_dollar():
    assert GESTURES is not None
    table = published_costs(GESTURES)
    assert [(row.stage, row.n, int(row.answers), row.micro) for row in table.as_is.rows] == [
        ("collect", 878_910, 1, 8_789_100_000),
        ("validate", 830_679, 3, 24_920_370_000),
        ("boxes", 560_230, 5, 28_011_500_000),
        ("check_boxes", 560_230, 25, 140_057_500_000),
        ("classify", 552_992, 3, 16_589_760_000),
    ]
    assert [(row.stage, row.micro) for row in table.with_aggregation.rows if row.stage == "check_boxes"] == [
        ("check_boxes", 0)
    ]
    assert (table.as_is.total_micro, table.with_aggregation.total_micro) == (218_368_230_000, 78_310_730_000)
    assert (table.as_is.unit_sum_micro, table.with_aggregation.unit_sum_micro) == (370_000, 120_000)
    assert rounded(table.as_is.per_delivered_micro) == "0.3948849712"
    assert rounded(table.with_aggregation.per_delivered_micro) == "0.1416127720"
    assert table.saved_micro == 140_057_500_000
    assert f"{float(table.saved_share):.4f}" == "0.6414"


def test_classification_is_left_out_on_both_sides():
    assert GESTURES is not None
    table = published_costs(GESTURES).without({CLASSIFY})
    assert (table.as_is.total_micro, table.with_aggregation.total_micro) == (201_778_470_000, 61_720_970_000)
    assert f"{float(table.saved_share):.4f}" == "0.6941"
    assert rounded(table.as_is.per_delivered_micro, 6) == "0.364885"
    assert rounded(table.with_aggregation.per_delivered_micro, 6) == "0.111613"


def test_two_sides_with_other_rows_are_not_compared():
    one = CostTable((StageCost("boxes", "Boxes", 10, Fraction(3), 30),), 10)
    other = CostTable((StageCost("checks", "Checks", 10, Fraction(3), 30),), 10)
    with pytest.raises(ValueError, match="same rows"):
        Comparison(one, other)


def test_a_table_that_delivered_nothing_has_no_price_of_an_image():
    assert CostTable((StageCost("collect", "Collect", 0, Fraction(1), 30),), 0).per_delivered_micro is None


def test_the_interval_of_a_pilot_is_as_wide_as_beta_says():
    """100 checked, 67 passed, 1,000 wanted: 1,349, 1,498 and 1,700 items must enter."""
    found = price_interval([Step(1.0, 67, 33)])
    assert found is not None
    assert [round(1000 * one) for one in (found.low, found.middle, found.high)] == [
        pytest.approx(1349, abs=8),
        pytest.approx(1498, abs=6),
        pytest.approx(1700, abs=12),
    ]
    assert price_interval([Step(1.0, 67, 33)]) == found


def test_nobody_knows_the_price_while_a_stage_has_let_nothing_through():
    assert price_interval([Step(1.0, 5, 0), Step(1.0, 0, 3)]) is None
    assert price_interval([]) is None


def test_a_price_is_not_certain_because_nothing_was_dropped_yet():
    pilot = price_interval([Step(1.0, 3, 0), Step(1.0, 3, 0, is_certain=True)])
    assert pilot is not None
    assert pilot.high > 1.2 * pilot.low
    assert price_interval([Step(1.0, 3, 0, is_certain=True)]) == Interval(1.0, 1.0, 1.0)


def test_a_video_that_was_cut_is_not_lost_and_its_price_is_not_added_to_that_of_frames():
    stage = Stage(pk=1, kind="collect", name="collect", title="Collect")
    losses = (Loss("cut_into_frames", "cut", 1), Loss("restored", "other", 2))
    step = FunnelStep(stage, passed=30, share=1.0, waiting=0, held=0, losses=losses, beyond="")
    table = project_costs(steps=[step], rows=[], spent={1: 320}, delivered=30).comparison.as_is
    assert (table.rows[0].n, table.rows[0].unit_micro) == (32, 10)
    assert table.unit_sum_micro is None


def test_half_a_million_images_leave_little_doubt_about_the_price():
    assert GESTURES is not None
    found = published_interval(GESTURES)
    assert found is not None
    assert found.low < 141_612.77 < found.high
    assert found.high - found.low < 1_000
