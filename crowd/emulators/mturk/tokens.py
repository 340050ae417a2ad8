"""UniqueRequestToken: the same token within a day is refused and names what the first call made."""

from datetime import datetime, timedelta
from typing import Final, Literal

from crowd.emulators.mturk.errors import refuse
from crowd.emulators.mturk.market import Market, Request, Token

REMEMBERED: Final = timedelta(hours=24)
Scope = Literal["hit", "extension", "bonus"]


def refuse_repeat(market: Market, scope: Scope, request: Request, now: datetime) -> None:
    """Raise if this token was used for the same purpose within 24 hours."""
    token = request.get("UniqueRequestToken", "")
    first = market.tokens.get((scope, token))
    if first is None or now - first.used >= REMEMBERED:
        return
    if scope == "hit":
        raise refuse("HitAlreadyExists", f'The HIT with ID "{first.what}" already exists.')
    raise refuse(
        "DuplicateRequest", f'The idempotency token "{token}" has already been processed by the request {first.what}.'
    )


def remember(market: Market, scope: Scope, request: Request, what: str, now: datetime) -> None:
    """Note a token once its call has done its work."""
    if token := request.get("UniqueRequestToken"):
        market.tokens[scope, token] = Token(now, what)
