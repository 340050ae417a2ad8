"""How addresses that somebody outside named are fetched: `fetch_public` and `post_public`, and no other way."""

from crowd.fetching.answer import Fetched
from crowd.fetching.door import fetch_public, post_public
from crowd.fetching.errors import AddressRefused, AnswerRefused, FetchError, NotReached, TooSlow
from crowd.fetching.limits import Limits

__all__ = [
    "AddressRefused",
    "AnswerRefused",
    "FetchError",
    "Fetched",
    "Limits",
    "NotReached",
    "TooSlow",
    "fetch_public",
    "post_public",
]
