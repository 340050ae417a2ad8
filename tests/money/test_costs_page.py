"""Costs on the money page: the published table, a project beside itself, and sums that lead to their rows."""

from urllib.parse import parse_qs, urlsplit

import pytest
from django.db import connection
from django.test import Client
from django.urls import reverse

from crowd.models import Account, Assignment, Batch, LedgerEntry
from crowd.services import ledger
from curation.dashboard.ledger_list import Filters, filtered
from curation.models import Asset, LabelClass, Pool, Project, Stage
from curation.services.breakdowns import shared
from tests.factories import make_account, make_answer, make_asset, make_pool, make_project, make_worker
from tests.money.world import CENT, busy, held, paid

pytestmark = pytest.mark.django_db


def page(client: Client, project: Project, query: str = ""):
    answer = client.get(reverse("money", args=[project.public_id]) + query)
    assert answer.status_code == 200
    return answer


def stage_pool(project: Project, kind: str, *, overlap: int) -> Pool:
    """Open work of a stage that serves every class."""
    stage, _ = Stage.objects.get_or_create(
        project=project, kind=kind, name=kind, defaults={"position": 10 + project.stages.count(), "title": kind.title()}
    )
    Stage.objects.filter(pk=stage.pk).update(settings={"overlap": overlap})
    pool = Pool.objects.create(
        project=project, stage=stage, account=make_account(), kind=Pool.Kind.MAIN, title=kind.upper(), overlap=overlap
    )
    Batch.objects.create(
        account=pool.account,
        key=f"batch-{kind}",
        project_id=project.pk,
        pool_id=pool.pk,
        stage_id=stage.pk,
        kind=Batch.Kind.MAIN,
        interface="boxes",
        state=Batch.State.OPEN,
    )
    return pool


def test_the_published_table_is_on_the_page_to_the_cent(project: Project, people: dict[str, Client]):
    text = page(people["vera"], project, "?costs=published").content.decode()
    for amount in ("$8,789.10", "$24,920.37", "$28,011.50", "$140,057.50", "$16,589.76", "$218,368.23", "$78,310.73"):
        assert amount in text
    for price in ("$0.3949", "$0.1416", "$0.3700", "$0.1200", "64.14&nbsp;% less"):
        assert price in text
    assert "25 → 0" in text
    assert text.count('class="free">$0.00') == 1


def test_classification_can_be_left_out_on_both_sides(project: Project, people: dict[str, Client]):
    text = page(people["vera"], project, "?costs=published-without").content.decode()
    assert "$201,778.47" in text
    assert "$61,720.97" in text
    assert "69.41&nbsp;% less" in text
    assert "left out on both sides" in text
    assert "$16,589.76" not in text


def test_a_project_stands_beside_itself_without_aggregation(project: Project, people: dict[str, Client]):
    checks, boxes = stage_pool(project, "validate", overlap=3), stage_pool(project, "boxes", overlap=5)
    worker = make_worker()
    for _ in range(4):
        paid(checks, worker, cents=1)
    for _ in range(10):
        paid(boxes, worker, cents=2)
    make_asset(project)
    costs = page(people["vera"], project).context["costs"]
    rows = {row.title: (row.before.micro // CENT, row.now.micro // CENT) for row in costs.rows}
    assert rows["Validate"] == (4, 4)
    assert rows["Boxes"] == (20, 20)
    assert rows["Check boxes"] == (50, 0)  # 10 answers, each checked by 5 people at a cent
    assert (costs.before.total_micro // CENT, costs.now.total_micro // CENT) == (74, 24)
    assert costs.now.per_delivered_micro == 24 * CENT


def test_what_no_stage_paid_is_a_row_so_that_the_table_adds_up(project: Project, people: dict[str, Client]):
    busy(project)
    LedgerEntry.objects.create(
        kind="correction", ref="correction:9", source="budget", target="platform", amount_micro=7 * CENT,
        project_id=project.pk, note="books",
    )  # fmt: skip
    costs = page(people["vera"], project).context["costs"]
    assert costs.now.total_micro == 21 * CENT
    assert costs.rows[-1].title == "Whole project"


@pytest.mark.parametrize("query", ["?by=class", "?by=platform", "?by=worker", "?by=pool", "?by=nonsense&costs=x"])
def test_every_sum_leads_to_exactly_its_entries(project: Project, people: dict[str, Client], query: str):
    busy(project)
    parts = page(people["vera"], project, query).context["parts"].parts
    linked = [part for part in parts if part.ledger]
    assert linked
    for part in linked:
        address = part.ledger.partition("#")[0]
        rows = page(people["vera"], project, address).context["rows"]
        assert sum(row.spent for row in rows) == part.sums.total


def test_entries_are_found_by_stage_class_and_platform(project: Project, people: dict[str, Client]):
    palm, *_ = busy(project)
    vera, entries = people["vera"], LedgerEntry.objects.filter(project_id=project.pk)
    expected = {
        f"?stage={palm.stage_id}": entries.filter(stage_id=palm.stage_id),
        f"?class={palm.label_class_id}": entries.filter(pool_id=palm.pk),
        f"?platform={palm.account_id}": entries.filter(account_id=palm.account_id),
        "?platform=999999": entries.none(),
    }
    for query, wanted in expected.items():
        assert {row.entry.pk for row in page(vera, project, query).context["rows"]} == {row.pk for row in wanted}


@pytest.mark.parametrize("what", ["stage", "platform"])
def test_few_entries_are_found_without_reading_the_ledger(project: Project, what: str):
    palm, *_ = busy(project)
    other = make_pool(make_project("Other"))
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            kind="correction", ref=f"correction:many-{n}", source="budget", target="platform", amount_micro=CENT,
            project_id=project.pk, pool_id=other.pk, stage_id=other.stage_id, account_id=other.account_id + 1,
        )
        for n in range(5_000)
    )  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE crowd_ledgerentry")
    filters = Filters(stage=palm.stage_id) if what == "stage" else Filters(platform=palm.account_id)
    assert "ledger_of_pool" in filtered(project, filters).order_by("-pk")[:30].explain()


def test_a_class_of_another_project_shows_nothing(project: Project, people: dict[str, Client]):
    busy(project)
    theirs = make_pool(make_project("Other"))
    assert page(people["vera"], project, f"?class={theirs.label_class_id}").context["rows"] == []


def test_common_pools_are_shared_by_the_images_that_came_there(project: Project, people: dict[str, Client]):
    palm = make_pool(project, "PALM")
    checks = stage_pool(project, "validate", overlap=3)
    stage = project.stages.get(kind="validate", name="validate")
    for label, n in ((palm.label_class, 3), (project.classes.get(name="peace"), 1)):
        for _ in range(n):
            make_asset(project, Asset.State.WAITING, stage="validate", label_class=label)
    paid(palm, make_worker(), cents=3)
    paid(checks, make_worker(), cents=4)
    assert stage.pk == checks.stage_id
    parts = {part.name: part for part in page(people["vera"], project, "?by=class").context["parts"].parts}
    assert (parts["palm"].sums.total, parts["palm"].common_micro) == (3 * CENT, 3 * CENT)
    assert (parts["peace"].sums.total, parts["peace"].common_micro) == (0, CENT)


def in_euros(pool: Pool) -> Pool:
    """Let the pool be worked on at an account in euros."""
    euros, _ = Account.objects.get_or_create(slug="euros", platform="prolific", label="Prolific", currency="EUR")
    Pool.objects.filter(pk=pool.pk).update(account=euros)
    Batch.objects.filter(pool_id=pool.pk).update(account=euros)
    return Pool.objects.get(pk=pool.pk)


def test_two_currencies_are_never_added_up(project: Project, people: dict[str, Client]):
    ledger.create_budget(project_id=project.pk, limit_micro=500 * CENT, currency="EUR")
    palm, euros = make_pool(project, "PALM"), in_euros(make_pool(project, "FIST"))
    Pool.objects.filter(pk=euros.pk).update(label_class=palm.label_class)
    checks = stage_pool(project, "validate", overlap=3)
    make_asset(project, stage="validate", label_class=palm.label_class)
    for pool, cents in ((palm, 3), (euros, 7), (checks, 4)):
        paid(pool, make_worker(), cents=cents)
    answer = page(people["vera"], project, "?by=class")
    parts = {(part.name, part.currency): part for part in answer.context["parts"].parts}
    assert parts["palm", "USD"].with_common_micro == 7 * CENT
    assert parts["palm", "EUR"].with_common_micro == 7 * CENT
    assert parts["palm", "EUR"].common_micro == 0
    totals = {table.currency: table.now.total_micro for table in answer.context["cost_tables"]}
    assert totals == {"USD": 7 * CENT, "EUR": 7 * CENT}


def test_a_project_paid_in_another_currency_has_its_costs_in_it(project: Project, people: dict[str, Client]):
    ledger.create_budget(project_id=project.pk, limit_micro=500 * CENT, currency="EUR")
    paid(in_euros(make_pool(project, "PALM")), make_worker(), cents=7)
    make_asset(project)
    answer = page(people["vera"], project)
    (table,) = answer.context["cost_tables"]
    assert table.now.per_delivered_micro == 7 * CENT
    assert "0.0700 EUR" in answer.content.decode()


def test_filtering_the_ledger_keeps_what_was_chosen_above(project: Project, people: dict[str, Client]):
    text = page(people["vera"], project, "?costs=published&by=class").content.decode()
    assert '<input type="hidden" name="costs" value="published">' in text


def test_shares_add_up_to_the_last_millionth():
    assert shared(100, {1: 1, 2: 1, 3: 1}) == {1: 34, 2: 33, 3: 33}
    assert shared(100, {}) == {}
    assert sum(shared(999_999, {n: n for n in range(1, 19)}).values()) == 999_999


def test_holds_stand_beside_what_is_paid(project: Project, people: dict[str, Client]):
    _, fist, *_ = busy(project)
    answer = page(people["vera"], project)
    (cost,) = [cost for cost in answer.context["numbers"].pools if cost.key == fist.pk]
    assert (cost.held_micro, cost.sums.total) == (5 * CENT, 8 * CENT)
    parts = page(people["vera"], project, "?by=platform").context["parts"].parts
    assert {part.name: part.held_micro for part in parts} == {"Inhouse": 5 * CENT, "no platform": 0}


def test_what_a_class_only_holds_is_on_the_page_too(project: Project, people: dict[str, Client]):
    held(make_pool(project, "PALM"), make_worker(), cents=4)
    held(stage_pool(project, "validate", overlap=3), make_worker(), cents=2)
    parts = page(people["vera"], project, "?by=class").context["parts"].parts
    assert {part.name: part.held_micro for part in parts} == {"palm": 4 * CENT, "pools of every class": 2 * CENT}


def test_a_class_with_a_plus_in_its_name_leads_to_its_images(project: Project, people: dict[str, Client]):
    pool = make_pool(project, "PALM")
    LabelClass.objects.filter(pk=pool.label_class_id).update(name="palm+fist")
    paid(pool, make_worker())
    (part,) = page(people["vera"], project, "?by=class").context["parts"].parts
    assert parse_qs(urlsplit(part.page).query) == {"q": ["class:palm+fist"]}


def test_platforms_that_do_the_same_work_stand_beside_each_other(project: Project, people: dict[str, Client]):
    here, there = make_pool(project, "PALM"), make_pool(project, "FIST")
    other = Account.objects.create(slug="toloka", platform="toloka", label="Toloka")
    Pool.objects.filter(pk=there.pk).update(account=other)
    Batch.objects.filter(pool_id=there.pk).update(account=other)
    there.refresh_from_db()
    paid(here, make_worker(), cents=2)
    paid(there, make_worker(), cents=5, fee=1)
    make_answer(there, make_worker(), Assignment.State.REJECTED)
    rows = {row.account: row for row, _ in page(people["vera"], project, "?by=platform").context["parts"].platforms}
    assert (rows["Inhouse"].each_micro, rows["Inhouse"].acceptance) == (2 * CENT, 1.0)
    assert (rows["Toloka"].each_micro, rows["Toloka"].acceptance) == (6 * CENT, 0.5)


def test_a_stage_that_costs_more_than_planned_is_said_on_top(project: Project, people: dict[str, Client]):
    pool = make_pool(project, wanted=2, price_micro=CENT)
    for _ in range(3):
        paid(pool, make_worker(), cents=1)
    assert "Collect: 50 % more is spent" in page(people["vera"], project).content.decode()


def test_the_page_asks_few_questions_however_it_is_added_up(project, people, django_assert_max_num_queries):
    palm, *_ = busy(project)
    for _ in range(3):
        held(palm, make_worker())
    for by in ("pool", "class", "platform", "worker"):
        with django_assert_max_num_queries(28):
            page(people["alice"], project, f"?by={by}")
