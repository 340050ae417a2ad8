"""The bench of mixed traffic at the size of a toy: nobody meets an error, and the books agree afterwards."""

import pytest

from tests.bench.load import books, people, rows, traffic
from tests.serving import serving

pytestmark = pytest.mark.django_db(transaction=True)
TOY = rows.Size(assets=300, answers=1_500, workers=70, classes=3, page=2)
PLAN = traffic.Plan(seconds=4, lead_rate=2, rate=5, page_seconds=1, picture_seconds=0.5)


def test_everybody_at_once_meets_no_error_and_what_is_handed_in_is_counted_once():
    project = rows.load(TOY)
    assert books.wrong(project) == []
    who = people.at_work(project, workers=5, reviewers=2, programs=2)
    before = books.so_far(project)
    with serving() as base:
        seen = traffic.run(base, project, who, PLAN)
    assert not seen.errors
    assert not seen.refused
    assert {name for name, _ in seen.seconds} == {"lead", "API", "workers", "reviewers"}
    assert all(seen.done[name] for name in before)
    assert books.added(project, before) == seen.done
    assert books.wrong(project) == []
