"""A new key of FIELD_KEYS takes the place of an old one: nothing is left that only the old one opens."""

import json
from io import StringIO
from itertools import count
from typing import Any

import pytest
from cryptography.fernet import Fernet
from django.core.management import CommandError, call_command
from django.utils import timezone

from crowd.models import Account
from crowd.secrets import Secrets
from curation.models import SecondFactor, User, Webhook
from curation.services import reencrypting
from tests.factories import make_account, make_project

pytestmark = pytest.mark.django_db
KEPT = Secrets(token="kept-token-0815")
KINDS = (Account, Webhook, SecondFactor)


@pytest.fixture
def stored() -> None:
    alice = User.objects.create(email="alice@example.org", name="Alice")
    Account.objects.filter(pk=make_account("toloka").pk).update(secrets=KEPT)
    make_account("inhouse")  # has none
    Webhook.objects.create(project=make_project(), url="https://hook.example", secrets=KEPT)
    SecondFactor.objects.create(user=alice, secrets=KEPT, confirmed_at=timezone.now())


def said(*words: str) -> str:
    out = StringIO()
    call_command("reencrypt", *words, stdout=out)
    return out.getvalue()


def test_after_it_the_old_key_can_go(settings, stored):
    new = Fernet.generate_key().decode()
    settings.FIELD_KEYS = [new, *settings.FIELD_KEYS]
    assert json.loads(said("--json")) == {
        "encrypted": {"accounts": 1, "webhooks": 1, "second factors": 1},
        "locked": {},
    }
    settings.FIELD_KEYS = [new]
    assert [KEPT in model.objects.values_list("secrets", flat=True) for model in KINDS] == [True, True, True]


def test_when_it_was_stopped_half_way_both_keys_open_all_and_the_next_time_does_the_rest(settings, stored, monkeypatch):
    new, rows, again = Fernet.generate_key().decode(), count(), reencrypting._again

    def stopped_at_the_second(*row: Any) -> bool:
        if next(rows):
            raise KeyboardInterrupt
        return again(*row)

    settings.FIELD_KEYS = [new, *settings.FIELD_KEYS]
    monkeypatch.setattr(reencrypting, "_again", stopped_at_the_second)
    with pytest.raises(KeyboardInterrupt):
        said()
    monkeypatch.undo()
    assert [KEPT in model.objects.values_list("secrets", flat=True) for model in KINDS] == [True, True, True]
    said()
    settings.FIELD_KEYS = [new]
    assert [KEPT in model.objects.values_list("secrets", flat=True) for model in KINDS] == [True, True, True]


def test_what_no_key_opens_is_counted_kept_and_ends_with_a_sentence(settings, stored):
    before = settings.FIELD_KEYS
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    make_account("prolific")
    Account.objects.filter(slug="prolific").update(secrets=KEPT)
    with pytest.raises(CommandError, match="1 of accounts, 1 of second factors, 1 of webhooks: keep all keys"):
        said()
    settings.FIELD_KEYS = before
    assert Account.objects.get(slug="toloka").secrets == KEPT


def test_an_installation_without_secrets_has_nothing_to_encrypt():
    assert said() == "Encrypted with the first of FIELD_KEYS: nothing.\n"
