"""Every difference between us and a platform, or our books and our rows, is found; what is on its way is none."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from functools import partial
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.db import connection
from django.test.utils import CaptureQueriesContext

from crowd.errors import Unavailable
from crowd.models import (
    Assignment,
    Batch,
    BatchRollup,
    Bonus,
    Budget,
    LedgerEntry,
    OutboxCommand,
    Reservation,
    Tally,
    Task,
    Worker,
)
from crowd.services import holding, judging, ledger, rollups, tallies
from crowd.services.reconcile import Difference, reconcile
from tests.crowd import market, remote
from tests.crowd.market import NOON
from tests.crowd.remote import told

pytestmark = [pytest.mark.django_db, pytest.mark.usefixtures("far_away")]
far_away = remote.far_away
State = Assignment.State


@pytest.fixture
def batch() -> Batch:
    """A batch in good order: one page accepted on both sides, one that waits, one skipped, and a bonus paid."""
    of = remote.batch(n=4, auto_accept=False)
    one, two, three, _ = remote.keys(of)
    pages = [told(of, one), told(of, two), told(of, three, state="skipped")]
    remote.far(of).pages = pages
    assert reconcile(now=NOON) == []
    page = Assignment.objects.get(ext_id=pages[0].ext_id)
    judging.accept(assignment_id=page.pk, now=NOON)
    hear(of)
    pay_bonus(page)
    return of


def hear(of: Batch) -> None:
    """Let the platform hear of every verdict."""
    for command in OutboxCommand.objects.filter(kind="accept", state="planned"):
        page = Assignment.objects.get(pk=command.payload["assignment_id"])
        Assignment.objects.filter(pk=page.pk).update(platform_state="accepted")
        pages = remote.far(of).pages
        pages.append(replace(next(one for one in pages if one.ext_id == page.ext_id), state="accepted"))
    OutboxCommand.objects.update(state="done")


def pay_bonus(page: Assignment) -> None:
    bonus = Bonus.objects.create(
        account=page.account, worker=page.worker, project_id=page.project_id, assignment_id=page.pk, key="thanks",
        amount_micro=500_000, state="paid", remote_id="b1", stage_id=page.batch.stage_id, pool_id=page.batch.pool_id,
    )  # fmt: skip
    ledger.reserve(purse=ledger.Purse.of(page.batch), amount_micro=500_000, ref=f"bonus:{bonus.pk}")
    ledger.charge_bonus(bonus=bonus, now=NOON)
    remote.far(page.batch).bonuses = {"b1": 500_000}


def kinds(found: list[Difference]) -> set[str]:
    return {one.kind for one in found}


def test_a_house_in_good_order_has_no_differences(batch):
    assert reconcile(now=NOON) == []


def page(of: Batch, state: str) -> Assignment:
    return Assignment.objects.get(batch=of, state=state)


# What is planted, and what is found: kind, local, remote, the end of where.


def lose_a_page_there(of: Batch) -> tuple[str, Any, Any, str]:
    remote.far(of).pages.append(told(of, state="active", ext_id="new"))
    reconcile(now=NOON)
    remote.far(of).pages.pop()
    return "page", "active", "not there", "page new"


def hide_a_page_from_pulls(of: Batch) -> tuple[str, Any, Any, str]:
    remote.far(of).page_states = {**states(of), "hidden": "submitted"}
    return "page", "not there", "submitted", "page hidden"


def states(of: Batch) -> dict[str, str]:
    return {one.ext_id: one.state for one in remote.far(of).pages}


def judge_otherwise_there(of: Batch) -> tuple[str, Any, Any, str]:
    ext_id = page(of, State.ACCEPTED).ext_id
    remote.far(of).page_states = {**states(of), ext_id: "rejected"}
    return "page", "accepted", "rejected", f"page {ext_id}"


def count_otherwise_there(of: Batch) -> tuple[str, Any, Any, str]:
    remote.far(of).page_states = {**states(of), "hidden": "expired"}
    return "pages", 0, 1, "pages that are expired"


def lose_a_task_there(of: Batch) -> tuple[str, Any, Any, str]:
    remote.far(of).tasks = 3
    return "tasks", 4, 3, of.key


def pay_more_there(of: Batch) -> tuple[str, Any, Any, str]:
    remote.far(of).spent_micro = 30_001
    return "money", "0.03", "0.030001", "rewards of accepted pages"


def take_another_fee(of: Batch) -> tuple[str, Any, Any, str]:
    remote.far(of).fees_micro = 9_000
    return "money", "0.006", "0.009", "fees of accepted pages; is the account's commission right?"


def forbid_nothing() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE crowd_ledgerentry DISABLE TRIGGER append_only")


def pay_another_bonus(of: Batch) -> tuple[str, Any, Any, str]:
    remote.far(of).bonuses["b2"] = 250_000
    return "money", "0.50", "0.75", "bonuses"


def miscount(of: Batch) -> tuple[str, Any, Any, str]:
    rollups.fold(now=NOON)
    BatchRollup.objects.filter(batch_id=of.pk, state="submitted").update(n=5)
    return "rollup", "5 worth 0.036", "1 worth 0.036", "pages that are submitted"


def miscount_what_screens_show(of: Batch) -> tuple[str, Any, Any, str]:
    tallies.fold(now=NOON)
    shown = Tally.objects.filter(of_kind="batch", of_id=of.pk, minutes=0).order_by("word")[0]
    Tally.objects.filter(pk=shown.pk).update(n=shown.n + 4)
    return "count", shown.n + 4, shown.n, f"batch {of.pk}, {shown.word}"


def hold_too_little(of: Batch) -> tuple[str, Any, Any, str]:
    hold = Reservation.objects.get(ref=f"batch:{of.pk}")
    ledger.resize(purse=ledger.Purse.of(of), ref=hold.ref, amount_micro=hold.amount_micro - 1)
    return "hold", "0.107999", "0.108", "what it may still cost"


def spend_without_a_row(of: Batch) -> tuple[str, Any, Any, str]:
    Budget.objects.filter(project_id=of.project_id).update(spent_micro=536_001)
    return "budget", "0.536001", "0.536", "USD, spent"


def hold_without_a_row(of: Batch) -> tuple[str, Any, Any, str]:
    Budget.objects.filter(project_id=of.project_id).update(reserved_micro=7)
    return "budget", "0.000007", "0.108", "USD, held"


def lose_a_charge(of: Batch) -> tuple[str, Any, Any, str]:
    forbid_nothing()
    pk = page(of, State.ACCEPTED).pk
    LedgerEntry.objects.filter(kind="charge", ref=f"assignment:{pk}").delete()
    return "charge", "0.00", "0.03", f"assignment {pk}, accepted"


def forget_an_effect(of: Batch) -> tuple[str, Any, Any, str]:
    then = NOON - timedelta(minutes=3)
    OutboxCommand.objects.create(account=of.account, kind="message", key="m1", state="unknown", started_at=then)
    return "outbox", "unknown", "not looked at", "message m1"


PLANTS = [
    lose_a_page_there, hide_a_page_from_pulls, judge_otherwise_there, count_otherwise_there, lose_a_task_there,
    pay_more_there, take_another_fee, pay_another_bonus, miscount, miscount_what_screens_show,
    hold_too_little, spend_without_a_row,
    hold_without_a_row, lose_a_charge, forget_an_effect,
]  # fmt: skip


@pytest.mark.parametrize("one_account", [False, True])
@pytest.mark.parametrize("plant", PLANTS, ids=lambda plant: plant.__name__)
def test_a_planted_difference_is_found(batch, plant: Callable[[Batch], tuple[str, Any, Any, str]], one_account):
    kind, local, there, where = plant(batch)
    found = reconcile(now=NOON, account=batch.account if one_account else None)
    assert len([one for one in found if one.where.endswith(where) and one.kind == kind]) == 1, found
    (difference,) = [one for one in found if one.where.endswith(where)]
    assert (difference.local, difference.remote) == (local, there)


def test_a_part_budget_that_does_not_agree_is_found(batch):
    ledger.create_budget(project_id=batch.project_id, limit_micro=10**7, scope="pool", scope_id=batch.pool_id)
    assert reconcile(now=NOON) == []
    Budget.objects.filter(scope="pool").update(spent_micro=1)
    assert kinds(reconcile(now=NOON)) == {"budget"}


def test_a_page_of_our_own_market_that_nothing_holds_is_found():
    photos = market.batch("photo", auto_accept=False)
    market.tasks(photos, 3)
    market.sent(photos, market.worker(photos.account))
    assert reconcile(now=NOON) == []
    Reservation.objects.update(state="released")
    assert "hold" in kinds(reconcile(now=NOON))


def test_a_hold_for_a_bonus_nobody_plans_is_found(batch):
    ledger.reserve(purse=ledger.Purse.of(batch), amount_micro=5, ref="bonus:7700000000000")
    assert reconcile(now=NOON) == [Difference("hold", "0.000005", "0.00", "bonus:7700000000000")]


# What is no difference


def test_what_is_new_on_the_platform_is_pulled_first(batch):
    remote.far(batch).pages.append(told(batch, remote.keys(batch)[3]))
    assert reconcile(now=NOON) == []
    assert Assignment.objects.filter(batch=batch, state=State.SUBMITTED).count() == 2


def test_a_verdict_on_its_way_is_no_difference(batch):
    judging.accept(assignment_id=page(batch, State.SUBMITTED).pk, now=NOON)
    assert reconcile(now=NOON) == []


def test_a_verdict_that_was_refused_is_a_difference(batch):
    judging.accept(assignment_id=page(batch, State.SUBMITTED).pk, now=NOON)
    OutboxCommand.objects.filter(state="planned").update(state="refused")
    assert kinds(reconcile(now=NOON)) == {"page", "pages", "money"}


def test_tasks_on_their_way_are_no_difference(batch):
    market.tasks(batch)
    Task.objects.filter(remote_id="").update(to_push=True)
    assert reconcile(now=NOON) == []


def test_an_effect_unknown_for_a_minute_is_looked_at_by_the_outbox(batch):
    then = NOON - timedelta(minutes=1)
    OutboxCommand.objects.create(account=batch.account, kind="message", key="m1", state="unknown", started_at=then)
    assert reconcile(now=NOON) == []


def test_a_bonus_on_its_way_is_no_difference(batch):
    bonus = Bonus.objects.create(
        account=batch.account, worker=Worker.objects.earliest("pk"), project_id=batch.project_id, key="more",
        assignment_id=page(batch, State.ACCEPTED).pk, amount_micro=5,
    )  # fmt: skip
    ledger.reserve(purse=ledger.Purse.of(batch), amount_micro=5, ref=f"bonus:{bonus.pk}")
    OutboxCommand.objects.create(account=batch.account, kind="pay_bonus", key=f"bonus-{bonus.pk}", state="sending")
    remote.far(batch).bonuses["b2"] = 5
    assert reconcile(now=NOON) == []


def test_a_hosted_page_that_was_not_opened_here_is_no_difference():
    of = remote.batch(platform="hosted")
    mine = market.claim(of, market.worker(of.account))
    remote.far(of).page_states = {mine.ext_id: "active", "elsewhere": "skipped"}
    assert reconcile(now=NOON) == []
    remote.far(of).page_states["elsewhere"] = "submitted"
    assert kinds(reconcile(now=NOON)) == {"page"}


def test_a_hosted_page_that_waits_a_day_for_its_rejection_is_no_difference():
    of = remote.batch(platform="hosted")
    remote.far(of).pages = [told(of, ext_id="stray")]
    assert reconcile(now=NOON) == []
    assert Assignment.objects.get(ext_id="stray").platform_state == "submitted"
    remote.far(of).page_states = {"stray": "accepted"}
    assert "page" in kinds(reconcile(now=NOON))


# Asking


def test_a_platform_that_cannot_be_asked_is_a_difference_and_the_others_are_compared(batch):
    other = remote.batch()
    remote.far(other).error = Unavailable("Nobody answers.")
    remote.far(batch).tasks = 3
    assert {(one.kind, one.remote) for one in reconcile(now=NOON)} == {("platform", "Nobody answers."), ("tasks", 3)}


def test_only_the_account_that_is_asked_for_is_compared(batch):
    other = remote.batch()
    remote.far(batch).tasks = 3
    assert reconcile(now=NOON, account=other.account) == []


def test_a_job_that_asks_the_platform_of_an_account_counts_no_rows_of_ours(batch):
    with CaptureQueriesContext(connection) as asked:
        assert holding.compare(account=batch.account, now=NOON) == ""
    assert any("crowd_batch" in one["sql"] for one in asked)
    assert not any("crowd_batchrollup" in one["sql"] or "crowd_tally" in one["sql"] for one in asked)
    remote.far(batch).error = Unavailable("Nobody answers.")
    assert holding.compare(account=batch.account, now=NOON) == "The platform could not be asked: Nobody answers."


def test_for_one_account_the_counts_of_its_own_batches_alone_are_read(batch):
    other = remote.batch()
    with CaptureQueriesContext(connection) as asked:
        reconcile(now=NOON, account=other.account)
    counted = [one["sql"] for one in asked if "crowd_batchrollup" in one["sql"] or "crowd_tally" in one["sql"]]
    assert len(counted) == 2
    assert all(f"'{{{other.pk}}}'" in sql for sql in counted), counted


def test_an_archived_batch_is_not_asked_for_any_more(batch):
    Batch.objects.filter(pk=batch.pk).update(state="archived")
    remote.far(batch).error = Unavailable("Gone.")
    assert "platform" not in kinds(reconcile(now=NOON))


def command(*arguments: str) -> str:
    out = StringIO()
    call_command("reconcile", *arguments, stdout=out)
    return out.getvalue()


def test_the_command_says_that_all_is_well(batch):
    assert command() == "No differences.\n"
    assert json.loads(command("--json")) == {"differences": []}


def test_the_command_lists_differences_and_fails(batch):
    remote.far(batch).tasks = 3
    out = StringIO()
    with pytest.raises(CommandError, match="1 difference") as failure:
        call_command("reconcile", "--account", batch.account.slug, "--json", stdout=out)
    assert failure.value.returncode == 1
    where = f"{batch.account.slug}, {batch.key}"
    assert json.loads(out.getvalue())["differences"] == [{"kind": "tasks", "local": 4, "remote": 3, "where": where}]


def test_the_command_names_the_accounts_when_it_does_not_know_one(batch):
    with pytest.raises(CommandError, match=f"There is no account 'nobody'; known are {batch.account.slug}"):
        command("--account", "nobody")


def test_counts_are_made_anew_on_request(batch):
    miscount(batch)
    hint = StringIO()
    with pytest.raises(CommandError, match="1 difference"):
        call_command("reconcile", stdout=StringIO(), stderr=hint)
    assert "reconcile --recount" in hint.getvalue()
    assert command("--recount") == command() == "No differences.\n"


def test_counts_of_one_account_are_not_made_anew_alone(batch):
    miscount(batch)
    before = list(BatchRollup.objects.values())
    with pytest.raises(CommandError, match="for all accounts at once: leave out --account") as failure:
        command("--recount", "--account", batch.account.slug)
    assert failure.value.returncode == 2
    assert list(BatchRollup.objects.values()) == before


def test_counts_of_many_rows_may_take_longer_than_a_page(batch):
    for look in (rollups.compare, tallies.compare, rollups.rebuild, partial(tallies.rebuild, now=NOON)):
        with connection.cursor() as cursor:
            cursor.execute("SET LOCAL statement_timeout = '30s'")
            look()
            cursor.execute("SHOW statement_timeout")
            assert cursor.fetchone() == ("0",), look
