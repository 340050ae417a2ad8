"""What the ways to stop buying votes cost and bring: the published tables, and the rule that is used in earnest."""

import itertools

import pytest

from aggregation.labels.posterior import label_posterior
from curation.economics.stopping import settled, sure


@pytest.mark.parametrize(
    ("right", "best_of", "answers", "correct"),
    [
        (0.70, 3, 2.4200, 0.7840), (0.70, 5, 3.8946, 0.8369), (0.70, 7, 5.3780, 0.8740),
        (0.80, 3, 2.3200, 0.8960), (0.80, 5, 3.6336, 0.9421), (0.80, 7, 4.9267, 0.9667),
        (0.90, 3, 2.1800, 0.9720), (0.90, 5, 3.3186, 0.9914), (0.90, 7, 4.4394, 0.9973),
        (0.95, 3, 2.0950, 0.9928), (0.95, 5, 3.1560, 0.9988), (0.95, 7, 4.2102, 0.9998),
    ],
)  # fmt: skip
def test_a_settled_majority_of_two_options_is_the_published_table(right, best_of, answers, correct):
    found = settled(right, overlap=best_of, options=2)
    assert (found.answers, found.right) == (pytest.approx(answers, abs=5.1e-5), pytest.approx(correct, abs=5.1e-5))
    assert found.undecided == 0


@pytest.mark.parametrize(("right", "answers"), [(0.8, 2.3500), (0.9, 2.1875)])
def test_a_settled_majority_of_five_options_asks_a_little_more(right, answers):
    found = settled(right, overlap=3, options=5)
    assert found.answers == pytest.approx(answers, abs=5.1e-5)
    assert found.right + found.undecided < 1


def test_what_sure_votes_buy_is_what_the_rule_does_vote_by_vote():
    """Every course of five votes among three options, by the posterior that decides in earnest."""
    labels, tau, most = ("a", "b", "c"), 0.97, 5
    prior = dict.fromkeys(labels, 1 / 3)
    votes = right = 0.0
    for course in itertools.product(labels, repeat=most):
        chance = 1.0
        for n in range(1, most + 1):
            chance *= 0.9 if course[n - 1] == "a" else 0.05
            given = {str(at): label for at, label in enumerate(course[:n])}
            found = label_posterior(given, dict.fromkeys(given, 0.9), prior)
            if n >= 2 and max(found.values()) >= tau:
                break
        rest = 1.0 if n == most else 3 ** (n - most)  # what follows plays no part
        votes += n * chance * rest
        top = [label for label in labels if found[label] == pytest.approx(max(found.values()))]
        right += chance * rest * (top == ["a"])
    exact = sure(0.9, tau=tau, first=2, most=most, options=3)
    assert (exact.answers, exact.right) == (pytest.approx(votes), pytest.approx(right))


def test_too_many_votes_are_not_counted_through():
    with pytest.raises(ValueError, match="12 votes"):
        settled(0.9, overlap=12, options=2)
