"""A pool as a study: what is published, places that are offered once, prices in cents."""

import pytest

from crowd.audience import Audience
from crowd.emulators.prolific import submissions
from crowd.errors import Invalid, OutOfFunds, StateConflict
from crowd.links import batch_key_of
from crowd.platforms.prolific.studies import completion_code, completion_url
from tests.crowd.market import NOON

pytestmark = pytest.mark.django_db


@pytest.fixture
def form(there):
    return lambda study_id: there.market.studies[study_id].form


def test_a_study_says_what_the_pool_says(adapter, account, spec, form):
    told = form(adapter.ensure_batch(account, spec))
    assert (told["name"], told["metadata"], told["reward"]) == ("Draw boxes around hands", "bat-77", 90)
    assert (told["estimated_completion_time"], told["maximum_allowed_time"]) == (6, 15)
    assert told["description"] == "Box every hand<br>&lt;b&gt;No&lt;/b&gt; faces"
    assert told["project"] == account.settings["project"]
    (code,) = told["completion_codes"]
    assert (code["code_type"], code["actions"]) == ("COMPLETED", [{"action": "MANUALLY_REVIEW"}])
    assert completion_url("bat-77").endswith(f"?cc={code['code']}")
    assert completion_code("bat-78") != code["code"]


def test_people_are_sent_to_our_page_with_their_ids(there, study):
    taken = there.takes(study)
    address = submissions.address(there.market, taken)
    page, _, query = address.partition("?")
    assert batch_key_of(page.rstrip("/").rsplit("/", 1)[1]) == "bat-77"
    assert "/x/prolific/" in page
    assert query == f"pid={taken.participant}&study={study}&sid={taken.id}"


def test_the_same_offer_is_made_once(adapter, account, study, form):
    for key, places in [("pages-2", 15), ("pages-2", 15), ("pages-1", 15), ("pages-3", 17), ("pages-2", 17)]:
        adapter.offer_pages(account, study, 5 if key != "pages-3" else 2, key)
        assert form(study)["total_available_places"] == places


def test_an_offer_whose_answer_was_lost_is_not_made_again(adapter, account, study, form, there):
    there.trouble.switch("drop_reply", method="PATCH")
    with pytest.raises(Exception, match="may have happened"):
        adapter.offer_pages(account, study, 5, "pages-2")
    adapter.offer_pages(account, study, 5, "pages-2")
    assert form(study)["total_available_places"] == 15


def test_the_first_offer_replaces_the_place_a_draft_must_have(adapter, account, spec, form):
    study = adapter.ensure_batch(account, spec)
    assert form(study)["total_available_places"] == 1
    adapter.offer_pages(account, study, 4, "pages-0")
    assert form(study)["total_available_places"] == 4


def test_a_study_that_the_balance_does_not_cover_is_not_opened(adapter, account, spec):
    study = adapter.ensure_batch(account, spec)
    adapter.offer_pages(account, study, 5_000, "pages-0")
    with pytest.raises(OutOfFunds, match="balance of “Market” on Prolific does not cover this"):
        adapter.open(account, study, NOON)


def test_a_full_study_is_open_and_goes_on_when_places_are_added(adapter, account, spec, there):
    study = adapter.ensure_batch(account, spec)
    adapter.offer_pages(account, study, 1, "pages-0")
    adapter.open(account, study, NOON)
    there.sends(study)
    assert there.market.studies[study].status == "AWAITING REVIEW"
    adapter.open(account, study, NOON)
    adapter.offer_pages(account, study, 1, "pages-1")
    assert there.takes(study).status == "ACTIVE"


def test_a_completed_study_cannot_be_opened(adapter, account, study):
    for _ in range(2):
        adapter.archive(account, study, NOON)
    with pytest.raises(StateConflict, match="Make a new pool"):
        adapter.open(account, study, NOON)


def test_a_draft_follows_the_pool_and_keeps_its_offers(adapter, account, spec, changed, form):
    study = adapter.ensure_batch(account, spec)
    adapter.offer_pages(account, study, 4, "pages-0")
    adapter.update_batch(account, study, changed(price_micro=1_000_000, title="Draw"))
    adapter.offer_pages(account, study, 4, "pages-0")
    assert (form(study)["reward"], form(study)["name"], form(study)["total_available_places"]) == (100, "Draw", 4)


def test_the_price_of_a_published_study_is_final(adapter, account, study, spec, changed):
    adapter.update_batch(account, study, spec)
    with pytest.raises(StateConflict, match="final on Prolific"):
        adapter.update_batch(account, study, changed(price_micro=1_000_000))


@pytest.mark.parametrize("price", [0, 5_000, 10_001, -10_000])
def test_a_price_that_is_not_whole_cents_never_leaves_the_house(price, adapter, account, changed, there):
    with pytest.raises(Invalid, match="whole cents"):
        adapter.ensure_batch(account, changed(price_micro=price))
    assert there.posts("/studies/") == 0
    assert any("whole cents" in sentence for sentence in adapter.lacks(account, changed(price_micro=price)))


def test_what_cannot_be_had_is_said_before_anything_is_published(adapter, account, changed):
    asked = changed(price_table=[(0, 100, 10_000)], review_days=30, expires_at=NOON, priority=5)
    assert len(adapter.lacks(account, asked)) == 4
    assert adapter.lacks(account, changed()) == []


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"rules": []}, "at most 20 pages of a study"),
        ({"rules": [{"kind": "answer_count", "most": 21}]}, "at most 20 pages of a study"),
        ({"audience": Audience(adult_content=True)}, "adult content"),
        ({"whole_pages": False}, "one with fewer tasks costs as much as a full one"),
    ],
)
def test_what_is_otherwise_there_is_said_too(adapter, account, changed, changes, says):
    (sentence,) = adapter.lacks(account, changed(**changes))
    assert says in sentence


def test_a_page_of_one_task_and_a_training_are_never_short(adapter, account, changed):
    assert adapter.lacks(account, changed(whole_pages=False, page_size=1)) == []
    assert adapter.lacks(account, changed(kind="training", price_micro=0, rules=[])) == []


def test_without_a_workspace_the_sentence_asks_for_it(adapter, account, spec):
    account.settings = {}
    with pytest.raises(Invalid, match="enter the id of the Prolific workspace"):
        adapter.ensure_batch(account, spec)
