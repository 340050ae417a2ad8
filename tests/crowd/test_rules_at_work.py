"""What follows from quality rules on our own market."""

from datetime import timedelta

import pytest

from crowd import rules
from crowd.errors import NoWork
from crowd.models import (
    Assignment,
    Batch,
    Restriction,
    SkillEvent,
    SkillValue,
    Task,
    Worker,
)
from crowd.services import handing_in, judging, quality, trust
from tests.crowd import market
from tests.crowd.market import MINUTE, NOON
from tests.crowd.ruled import pool, struck, welcome

DAY = timedelta(days=1)
State = Assignment.State


@pytest.mark.django_db
def test_the_monitor_suspends_in_the_pool_alone_until_a_person_lifts_it():
    watched = pool({"kind": "control"}, known="incorrect")
    other = pool(at=watched.account, project_id=watched.project_id)
    wanda = market.worker(watched.account)
    for number in range(5):
        assert not struck(watched, wanda), number
        market.sent(watched, wanda)
    row = Restriction.objects.get()
    assert (row.scope, row.scope_id, row.until, row.by_rule) == ("batch", watched.pk, None, "control")
    assert "5 of the last 5 control tasks wrong" in row.reason
    assert welcome(watched, wanda) == "restricted"
    assert welcome(other, wanda) == ""


@pytest.mark.django_db
def test_after_a_lift_the_worker_begins_anew():
    watched = pool({"kind": "control"}, known="incorrect")
    wanda = market.worker(watched.account)
    for _ in range(5):
        market.sent(watched, wanda)
    trust.lift(restriction_id=Restriction.objects.get().pk, now=NOON + MINUTE)
    later = NOON + 2 * MINUTE
    for _ in range(4):
        market.sent(watched, wanda, later)
    assert not struck(watched, wanda)
    market.sent(watched, wanda, later)
    assert trust.is_restricted(worker=wanda, batch=watched, now=later)


@pytest.mark.django_db
def test_a_ban_for_days_ends_by_itself_and_does_not_come_back_for_old_answers():
    ban = {"kind": "ban", "scope": "account", "days": 2}
    watched = pool({"kind": "control", "method": "bound", "action": ban}, known="incorrect")
    wanda = market.worker(watched.account)
    for _ in range(5):
        market.sent(watched, wanda)
    row = Restriction.objects.get()
    assert (row.scope, row.scope_id, row.until) == ("account", watched.account_id, NOON + 2 * DAY)
    after = NOON + 3 * DAY
    market.sent(watched, wanda, after)
    assert not trust.is_restricted(worker=wanda, batch=watched, now=after)


@pytest.mark.django_db
def test_two_rules_of_one_kind_with_other_consequences_strike_apart():
    warn = {"kind": "control", "method": "bound", "least_answers": 3, "action": {"kind": "warn"}}
    watched = pool(warn, {"kind": "control"}, known="incorrect")
    wanda = market.worker(watched.account)
    for _ in range(5):
        market.sent(watched, wanda)
    kinds = list(Restriction.objects.order_by("id").values_list("by_rule", "effect"))
    assert ("control:warn", "warning") in kinds
    assert kinds[-1] == ("control", "no_work")


@pytest.mark.django_db
def test_a_warning_takes_no_work_away_and_is_not_repeated_for_the_same_answers():
    watched = pool({"kind": "control", "action": {"kind": "warn"}}, known="incorrect")
    wanda = market.worker(watched.account)
    for number in range(9):
        market.sent(watched, wanda, NOON + number * MINUTE)
    assert Restriction.objects.filter(effect="warning").count() == 1
    assert welcome(watched, wanda) == ""
    market.sent(watched, wanda, NOON + 9 * MINUTE)
    assert Restriction.objects.filter(effect="warning").count() == 2


@pytest.mark.django_db
def test_unjudged_work_is_rejected_and_done_by_others_what_is_judged_stays():
    reject = {"kind": "reject", "comment": "These are guesses."}
    watched = pool({"kind": "control", "action": reject}, known="incorrect", auto_accept=False)
    wanda = market.worker(watched.account)
    first = market.sent(watched, wanda)
    judging.accept(assignment_id=first.pk, now=NOON)
    pages = [market.sent(watched, wanda) for _ in range(4)]
    states = dict(Assignment.objects.values_list("pk", "state"))
    assert states.pop(first.pk) == State.ACCEPTED
    assert set(states.values()) == {State.REJECTED}
    for page in pages:
        page.refresh_from_db()
        assert (page.reason, page.processed_at) == ("These are guesses.", NOON)
    given_back = Task.objects.filter(answers__assignment__in=pages, overlap__isnull=False)
    assert {(task.issued, task.done) for task in given_back} == {(0, 0)}


@pytest.mark.django_db
def test_a_skill_is_set_once():
    lower = {"kind": "set_skill", "skill": "Trusted", "value": 0}
    watched = pool({"kind": "control", "action": lower}, known="incorrect")
    wanda = market.worker(watched.account)
    for _ in range(8):
        market.sent(watched, wanda)
    assert SkillValue.objects.get(skill__name="Trusted").value == 0
    assert SkillEvent.objects.filter(skill__name="Trusted").count() == 1


@pytest.mark.django_db
def test_pages_wait_for_a_person_once_payment_is_stopped():
    watched = pool({"kind": "control", "action": {"kind": "stop_paying"}}, known="incorrect")
    wanda = market.worker(watched.account)
    paid = [market.sent(watched, wanda).state for _ in range(5)]
    assert set(paid) == {State.ACCEPTED}
    assert market.sent(watched, wanda).state == State.SUBMITTED
    assert welcome(watched, wanda) == ""
    trust.lift(restriction_id=Restriction.objects.get(effect="unpaid").pk, now=NOON + MINUTE)
    assert market.sent(watched, wanda, NOON + 2 * MINUTE).state == State.ACCEPTED


@pytest.mark.django_db
def test_a_robust_cut_follows_how_long_the_others_take():
    watched = pool({"kind": "speed", "seconds_per_task": 0.5}, page_size=1)
    honest = market.workers(watched.account, 6)
    for number in range(54):
        market.sent(watched, honest[number % 6], ms=8_000 + 100 * (number % 9))
    rule = rules.read(watched.rules)[0]
    assert 6 < quality.cut_of(rule, quality.newest_times(watched)) < 8
    hasty = market.worker(watched.account)
    for _ in range(3):
        market.sent(watched, hasty, ms=2_000)
    assert struck(watched, hasty)
    assert not any(struck(watched, one) for one in honest)


@pytest.mark.django_db
def test_before_fifty_pages_are_known_the_fixed_seconds_count():
    watched = pool({"kind": "speed", "seconds_per_task": 0.5}, page_size=1)
    hasty = market.worker(watched.account)
    for _ in range(6):
        market.sent(watched, hasty, ms=2_000)
    assert not struck(watched, hasty)


@pytest.mark.django_db
def test_skipping_in_a_row_pauses_and_a_page_in_between_starts_anew():
    watched = pool({"kind": "skipped_in_row", "most": 3, "action": {"kind": "suspend", "days": 1}}, page_size=1)
    wanda = market.worker(watched.account)

    def skip() -> None:
        handing_in.skip_page(assignment_id=market.claim(watched, wanda).pk, worker_id=wanda.pk, now=NOON)

    skip()
    skip()
    market.sent(watched, wanda)
    skip()
    skip()
    assert welcome(watched, wanda) == ""
    skip()
    assert Restriction.objects.get().until == NOON + DAY
    assert welcome(watched, wanda, NOON + DAY + MINUTE) == ""


@pytest.mark.django_db
def test_skips_made_before_the_rule_was_there_hold_the_next_page_with_a_sentence():
    watched = pool(page_size=1)
    wanda = market.worker(watched.account)
    for _ in range(3):
        handing_in.skip_page(assignment_id=market.claim(watched, wanda).pk, worker_id=wanda.pk, now=NOON)
    Batch.objects.filter(pk=watched.pk).update(rules=[{"kind": "skipped_in_row", "most": 3}])
    assert "skipped 3 pages in a row" in welcome(watched, wanda)
    with pytest.raises(NoWork, match="skipped 3 pages in a row"):
        market.claim(watched, wanda)


@pytest.mark.django_db
def test_a_limit_of_pages_holds_before_the_next_one_is_issued():
    watched = pool({"kind": "answer_count", "most": 2})
    wanda = market.worker(watched.account)
    market.sent(watched, wanda)
    assert welcome(watched, wanda) == ""
    market.sent(watched, wanda)
    assert "You have sent all 2 that one person may send here" in welcome(watched, wanda)
    with pytest.raises(NoWork, match="all 2 that one person"):
        market.claim(watched, wanda)
    assert not Restriction.objects.exists()


@pytest.mark.django_db
def test_an_income_is_reached_and_a_day_later_it_is_not():
    watched = pool({"kind": "income", "most_micro": 60_000})
    other = pool({"kind": "income", "most_micro": 60_000}, at=watched.account, project_id=watched.project_id)
    wanda = market.worker(watched.account)
    market.sent(watched, wanda)
    market.sent(other, wanda, NOON + MINUTE)
    assert "what one person may earn here in 24 hours" in welcome(watched, wanda, NOON + 2 * MINUTE)
    assert welcome(watched, wanda, NOON + DAY) == ""


@pytest.mark.django_db
def test_one_submission_over_all_pools_of_the_project_and_all_accounts_of_a_person():
    once = {"kind": "one_submission"}
    fist = market.batch("photo", rules=[once])
    palm = market.batch("photo", at=fist.account, project_id=fist.project_id, rules=[once])
    elsewhere = market.batch("photo", at=fist.account, rules=[once])
    for one in (fist, palm, elsewhere):
        market.tasks(one, 3)
    wanda, double = market.worker(fist.account), market.worker(fist.account)
    Worker.objects.filter(pk__in=[wanda.pk, double.pk]).update(person_id=9)
    market.claim(fist, wanda)
    double.refresh_from_db()
    assert "Everybody may send this once" in welcome(palm, wanda)
    assert "Everybody may send this once" in welcome(palm, double)
    assert welcome(elsewhere, wanda) == ""
    assert welcome(palm, market.worker(fist.account)) == ""


@pytest.mark.django_db
def test_who_is_always_against_the_majority_is_suspended():
    watched = pool({"kind": "majority"}, page_size=10)
    first, second, contrary = market.workers(watched.account, 3)
    for _ in range(4):
        market.sent(watched, first)
        market.sent(watched, second)
    market.sent(watched, contrary, answer="incorrect")
    assert struck(watched, contrary)
    assert not struck(watched, first)


@pytest.mark.django_db
def test_too_few_accepted_pages_suspend():
    watched = pool({"kind": "acceptance", "least_rate": 0.6, "least_pages": 4}, auto_accept=False)
    wanda = market.worker(watched.account)
    for number in range(4):
        page = market.sent(watched, wanda)
        decide = judging.accept if number < 2 else judging.reject
        decide(assignment_id=page.pk, now=NOON, **({} if number < 2 else {"reason": "no"}))
    assert not struck(watched, wanda)
    market.sent(watched, wanda)
    assert struck(watched, wanda)


@pytest.mark.django_db
def test_answers_of_the_suspended_are_not_trusted_but_of_the_tired_are():
    watched = pool({"kind": "control"}, known="incorrect")
    wanda = market.worker(watched.account)
    page = market.sent(watched, wanda)
    assert not trust.distrusted(pages=[page], now=NOON)
    trust.restrict(
        worker_id=wanda.pk, scope="batch", scope_id=watched.pk, reason="", until=None, by_rule="skipped_in_row"
    )
    assert not trust.distrusted(pages=[page], now=NOON)
    trust.restrict(
        worker_id=wanda.pk, scope="account", scope_id=watched.account_id, reason="", until=None, by_rule="control"
    )
    assert trust.distrusted(pages=[page], now=NOON)


@pytest.mark.django_db
def test_rules_cost_few_queries_however_long_the_history(django_assert_max_num_queries):
    watched = pool(known="correct")
    wanda = market.worker(watched.account)
    for _ in range(12):
        page = market.sent(watched, wanda)
    Batch.objects.filter(pk=watched.pk).update(rules=[{"kind": kind} for kind in rules.KINDS])
    page = Assignment.objects.select_related("batch__account", "worker").get(pk=page.pk)
    with django_assert_max_num_queries(13):
        quality.struck(page=page, now=NOON)
