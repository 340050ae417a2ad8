"""Platform accounts in the browser: who sees them, what they say, what a person decides."""

import subprocess
import sys

import pytest
from django.test import Client
from django.urls import reverse

from crowd.clock import database_now
from crowd.models import Account, Batch, OutboxCommand
from crowd.secrets import Secrets
from crowd.services import quotas
from curation.models import Event, Job, Membership, Project, User
from curation.services import jobs
from tests.crowd import farside
from tests.crowd.farside import GOOD
from tests.factories import make_pool, make_project

pytestmark = pytest.mark.django_db
FORM = {"label": "Far account", "currency": "EUR", "setting-workspace": "w1", "is_shared": "yes"}


@pytest.fixture(autouse=True)
def _farside(monkeypatch: pytest.MonkeyPatch):
    farside.set_up(monkeypatch)


@pytest.fixture
def olaf() -> Client:
    """Somebody who runs the server and leads nothing."""
    client = Client()
    client.force_login(User.objects.create_superuser("olaf@example.org", "Olaf"))
    return client


@pytest.fixture
def account(alice: User) -> Account:
    return Account.objects.create(
        slug="far",
        platform="farside",
        label="Far account",
        currency="EUR",
        settings={"workspace": "w1"},
        secrets=Secrets(token=GOOD),
        created_by_id=alice.pk,
    )


@pytest.fixture
def command(project: Project, account: Account) -> OutboxCommand:
    """A message of Alice's project of which nobody knows whether it was sent."""
    pool = make_pool(project)
    Batch.objects.filter(pool_id=pool.pk).update(account=account)
    batch = Batch.objects.get(pool_id=pool.pk)
    return OutboxCommand.objects.create(
        account=account,
        batch_id=batch.pk,
        kind="message",
        key="m-1",
        state=OutboxCommand.State.NEEDS_PERSON,
        last_error="The connection broke off after the request was sent.",
    )


def at(name: str, *args: object) -> str:
    return reverse(name, args=args)


def text(client: Client, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200
    return answer.content.decode()


def run_checks() -> None:
    for job in Job.objects.filter(kind="check_account"):
        assert jobs.run(job_id=job.pk, now=database_now())


@pytest.mark.parametrize(
    "address", ["/accounts/", "/accounts/new/", "/accounts/new/?platform=farside", "/accounts/far/"]
)
def test_leads_and_operators_see_accounts_and_nobody_else(address, project, account, people, olaf):
    for client in (people["alice"], olaf):
        assert client.get(address).status_code == 200
    for name in ("rita", "vera", "charlie"):
        assert people[name].get(address).status_code == 404
    assert people["nobody"].get(address).status_code == 302


def test_an_unshared_account_is_seen_by_its_maker_alone(project, account, people, olaf):
    Account.objects.filter(pk=account.pk).update(is_shared=False)
    Membership.objects.filter(project=project, user__name="Rita").update(role="lead")
    assert "Far account" in text(people["alice"], "/accounts/")
    for client in (people["rita"], olaf):
        assert "Far account" not in text(client, "/accounts/")
        assert client.get("/accounts/far/").status_code == 404
        assert client.post(at("platform-account-webhook", "far")).status_code == 404


def test_the_simulated_crowd_of_a_project_is_seen_by_its_leads(project, people, charlie):
    make_project("Charlie's", lead=charlie)
    crowd = Account.objects.create(slug="rehearsal-hands", platform="rehearsal", label="Rehearsal")
    pool = make_pool(project)
    pool.account = crowd
    pool.save(update_fields=["account"])
    assert "Rehearsal" in text(people["alice"], "/accounts/")
    assert "Rehearsal" not in text(people["charlie"], "/accounts/")
    assert people["charlie"].get("/accounts/rehearsal-hands/").status_code == 404


@pytest.mark.parametrize("name", ["test", "change", "webhook", "use"])
@pytest.mark.parametrize("who", ["rita", "vera", "charlie"])
def test_a_stranger_changes_nothing(name, who, project, account, people):
    assert people[who].post(at(f"platform-account-{name}", "far"), FORM).status_code == 404
    assert not Event.objects.exists()


def test_the_nav_leads_there_for_those_who_may(project, people, olaf):
    assert "/accounts/" in text(people["alice"], "/")
    assert "/accounts/" in text(olaf, "/")
    assert "/accounts/" not in text(people["vera"], "/")


def test_every_platform_tells_honestly_what_it_can_do(project, people):
    page = text(people["alice"], "/accounts/new/")
    assert "Only there for tests." in page
    assert "on the platform&#x27;s pages" in page
    assert "?platform=farside" in page
    assert "?platform=inhouse" not in page
    assert "It is there already." in page
    for slug in ("inhouse", "rehearsal", "nobody-knows"):
        assert people["alice"].get(f"/accounts/new/?platform={slug}").status_code == 404


def test_connecting_makes_an_account_that_is_tested_at_once(project, people):
    answer = people["alice"].post("/accounts/new/", {**FORM, "platform": "farside", "secret-token": GOOD}, follow=True)
    assert answer.redirect_chain == [("/accounts/far-account/", 302)]
    assert "The platform is being asked" in answer.content.decode()
    run_checks()
    page = text(people["alice"], "/accounts/far-account/")
    assert "Signed in as Alice" in page
    assert "12.50 EUR" in page
    assert "…4711" in page
    assert GOOD not in page
    event = Event.objects.get(kind="account.connected")
    assert event.text == "Alice connected Far account (Far side)."
    assert GOOD not in f"{event.text} {event.data}"


def test_a_refused_form_comes_back_filled_in_but_for_the_secret(project, people):
    answer = people["alice"].post(
        "/accounts/new/", {**FORM, "platform": "farside", "secret-token": "tok en", "commission": "7.5"}
    )
    page = answer.content.decode()
    assert answer.status_code == 400
    assert "Access token holds a space" in page
    assert 'value="Far account"' in page
    assert 'value="7.5"' in page
    assert "tok en" not in page
    assert not Account.objects.exists()


def test_a_test_is_asked_for_and_shown_when_it_is_there(account, project, people):
    def part(**headers: str) -> str:
        return people["alice"].post(at("platform-account-test", "far"), headers=headers).content.decode()

    asked = part(**{"HX-Request": "true"})
    assert "is being asked" in asked
    assert "hx-trigger" in asked
    assert "<html" not in asked
    run_checks()
    seen = text(people["alice"], at("platform-account-test", "far"))
    assert "Signed in as Alice" in seen
    assert "hx-trigger" not in seen
    assert '<span class="pill ok" id="standing" hx-swap-oob="true">Works</span>' in seen
    assert '<span class="pill ok" id="standing">Works</span>' in text(people["alice"], at("platform-account", "far"))
    assert people["alice"].post(at("platform-account-test", "far")).status_code == 302


def test_when_no_worker_runs_the_page_says_so(account, project, people):
    people["alice"].post(at("platform-account-test", "far"))
    Job.objects.update(next_at="2026-01-01T00:00:00Z")
    assert "No worker process has taken the test up" in text(people["alice"], "/accounts/far/")


def test_the_quota_shows_what_is_left_and_when_it_is_full_again(account, project, people):
    now = database_now()
    quotas.take(account=account, name="pools", n=14, now=now)
    quotas.take(account=account, name="overlap_changes", n=4, now=now)
    page = text(people["alice"], "/accounts/far/")
    assert "Pools a minute" in page
    assert "of 20 left" in page
    assert "6 of 10 left" in page
    assert "86 of 100 left" in page
    assert f"{quotas.refills_at(window_seconds=86_400, now=now):%-d %b, %H:%M}" in page
    assert "Overlap changes an hour" in page


def test_a_change_keeps_the_secret_and_goes_on_record(account, project, people):
    people["alice"].post(at("platform-account-change", "far"), {**FORM, "label": "Renamed", "commission": "20"})
    row = Account.objects.get(pk=account.pk)
    assert (row.label, str(row.commission_percent), row.secrets) == ("Renamed", "20.00", {"token": GOOD})
    assert Event.objects.get().text == "Alice changed the account Renamed."


def test_a_change_of_the_address_without_the_secret_is_refused(account, project, people):
    sent = {**FORM, "base_url": "https://203.0.114.9", "secret-token": ""}
    answer = people["alice"].post(at("platform-account-change", "far"), sent)
    assert answer.status_code == 400
    assert "entered again: Access token" in answer.content.decode()
    assert Account.objects.get(pk=account.pk).base_url == ""


def test_an_address_inside_the_house_is_refused_in_the_browser(account, project, people):
    sent = {**FORM, "base_url": "https://192.168.1.1", "secret-token": GOOD}
    answer = people["alice"].post(at("platform-account-change", "far"), sent)
    assert "not on the public internet" in answer.content.decode()
    assert GOOD not in answer.content.decode()


def test_a_new_webhook_secret_shows_its_end_only(account, project, people):
    people["alice"].post(at("platform-account-webhook", "far"))
    secret = Account.objects.get(pk=account.pk).secrets["webhook"]
    page = text(people["alice"], "/accounts/far/")
    assert f"…{secret[-4:]}" in page
    assert secret not in page
    assert "/x/events/far/" in page
    assert secret not in Event.objects.get().text


def test_prolific_is_asked_for_a_new_secret_by_a_button(account, project, people):
    Account.objects.filter(pk=account.pk).update(platform="prolific", secrets={"token": GOOD, "webhook": "replaced"})
    page = text(people["alice"], "/accounts/far/")
    assert "If it was replaced or revoked there" in page
    assert "Make a new secret" in page
    people["alice"].post(at("platform-account-webhook", "far"))
    assert Account.objects.get(pk=account.pk).secrets == {"token": GOOD}
    page = text(people["alice"], "/accounts/far/")
    assert "Prolific is asked for a new secret" in page
    assert "no secret yet" in page


def test_an_account_is_taken_out_of_use_and_back(account, project, people):
    people["alice"].post(at("platform-account-use", "far"), {"active": "no"})
    assert "Out of use" in text(people["alice"], "/accounts/far/")
    people["alice"].post(at("platform-account-use", "far"), {"active": "yes"})
    assert Account.objects.get(pk=account.pk).is_active


def test_an_account_with_open_pools_stays_in_use(account, command, people):
    answer = people["alice"].post(at("platform-account-use", "far"), {"active": "no"})
    assert answer.status_code == 400
    assert "Pause or close what is open first" in answer.content.decode()


@pytest.mark.parametrize(("decision", "state"), [("done", "done"), ("again", "planned"), ("cancel", "cancelled")])
def test_a_lead_settles_what_nobody_else_can(decision, state, command, people):
    page = text(people["alice"], "/accounts/far/")
    assert "needs a person" in page
    assert "PEACE, Hand gestures" in page
    people["alice"].post(at("platform-command-decide", "far", command.pk, decision))
    command.refresh_from_db()
    assert command.state == state
    assert "“Write to workers” needed a person: Alice" in Event.objects.get().text


def test_deciding_twice_says_that_somebody_was_first(command, people):
    for _ in range(2):
        answer = people["alice"].post(at("platform-command-decide", "far", command.pk, "done"))
    assert answer.status_code == 400
    assert "Somebody has decided about this already" in answer.content.decode()


def test_a_lead_of_another_project_neither_sees_nor_decides(command, people, charlie):
    make_project("Charlie's", lead=charlie)
    page = text(people["charlie"], "/accounts/far/")
    assert "Hand gestures" not in page
    assert "broke off" not in page
    for decision in ("done", "again", "cancel"):
        refused = people["charlie"].post(at("platform-command-decide", "far", command.pk, decision))
        assert refused.status_code == 404
    assert people["alice"].post(at("platform-command-decide", "far", command.pk, "explode")).status_code == 404


def test_more_accounts_and_commands_need_no_more_queries(command, people, django_assert_max_num_queries):
    for number in range(8):
        Account.objects.create(slug=f"a{number}", platform="farside", label=f"A {number}")
        OutboxCommand.objects.create(
            account=command.account, batch_id=command.batch_id, kind="message", key=str(number)
        )
    with django_assert_max_num_queries(12):
        people["alice"].get("/accounts/")
    with django_assert_max_num_queries(24):
        people["alice"].get("/accounts/far/")


def test_the_list_opens_although_the_key_of_the_secrets_is_gone(account, project, people, settings):
    settings.FIELD_KEYS = ["x" * 43 + "="]
    assert "Far account" in text(people["alice"], "/accounts/")
    assert "Far account" in text(people["alice"], "/accounts/far/")


def test_the_pages_of_accounts_load_no_sdk():
    """Every adapter that is registered tells its capabilities without its SDK."""
    program = (
        "import os, sys; os.environ['DJANGO_SETTINGS_MODULE'] = 'curation.settings.test'\n"
        "import django; django.setup()\n"
        "import curation.dashboard.account_pages as pages\n"
        "pages._choices()\n"
        "print([name for name in ('toloka', 'boto3', 'botocore') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
