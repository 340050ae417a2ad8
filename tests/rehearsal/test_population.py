"""The population in columns: the same worker whoever else is drawn, and shares as asked for."""

from dataclasses import replace

import numpy as np
import pytest

from crowd.rehearsal.population import NOBODY, Kind, Population, people_of

USUAL = Population()
EVERYBODY = people_of(USUAL, 7)


def test_a_worker_drawn_alone_is_the_worker_drawn_among_everybody():
    alone = people_of(USUAL, 7, first=4_321, count=3)
    for column in ("activity", "kind", "level", "ring", "skill", "seconds"):
        assert (getattr(alone, column) == getattr(EVERYBODY, column)[4_321:4_324]).all(), column


def test_a_larger_population_keeps_the_people_it_had():
    larger = people_of(replace(USUAL, eligible=20_000), 7)
    assert (larger.activity[:8_647] == EVERYBODY.activity).all()
    assert (larger.skill[:8_647] == EVERYBODY.skill).all()


def test_another_seed_makes_other_people():
    assert abs(np.corrcoef(people_of(USUAL, 8).activity, EVERYBODY.activity)[0, 1]) < 0.05


def test_activity_has_mean_one_and_a_heavy_tail():
    many = np.concatenate([people_of(USUAL, seed).activity for seed in range(20)])
    error = many.std() / np.sqrt(len(many))
    assert many.mean() == pytest.approx(1, abs=3 * error)
    assert np.median(many) == pytest.approx(np.exp(-(1.4**2) / 2), rel=0.03)


def test_one_in_eight_is_dishonest_in_the_sorts_asked_for():
    share = (~EVERYBODY.honest).mean()
    assert share == pytest.approx(0.12, abs=3 * np.sqrt(0.12 * 0.88 / 8_647))
    assert set(EVERYBODY.level[EVERYBODY.kind == Kind.SYNTHETIC]) == {80}
    assert set(EVERYBODY.level[EVERYBODY.kind == Kind.CLICKER]) == {NOBODY}
    assert {0, 1, 5, 20, 80} == set(EVERYBODY.level) - {NOBODY}


def test_rings_have_a_handful_of_accounts_that_are_nobody_elses():
    members = EVERYBODY.ring[EVERYBODY.kind == Kind.RING]
    assert (EVERYBODY.ring[EVERYBODY.kind != Kind.RING] == NOBODY).all()
    assert np.unique(members, return_counts=True)[1].mean() == pytest.approx(4, abs=1.2)
    first = people_of(USUAL, 7, count=2_000)
    assert np.unique(first.ring[first.kind == Kind.RING], return_counts=True)[1].max() >= 3


def test_honest_people_are_right_in_nine_of_ten_and_a_clicker_as_often_as_chance():
    assert 0.88 <= EVERYBODY.skill[EVERYBODY.kind == Kind.HONEST].mean() <= 0.90
    assert 0.65 <= EVERYBODY.skill[EVERYBODY.kind == Kind.CARELESS].mean() <= 0.72
    assert set(EVERYBODY.skill[EVERYBODY.kind == Kind.CLICKER]) == {0.2}


def test_who_clicks_is_six_times_as_fast():
    assert np.median(EVERYBODY.seconds[EVERYBODY.kind == Kind.HONEST]) == pytest.approx(9, rel=0.03)
    assert np.median(EVERYBODY.seconds[EVERYBODY.kind == Kind.CLICKER]) == pytest.approx(1.5, rel=0.1)


@pytest.mark.parametrize(
    ("changed", "words"),
    [({"eligible": 0}, "needs somebody"), ({"dishonest": 1.2}, "from 0 to 1"), ({"rings": 0.5}, "add up to 1.4")],
)
def test_a_population_that_cannot_be_is_refused_in_words(changed, words):
    with pytest.raises(ValueError, match=words):
        Population(**changed)
