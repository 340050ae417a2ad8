"""The requester who owns everything here."""

from crowd.emulators.toloka.market import REQUESTER_ID, Market
from crowd.emulators.toloka.records import Form
from crowd.emulators.toloka.views import amount


def shown(market: Market) -> Form:
    """Return the requester; the balance is what is neither spent nor reserved."""
    return {
        "id": REQUESTER_ID,
        "balance": amount(market.books.free_micro),
        "public_name": {"EN": "Emulated requester"},
        "company": {"id": "1", "superintendent_id": REQUESTER_ID},
    }
