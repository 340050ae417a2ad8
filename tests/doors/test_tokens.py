"""API tokens: shown once, stored as a hash, refused with the reason."""

import hashlib
import io
from datetime import timedelta
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from crowd.errors import CrowdError
from curation.models import ApiToken, Project, User
from curation.services.tokens import TokenRefused, authenticate, create_token, revoke_token
from tests.factories import make_project, make_user

NOW = timezone.now()


def make(alice: User) -> tuple[ApiToken, str]:
    return create_token(user=alice, name="laptop", scopes=["export", "read"], all_projects=True, now=NOW)


def test_only_the_hash_of_the_secret_is_stored(alice: User):
    token, text = make(alice)
    word, public_id, secret = text.split("_", 2)
    assert (word, public_id, len(public_id), len(secret)) == ("wnw", token.public_id, 8, 43)
    assert bytes(token.secret_hash) == hashlib.sha256(secret.encode()).digest()
    assert secret not in str(ApiToken.objects.values())


def test_a_token_opens_for_ninety_days(alice: User):
    token, text = make(alice)
    assert authenticate(text, now=NOW + timedelta(days=89)).pk == token.pk
    with pytest.raises(TokenRefused, match="expired") as refusal:
        authenticate(text, now=NOW + timedelta(days=90))
    assert refusal.value.code == "token_expired"


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda text: text[:-1] + ("A" if text[-1] != "A" else "B"), "token_unknown"),
        (lambda text: "wnw_00000000_" + text[13:], "token_unknown"),
        (lambda text: text[:-1], "token_malformed"),
        (lambda _: "hello", "token_malformed"),
    ],
)
def test_a_wrong_text_is_refused(alice: User, change, code: str):
    _, text = make(alice)
    with pytest.raises(TokenRefused) as refusal:
        authenticate(change(text), now=NOW)
    assert refusal.value.code == code


def test_a_revoked_token_keeps_its_row_and_opens_nothing(alice: User):
    token, text = make(alice)
    revoke_token(token_id=token.pk, by=alice, now=NOW)
    with pytest.raises(TokenRefused, match="revoked"):
        authenticate(text, now=NOW)
    assert ApiToken.objects.filter(pk=token.pk).exists()


def test_a_token_of_somebody_who_left_opens_nothing(alice: User):
    _, text = make(alice)
    User.objects.filter(pk=alice.pk).update(is_active=False)
    with pytest.raises(TokenRefused, match="no longer sign in"):
        authenticate(text, now=NOW)


def test_the_last_use_is_written_at_most_once_a_minute(alice: User):
    token, text = make(alice)
    for seconds, noted in ((0, 0), (30, 0), (61, 61)):
        authenticate(text, now=NOW + timedelta(seconds=seconds))
        token.refresh_from_db()
        assert token.last_used_at == NOW + timedelta(seconds=noted)


def test_a_token_cannot_be_made_for_a_project_of_others(alice: User):
    strange = make_project("Strange", lead=make_user("Charlie"))
    with pytest.raises(CrowdError, match="not a member"):
        create_token(user=alice, name="x", scopes=["read"], projects=[strange], now=NOW)


@pytest.mark.parametrize(
    "wrong", [{"scopes": ["everything"]}, {"scopes": []}, {"name": " "}, {"days": 0}, {"all_projects": False}]
)
def test_a_token_without_sense_is_not_made(alice: User, wrong: dict[str, Any]):
    with pytest.raises(CrowdError):
        create_token(user=alice, now=NOW, **{"name": "x", "scopes": ["read"], "all_projects": True, **wrong})
    assert not ApiToken.objects.exists()


def test_the_command_prints_a_token_that_opens(project: Project):
    out = io.StringIO()
    call_command(
        "token", "alice@example.org", "--name", "ci", "--scopes", "read,export", "--projects", project.slug, stdout=out
    )
    token = authenticate(out.getvalue().strip(), now=timezone.now())
    assert (token.scopes, list(token.projects.all())) == (["read", "export"], [project])


def test_the_command_refuses_strangers(db: None):
    with pytest.raises(CommandError, match="nobody here") as refusal:
        call_command("token", "ghost@example.org", "--name", "x")
    assert refusal.value.returncode == 2


def test_the_command_ends_tokens_by_their_name(alice: User):
    _, text = make(alice)
    name = ApiToken.objects.get().name
    call_command("token", alice.email, "--name", name, "--revoke", stdout=io.StringIO())
    with pytest.raises(TokenRefused, match="revoked"):
        authenticate(text, now=NOW)
    with pytest.raises(CommandError, match=r"no token .* that is still good"):
        call_command("token", alice.email, "--name", name, "--revoke")
