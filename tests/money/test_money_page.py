"""The money page: sums over the ledger, filters, keyset pages, budgets and corrections by leads."""

import csv
import io
from collections.abc import Iterator
from datetime import timedelta
from itertools import chain

import httpx
import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from playwright.sync_api import Browser

from crowd.models import Account, Budget, LedgerEntry, Worker
from crowd.services import ledger
from curation.dashboard.ledger_list import PAGE
from curation.models import Event, Pool, Project, User
from tests.browsing import DESK, PHONE, breaches, chromium, fits, watched
from tests.factories import make_asset, make_pool, make_project, make_worker
from tests.money.world import CENT, busy, held, paid, rows

pytestmark = pytest.mark.django_db
MOST_QUERIES = 24
TOKEN = "0123456789abcdef"


def address(project: Project, name: str = "money", *args: object) -> str:
    return reverse(name, args=[project.public_id, *args])


def shown(client: Client, project: Project, query: str = ""):
    answer = client.get(address(project) + query)
    assert answer.status_code == 200
    return answer


def ids(answer) -> list[int]:
    return [row.entry.pk for row in answer.context["rows"]]


# Who sees it

FORMS = {"budget-set": {"place": "project", "limit": "9"}, "budget-remove": {"place": "pool:1"}, "by-hand": {}}


@pytest.mark.parametrize("person", ["alice", "rita", "vera"])
def test_members_see_the_money(project: Project, people: dict[str, Client], person: str):
    busy(project)
    text = shown(people[person], project).content.decode()
    assert "Cost of each stage" in text
    assert ("Refunds and corrections" in text) == (person == "alice")
    assert ("Change budgets" in text) == (person == "alice")


@pytest.mark.parametrize("name", ["money", "ledger-csv", "statement-csv"])
def test_a_stranger_finds_nothing_there(project: Project, people: dict[str, Client], name: str):
    where = address(project, name, *(["pool"] if name == "statement-csv" else []))
    assert people["charlie"].get(where).status_code == 404
    assert people["nobody"].get(where).status_code == 302


@pytest.mark.parametrize("person", ["rita", "vera", "charlie"])
@pytest.mark.parametrize("name", list(FORMS))
def test_only_a_lead_changes_money(project: Project, people: dict[str, Client], name: str, person: str):
    assert people[person].post(address(project, name), FORMS[name]).status_code == 404
    assert not Event.objects.filter(project_id=project.pk).exists()


def test_the_money_of_one_project_is_not_on_the_page_of_another(
    project: Project, people: dict[str, Client], alice: User
):
    busy(project)
    other = make_project("Other", lead=alice)
    assert "Nothing is paid or held yet" in shown(people["alice"], other).content.decode()


# What it says


def test_an_empty_project_says_what_will_be_here(project: Project, people: dict[str, Client]):
    text = shown(people["vera"], project).content.decode()
    assert "Nothing is paid or held yet" in text
    assert "The ledger is empty" in text


def test_a_project_without_any_budget_says_so(project: Project, people: dict[str, Client]):
    Budget.objects.all().delete()
    assert "No budget yet" in shown(people["alice"], project).content.decode()


def test_the_totals_are_sums_over_the_ledger(project: Project, people: dict[str, Client]):
    busy(project)
    make_asset(project)
    numbers = shown(people["vera"], project).context["numbers"]
    (total,) = numbers.totals
    sums = total.sums
    assert [part // CENT for part in (sums.work, sums.fee, sums.refund, sums.correction)] == [11, 2, -1, 2]
    assert sums.total == total.budget.spent_micro == 14 * CENT
    assert total.budget.reserved_micro == 5 * CENT
    assert (
        sum(cost.sums.total for cost in numbers.stages) == sum(cost.sums.total for cost in numbers.pools) == 14 * CENT
    )
    assert sum(day.spent_micro for day in numbers.days["USD"]) == 14 * CENT


def test_stages_and_pools_stand_beside_their_plan(project: Project, people: dict[str, Client]):
    palm, *_ = busy(project)
    numbers = shown(people["vera"], project).context["numbers"]
    assert [(cost.name, cost.planned_micro // CENT) for cost in numbers.stages] == [("Collect", 80)]
    assert {cost.name: cost.planned_micro // CENT for cost in numbers.pools} == {"PALM": 30, "FIST": 50}
    Pool.objects.filter(pk=palm.pk).update(wanted=1)
    assert [cost.tone for cost in shown(people["vera"], project).context["numbers"].pools] == ["hot", "s2"]


def test_days_without_money_are_days_too(project: Project, people: dict[str, Client]):
    pool, worker = make_pool(project), make_worker()
    for days in (3, 0):
        paid(pool, worker, now=timezone.now() - timedelta(days=days))
    days = shown(people["vera"], project).context["numbers"].days["USD"]
    assert [day.spent_micro // CENT for day in days] == [3, 0, 0, 3]


def test_workers_go_by_their_pseudonyms(project: Project, people: dict[str, Client]):
    *_, wanda, _walt = busy(project)
    Worker.objects.filter(pk=wanda.pk).update(name="Wanda Secret", ext_id="A1REALID")
    text = shown(people["vera"], project).content.decode()
    assert wanda.short_id in text
    assert "Secret" not in text
    assert "A1REALID" not in text


def test_each_currency_has_its_own_totals(project: Project, people: dict[str, Client]):
    pool = make_pool(project)
    paid(pool, make_worker())
    ledger.create_budget(project_id=project.pk, limit_micro=500 * CENT, currency="EUR")
    Account.objects.update(currency="EUR")
    paid(Pool.objects.get(pk=pool.pk), make_worker(), cents=7)
    answer = shown(people["vera"], project)
    assert [(t.budget.currency, t.sums.total // CENT) for t in answer.context["numbers"].totals] == [
        ("USD", 3),
        ("EUR", 7),
    ]
    assert "0.07 EUR" in answer.content.decode()


def test_a_budget_near_its_end_is_said_on_top(project: Project, people: dict[str, Client]):
    busy(project)
    ledger.raise_budget(project_id=project.pk, limit_micro=20 * CENT)
    assert (
        "Whole project: 95 % of the budget of $0.20 is spent or held."
        in shown(people["vera"], project).content.decode()
    )


def test_what_a_platform_took_beyond_the_budget_is_said_on_top(project: Project, people: dict[str, Client]):
    pool = make_pool(project)
    page = paid(pool, make_worker())
    ledger.raise_budget(project_id=project.pk, limit_micro=3 * CENT)
    page.pk, page.price_micro = page.pk + 10_000, 4 * CENT
    ledger.charge(assignment=page, now=timezone.now(), forced=True)
    text = shown(people["vera"], project).content.decode()
    assert "a platform took $0.04 more than the budget of $0.03" in text
    assert "$0.04 overdrawn" in text


def test_the_page_needs_few_queries_however_much_there_is(
    project: Project, people: dict[str, Client], alice: User, django_assert_max_num_queries
):
    busy(project, alice)
    for number in range(4):
        pool = make_pool(project, f"MORE {number}")
        paid(pool, make_worker())
        ledger.create_budget(project_id=project.pk, scope="pool", scope_id=pool.pk, limit_micro=CENT * 100)
    with django_assert_max_num_queries(MOST_QUERIES):
        shown(people["alice"], project)


# The ledger


def test_every_entry_is_on_one_page_of_the_ledger_there_and_back(project: Project, people: dict[str, Client]):
    pool, worker = make_pool(project), make_worker()
    for _ in range(PAGE + 3):
        paid(pool, worker)
    pages, query = [], ""
    for _ in range(3):
        answer = shown(people["vera"], project, query)
        pages.append(ids(answer))
        query = answer.context["older"]
    assert query == ""
    assert list(chain(*pages)) == [row.pk for row in reversed(rows(project))]
    assert ids(shown(people["vera"], project, answer.context["newer"])) == pages[1]


FILTERS = {
    "?kind=paid": {"charge", "fee"},
    "?kind=held": {"reserve", "release"},
    "?kind=hand": {"refund", "correction"},
    "?kind=bonus": set(),
    "?kind=nonsense": {"reserve", "release", "charge", "fee", "refund", "correction"},
}


@pytest.mark.parametrize("query", list(FILTERS))
def test_the_ledger_is_filtered_by_kind(project: Project, people: dict[str, Client], query: str):
    palm, _, wanda, _ = busy(project)
    ledger.release(ref=f"assignment:{held(palm, wanda).pk}")
    assert {row.entry.kind for row in shown(people["vera"], project, query).context["rows"]} == FILTERS[query]


def test_the_ledger_is_filtered_by_pool_worker_and_day(project: Project, people: dict[str, Client]):
    palm, fist, wanda, walt = busy(project)
    vera, today = people["vera"], timezone.now().date()
    entries = rows(project)
    assert set(ids(shown(vera, project, f"?pool={fist.pk}"))) == {row.pk for row in entries if row.pool_id == fist.pk}
    for name in (wanda.short_id, wanda.short_id.removeprefix("w_").upper(), wanda.ext_id):
        assert set(ids(shown(vera, project, f"?worker={name}"))) == {
            row.pk for row in entries if row.worker_id == wanda.pk
        }
    yesterday = shown(vera, project, f"?day={today - timedelta(days=1)}&kind=paid")
    assert {row.entry.pool_id for row in yesterday.context["rows"]} == {palm.pk}
    assert ids(shown(vera, project, f"?pool={palm.pk}&worker={walt.short_id}&kind=paid&day={today}")) == [
        row.pk for row in entries if row.worker_id == walt.pk and row.kind == "charge"
    ]


@pytest.mark.parametrize(
    ("query", "sentence"),
    [
        ("?worker=w_ffffff", "Nobody here is called &#x27;w_ffffff&#x27;"),
        ("?day=2026-02-31", "is not a day, such as"),
        ("?day=yesterday", "is not a day, such as"),
        ("?kind=bonus", "No entry fits these filters"),
        ("?worker=%00", "The ledger is empty"),
        ("?pool=99999999999999999999", "The ledger is empty"),
        ("?after=x", "The ledger is empty"),
    ],
)
def test_a_filter_nobody_understands_is_answered_with_a_sentence(
    project: Project, people: dict[str, Client], query: str, sentence: str
):
    assert sentence in shown(people["vera"], project, query).content.decode()


def test_a_worker_of_another_project_is_nobody_here(project: Project, people: dict[str, Client]):
    other = make_worker()
    paid(make_pool(make_project("Other")), other)
    assert "Nobody here is called" in shown(people["vera"], project, f"?worker={other.short_id}").content.decode()


def test_every_entry_says_how_it_changed_held_and_spent(project: Project, people: dict[str, Client]):
    busy(project)
    changes = [
        (row.entry.kind, row.held // CENT, row.spent // CENT) for row in shown(people["vera"], project).context["rows"]
    ]
    assert changes[0] == ("correction", 0, 2)
    assert changes[1] == ("refund", 0, -1)
    assert ("charge", -5, 5) in changes
    assert ("reserve", 6, 0) in changes
    assert sum(held for _, held, _ in changes) == 5
    assert sum(spent for _, _, spent in changes) == 14


# CSV


def table(answer) -> list[dict[str, str]]:
    assert answer["Content-Type"].startswith("text/csv")
    return list(csv.DictReader(io.StringIO(b"".join(answer.streaming_content).decode())))


def test_the_ledgers_csv_follows_the_filters(project: Project, people: dict[str, Client]):
    busy(project)
    assert len(table(people["vera"].get(address(project, "ledger-csv")))) == LedgerEntry.objects.count()
    some = table(people["vera"].get(address(project, "ledger-csv") + "?kind=hand"))
    assert [line["kind"] for line in some] == ["refund", "correction"]
    assert table(people["vera"].get(address(project, "ledger-csv") + "?worker=w_ffffff")) == []


@pytest.mark.parametrize("by", ["worker", "pool", "stage", "day"])
def test_there_is_a_csv_for_each_statement(project: Project, people: dict[str, Client], by: str):
    busy(project)
    answer = people["vera"].get(address(project, "statement-csv", by))
    assert answer["Content-Disposition"] == f'attachment; filename="{project.slug}-by-{by}.csv"'
    assert sum(round(float(line["total"]) * 100) for line in table(answer)) == 14
    assert people["vera"].get(address(project, "statement-csv", "mood")).status_code == 404


@pytest.mark.django_db(transaction=True)
def test_the_server_of_the_product_streams_the_same_csv(server: str, project: Project, people: dict[str, Client]):
    busy(project)
    cookies = {"sessionid": people["vera"].cookies["sessionid"].value}
    answer = httpx.get(server + address(project, "ledger-csv"), cookies=cookies)
    assert answer.headers["content-type"] == "text/csv; charset=utf-8"
    assert answer.text.count("\r\n") == 1 + LedgerEntry.objects.count()


# Budgets


def put(client: Client, project: Project, **changed: str):
    asked = {"place": "project", "limit": "700", "currency": "USD", "warn": "90", **changed}
    return client.post(address(project, "budget-set"), asked)


@pytest.mark.parametrize("scope", ["project", "stage", "pool"])
def test_a_lead_sets_a_budget_for_the_project_a_stage_or_a_pool(
    project: Project, people: dict[str, Client], scope: str
):
    pool = make_pool(project)
    place = {"project": "project", "stage": f"stage:{pool.stage_id}", "pool": f"pool:{pool.pk}"}[scope]
    assert put(people["alice"], project, place=place).status_code == 302
    budget = Budget.objects.get(scope=scope)
    assert (budget.limit_micro, budget.warn_percent) == (700_000_000, 90)


def test_a_lead_takes_a_pools_budget_away(project: Project, people: dict[str, Client]):
    place = f"pool:{make_pool(project).pk}"
    put(people["alice"], project, place=place)
    assert (
        people["alice"].post(address(project, "budget-remove"), {"place": place, "currency": "USD"}).status_code == 302
    )
    assert not Budget.objects.filter(scope="pool").exists()


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"limit": "much"}, "is not an amount of money"),
        ({"limit": "1e999999"}, "is more money than any project has"),
        ({"limit": "-5"}, "cannot be negative"),
        ({"limit": "0.01"}, "cannot be under the $0.19"),
        ({"warn": "101"}, "0 to 100 percent, not 101"),
        ({"warn": "x"}, "whole number of percent"),
        ({"currency": "dollars"}, "is no currency"),
        ({"place": "pool:999999"}, "has no pool 999999"),
        ({"place": "pool:x"}, "Choose what the budget is for"),
        ({"place": "galaxy:1"}, "has no galaxy 1"),
    ],
)
def test_what_a_budget_cannot_be_is_said_beside_the_form(
    project: Project, people: dict[str, Client], wrong: dict[str, str], sentence: str
):
    busy(project)
    answer = put(people["alice"], project, **wrong)
    assert answer.status_code == 400
    assert 'href="?' not in answer.content.decode()
    assert 'action="#' not in answer.content.decode()
    assert sentence in answer.content.decode()
    if "limit" in wrong:
        assert f'value="{wrong["limit"]}"' in answer.content.decode()
    assert Budget.objects.get().limit_micro == 500_000_000


def test_a_budget_for_another_projects_pool_is_refused(project: Project, people: dict[str, Client]):
    theirs = make_pool(make_project("Other"))
    assert put(people["alice"], project, place=f"pool:{theirs.pk}").status_code == 400
    assert not Budget.objects.filter(scope="pool").exists()


# By hand


def book(client: Client, project: Project, **changed: str):
    asked = {"what": "refund", "book": "workers", "amount": "0.02", "reason": "sent back", "pool": "", "token": TOKEN}
    return client.post(address(project, "by-hand"), {"currency": "USD", "worker": "", **asked, **changed})


def test_a_lead_books_a_refund_once_with_reason_and_name(project: Project, people: dict[str, Client], alice: User):
    palm, _, wanda, _ = busy(project)
    for _ in range(2):
        answer = book(people["alice"], project, pool=str(palm.pk), worker=wanda.short_id)
    assert "booked already" in answer.content.decode()
    (entry,) = rows(project, ref=f"hand:{TOKEN}")
    assert (entry.kind, entry.amount_micro, entry.note, entry.by_id) == ("refund", 2 * CENT, "sent back", alice.pk)
    assert (entry.pool_id, entry.worker_id, entry.account_id) == (palm.pk, wanda.pk, wanda.account_id)
    event = Event.objects.get(kind="money.refund")
    assert (event.text, event.by) == ("$0.02 came back from workers: sent back", alice)


def test_a_lead_corrects_downwards(project: Project, people: dict[str, Client]):
    busy(project)
    book(people["alice"], project, what="correction", amount="-0.03", book="workers")
    assert ledger.totals(project_id=project.pk).spent_micro == 11 * CENT


@pytest.mark.parametrize(
    ("wrong", "sentence"),
    [
        ({"amount": "0"}, "needs an amount above zero"),
        ({"amount": "-1"}, "needs an amount above zero"),
        ({"amount": "lots"}, "is not an amount of money"),
        ({"amount": "9"}, "Only $0.13 went to workers in this project"),
        ({"reason": "  "}, "Say why"),
        ({"what": "gift"}, "is neither a refund nor a correction"),
        ({"book": "held"}, "needs an amount above zero and a book"),
        ({"pool": "999999"}, "has no pool 999999"),
        ({"worker": "w_ffffff"}, "Nobody here is called"),
        ({"token": "../x"}, "open the page again"),
        ({"currency": "EUR"}, "Only 0.00 EUR went to workers"),
    ],
)
def test_what_cannot_be_booked_is_said_beside_the_form(
    project: Project, people: dict[str, Client], wrong: dict[str, str], sentence: str
):
    busy(project)
    answer = book(people["alice"], project, **wrong)
    assert answer.status_code == 400
    assert sentence in answer.content.decode()
    assert not rows(project, ref=f"hand:{TOKEN}")


# In a browser


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as running:
        yield running


World = tuple[Project, dict[str, Client], str]


@pytest.fixture
def world(project: Project, people: dict[str, Client], server: str) -> World:
    return project, people, server


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(("device", "scheme"), [(DESK, "light"), (PHONE, "dark")], ids=["desk", "phone"])
def test_the_page_is_whole_on_any_screen(browser: Browser, world: World, device, scheme: str):
    project, people, server = world
    palm, _, wanda, walt = busy(project, User.objects.get(name="Alice"))
    held(palm, walt)
    cookie = people["alice"].cookies["sessionid"].value
    pages = [address(project), address(project, "worker-bonuses", wanda.pk), address(project, "pool-bonuses", palm.pk)]
    with watched(browser, server, cookie=cookie, color_scheme=scheme, **device) as page:
        for where in pages:
            page.goto(where)
            assert breaches(page) == []
            assert fits(page)


@pytest.mark.e2e
@pytest.mark.django_db(transaction=True)
def test_a_lead_raises_a_budget_in_the_table(server: str, browser: Browser, project: Project, people):
    busy(project)
    with watched(browser, server, cookie=people["alice"].cookies["sessionid"].value, **DESK) as page:
        page.goto(address(project))
        page.get_by_label("Change the budget of Whole project, USD").click()
        page.get_by_label("Limit, USD").fill("650.50")
        page.get_by_role("button", name="Save").click()
        page.get_by_text("The budget is now $650.50.").wait_for()
    assert ledger.totals(project_id=project.pk).limit_micro == 650_500_000
