"""What nothing else beats in price, time and quality at once."""

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from curation.economics.front import Outcome, on_front

OUTCOMES = st.builds(Outcome, st.integers(0, 5), st.integers(0, 5), st.integers(0, 5))


def test_dearer_and_no_better_is_beaten_and_dearer_but_better_is_not():
    cheap, better, worse = Outcome(0.10, 3, 0.90), Outcome(0.20, 3, 0.95), Outcome(0.30, 3, 0.95)
    assert on_front([cheap, better, worse]) == [True, True, False]


def test_equals_are_both_on_the_front_and_what_has_no_outcome_is_not():
    assert on_front([Outcome(1, 1, 1), None, Outcome(1, 1, 1)]) == [True, False, True]


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(OUTCOMES, min_size=1, max_size=12))
def test_whoever_is_beaten_is_beaten_by_somebody_on_the_front(outcomes):
    front = on_front(outcomes)
    leaders = [one for one, is_on in zip(outcomes, front, strict=True) if is_on]
    assert leaders
    for one, is_on in zip(outcomes, front, strict=True):
        assert is_on != any(leader.beats(one) for leader in leaders)
