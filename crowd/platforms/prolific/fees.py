"""What Prolific takes on top of a reward. Only the platform knows (fee, tax): it is asked once for each price.

The answer is kept in the account's settings, since prices are quoted where no network is allowed.
"""

from typing import Any

from django.db import transaction

from crowd.models import Account
from crowd.platforms.prolific.amounts import MICRO_IN_CENT, cents
from crowd.platforms.prolific.client import Client

KEPT = "fees"
ASKED_PLACES = 100
USUAL_CENTS = 100


def fee(account: Account, price_micro: int) -> int:
    """Return the fee of one page in micro-units: as told for this price, else in proportion to the dearest told."""
    kept = _kept(account)
    reward = str(price_micro // MICRO_IN_CENT)
    if reward in kept and price_micro % MICRO_IN_CENT == 0:
        return kept[reward]
    if kept:
        return max(-(-price_micro * told // (int(reward) * MICRO_IN_CENT)) for reward, told in kept.items())
    percent = account.commission_percent
    return 0 if percent is None else -(-int(percent * 100) * price_micro // 10_000)


def learn(client: Client, price_micro: int = USUAL_CENTS * MICRO_IN_CENT) -> None:
    """Ask what a place at this price costs, unless that is known."""
    reward = cents(price_micro)
    if str(reward) in _kept(client.account):
        return
    asked = {"reward": reward, "total_available_places": ASKED_PLACES}
    total = int(client.read("study-cost-calculator", body=asked)["total_cost"])
    of_one = -(-(total - reward * ASKED_PLACES) * MICRO_IN_CENT // ASKED_PLACES)
    _keep(client.account, str(reward), max(0, of_one))


def _kept(account: Account) -> dict[str, int]:
    kept: Any = account.settings.get(KEPT)
    return kept if isinstance(kept, dict) else {}


@transaction.atomic
def _keep(account: Account, reward: str, fee_micro: int) -> None:
    """Add one price; what a person changes in the settings meanwhile stays."""
    row = Account.objects.select_for_update().only("settings").get(pk=account.pk)
    row.settings = {**row.settings, KEPT: {**_kept(row), reward: fee_micro}}
    row.save(update_fields=["settings"])
    account.settings = row.settings
