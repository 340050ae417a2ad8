"""A platform elsewhere whose far side is this file: what the account's token says decides how it answers."""

from dataclasses import replace
from datetime import timedelta

import pytest

from crowd.errors import AuthFailed, OutOfFunds, Throttled, Unavailable, Unknown
from crowd.models import Account
from crowd.platforms import connecting, registry
from crowd.platforms.base import Health
from crowd.platforms.connecting import Entry, Terms
from crowd.platforms.local import LocalMarket
from tests.crowd.market import NOON

GOOD = "good-token-4711"
quotas = {"pools": ((60, 20), (86_400, 100)), "overlap_changes": ((3_600, 10),)}
ANSWERS = {
    "wrong-token": lambda token: AuthFailed(f"The platform does not accept the token {token}."),
    "poor-token": lambda _: OutOfFunds("There is 0.00 left, 12.00 is needed."),
    "busy-token": lambda _: Throttled(NOON + timedelta(hours=12), "pools: 100 a day are used"),
    "lost-token": lambda _: Unavailable("The platform does not answer."),
    "odd-token": lambda _: Unknown("The answer was no JSON."),
    "rude-token": lambda _: ZeroDivisionError("nobody foresaw this"),
}


class FarSide(LocalMarket):
    capabilities = replace(
        LocalMarket.capabilities, pages="remote", webhooks=True, balance=True, note="Only there for tests."
    )

    def check(self, account: Account) -> Health:
        token = account.secrets.get("token", "")
        if token in ANSWERS:
            raise ANSWERS[token](token)
        return Health(ok=True, sentence=f"Signed in as Alice with {token}.", balance_micro=12_500_000)


def set_up(patch: pytest.MonkeyPatch) -> None:
    """Let the product know this platform for the length of a test."""
    patch.setitem(registry.PLATFORMS, "farside", "tests.crowd.farside:FarSide")
    terms = Terms(
        title="Far side",
        secrets=(Entry("token", "Access token", required=True),),
        settings=(Entry("workspace", "Workspace", required=True), Entry("yandex", "The other one", flag=True)),
        usual_url="https://far.example",
        currency="EUR",
    )
    patch.setitem(connecting.TERMS, "farside", terms)


def public(_: str) -> list[str]:
    """Resolve every name to an address on the internet, without asking anybody."""
    return ["93.184.215.14"]


def private(_: str) -> list[str]:
    return ["10.0.0.7"]


def nowhere(_: str) -> list[str]:
    return []
