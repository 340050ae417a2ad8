"""Trials of prices over REST: begun, watched, stopped with one price kept; what cannot be is one sentence."""

from typing import Any

import pytest

from curation.models import Event, Pool, PriceTrial, Project
from curation.services.pools import slots
from tests.api.conftest import Caller
from tests.factories import make_pool

pytestmark = pytest.mark.django_db
TRIALS = "/api/v1/price-trials"


@pytest.fixture
def pool(project: Project) -> Pool:
    pool = make_pool(project, "FIST")
    slots.fit_slots(pool=pool)
    return pool


def wish(pool: Pool, other: dict[str, Any]) -> dict[str, Any]:
    return {"pool": pool.pk, "prices_usd": ["0.03", "0.02"], "cap_usd": "0.40"} | other


def test_a_trial_is_begun_watched_and_ended_with_the_price_that_is_kept(alice: Caller, pool: Pool):
    begun = alice.send("POST", TRIALS, wish(pool, {"hours": 24}))
    assert begun.status_code == 201, begun.content
    trial = begun.json()
    assert [(arm["number"], arm["price_usd"], arm["pages"]) for arm in trial["arms"]] == [
        (1, "0.02", 0),
        (2, "0.03", 0),
    ]
    assert (trial["state"], trial["cap_usd"], sum(arm["open_tasks"] for arm in trial["arms"])) == (
        "running",
        "0.40",
        10,
    )
    listed = alice.get(f"{TRIALS}?pool={pool.pk}&state=running").json()["results"]
    assert listed == [{name: trial[name] for name in listed[0]}]
    assert alice.send("POST", TRIALS, wish(pool, {})).json()["detail"] == "A trial of prices runs in this pool already."
    ended = alice.send("POST", f"{TRIALS}/{trial['id']}/stop", {"take": 1}).json()
    assert (ended["state"], [arm["taken"] for arm in ended["arms"]]) == ("ended", [True, False])
    assert alice.get(f"/api/v1/pools/{pool.pk}").json()["price_usd"] == "0.02"
    assert alice.get(f"{TRIALS}/{trial['id']}").json() == ended
    told = Event.objects.filter(kind="pool.price_trial", subject_id=pool.pk)
    assert set(told.values_list("by__name", flat=True)) == {"Alice"}
    again = alice.send("POST", f"{TRIALS}/{trial['id']}/stop", {})
    assert (again.status_code, again.json()["detail"]) == (409, "This trial has ended already.")


@pytest.mark.parametrize(
    ("wrong", "status", "says"),
    [
        ({"prices_usd": ["0.02"]}, 400, "prices_usd"),
        ({"prices_usd": ["0.02", "two"]}, 400, "prices_usd"),
        ({"prices_usd": ["0.02", "0.02"]}, 409, "different prices"),
        ({"cap_usd": "5000000.00"}, 409, "what is free in the budget"),
        ({"hours": 0}, 400, "hours"),
        ({"deadline": "2026-12-01"}, 400, "'deadline' is no field here"),
        ({"pool": 987_654}, 404, ""),
    ],
    ids=["one price", "no amount", "equal prices", "more than the budget", "no time", "unknown name", "no such pool"],
)
def test_a_trial_that_cannot_be_is_one_sentence_and_nothing_begins(alice: Caller, pool: Pool, wrong, status, says):
    answer = alice.send("POST", TRIALS, wish(pool, wrong))
    assert answer.status_code == status
    assert says in answer.json()["detail"]
    assert not PriceTrial.objects.exists()
