"""A campaign on a platform that drops, breaks, throttles and forgets calls while workers die: both books agree."""

import pytest

from tests.faults.campaign import Campaign, Plan, strained
from tests.faults.sides import FAULTS, RARE_IN_SHORT, emulator, product

pytestmark = pytest.mark.faults
PAGES, KILLS, POPULATION = 150, 3, 12


@pytest.fixture(scope="module")
def ours(tmp_path_factory):
    with product(tmp_path_factory.mktemp("faults") / "var") as running:
        yield running


@pytest.mark.parametrize("seed", [1, 2])
def test_nothing_is_lost_and_nothing_paid_twice(ours, seed):
    with emulator(seed=str(seed), population=POPULATION, faults=FAULTS) as far:
        strained(far, RARE_IN_SHORT)
        campaign = Campaign(ours, far, Plan(seed, pages=PAGES, kills=KILLS, photos=3, bonuses=8))
        campaign.begin()
        outcome = campaign.run()
    assert outcome.wrong == []
    assert outcome.kills == KILLS
    assert 0 < outcome.bonuses <= 8  # for the pages that were accepted by then; given = paid is part of `wrong`
    assert outcome.accepted > PAGES / 2
    assert min(outcome.faults.values()) > 0
