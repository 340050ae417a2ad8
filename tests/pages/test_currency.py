"""A project that pays in another currency says so on every screen, and no amount of it is called dollars."""

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from crowd.models import Account, Assignment, Budget
from crowd.services import ledger
from curation.live.views import fields_of
from curation.models import Asset, Project
from curation.services.overview import project_numbers
from curation.services.overview.spending import Purse
from tests.factories import make_account, make_answer, make_asset, make_pool, make_worker

pytestmark = pytest.mark.django_db


@pytest.fixture
def in_euro(project: Project) -> Asset:
    """A project with one paid photo, whose account and budget are in euro."""
    Budget.objects.filter(project_id=project.pk).update(currency="EUR")
    Account.objects.filter(pk=make_account().pk).update(currency="EUR")
    pool, worker = make_pool(project), make_worker()
    answer = make_answer(pool, worker, Assignment.State.ACCEPTED)
    batch = answer.assignment.batch
    ledger.reserve(purse=ledger.Purse.of(batch), amount_micro=30_000, ref=f"assignment:{answer.assignment_id}")
    ledger.charge(assignment=answer.assignment, now=timezone.now())
    return make_asset(project, worker=worker, answer=answer)


def test_no_screen_calls_it_dollars(in_euro: Asset, project: Project, people: dict[str, Client]):
    own = [project.public_id]
    addresses = {
        "/": "0.03 EUR",
        reverse("project", args=own): "of 500.00 EUR",
        reverse("settings", args=own): "New limit, EUR",
        reverse("pools", args=own): "0.03 EUR",
        reverse("workers", args=own): "0.03 EUR",
        reverse("worker", args=[*own, in_euro.worker_id]): "0.03 EUR",
        reverse("asset", args=[*own, in_euro.public_id]): "<b>0.03 EUR</b>",
    }
    for address, amount in addresses.items():
        page = people["alice"].get(address).content.decode()
        assert amount in page, address
        assert "$0" not in page, address


def test_its_budget_is_raised_in_its_own_currency(in_euro: Asset, project: Project, people: dict[str, Client]):
    people["alice"].post(reverse("budget", args=[project.public_id]), {"limit": "600"})
    assert Budget.objects.get(project_id=project.pk).limit_micro == 600_000_000


def test_what_was_spent_in_another_currency_stands_beside_it(in_euro: Asset, project: Project):
    numbers = project_numbers(project=project, now=timezone.now())
    assert (numbers.spent.spent_micro, numbers.currency, numbers.spent.others) == (30_000, "EUR", {})
    assert fields_of(numbers)["spent"] == "0.03 EUR"
    in_dollars = project_numbers(project=project, now=timezone.now(), purse=Purse(50_000_000, "USD"))
    assert (in_dollars.spent.spent_micro, in_dollars.spent.others) == (0, {"EUR": 30_000})
