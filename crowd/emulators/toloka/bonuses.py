"""Bonuses: money beside the rewards, idempotent by the id of their operation."""

import json
from typing import Any

from crowd.emulators.toloka import views
from crowd.emulators.toloka.batches import Options
from crowd.emulators.toloka.books import About
from crowd.emulators.toloka.checks import errors_of, flag, form, identifier, maybe, money, needed, text, words
from crowd.emulators.toloka.errors import FieldErrors, field_error
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import Bonus, Form
from crowd.money import micro

_BONUS = form(
    {
        "user_id": needed(identifier),
        "amount": needed(money("0.005", "100")),
        "private_comment": maybe(text()),
        "public_title": maybe(words),
        "public_message": maybe(words),
        "without_message": maybe(flag),
        "assignment_id": maybe(identifier),
    },
    extra=True,
)
_KEPT = (
    "user_id", "amount", "private_comment", "public_title", "public_message", "without_message", "assignment_id",
)  # fmt: skip


class BonusBatch:
    """Bonuses of one request."""

    noun = "user_bonus"
    operation = "USER_BONUS.BATCH_CREATE"
    made = "USER_BONUS_PERSIST"
    quota = "create bonuses"
    most_at_once = 100

    def __init__(self, market: Market, _options: Options) -> None:
        self.market = market
        self._equal: set[str] = set()
        self._needed_micro = 0

    def errors(self, item: Any) -> FieldErrors:
        found = errors_of(_BONUS, item)
        if found:
            return found
        return self._message_errors(item) or self._person_errors(item) or self._money_errors(item)

    def _message_errors(self, item: Form) -> FieldErrors:
        names = ("public_title", "public_message")
        if item.get("without_message"):
            given = [name for name in names if item.get(name) is not None]
            return {name: field_error("VALUE_NOT_ALLOWED", "null without a message.") for name in given}
        gaps = [name for name in names if item.get(name) is None]
        return {name: field_error("VALUE_REQUIRED", "A text is required.") for name in gaps}

    def _person_errors(self, item: Form) -> FieldErrors:
        if self.market.workers.find(item["user_id"]) is None:
            return {"user_id": field_error("ENTITY_DOES_NOT_EXIST", "There is no such worker.")}
        about = item.get("assignment_id")
        assignment = self.market.assignments.find(about)
        if about is not None and (assignment is None or assignment.user_id != item["user_id"]):
            return {"assignment_id": field_error("ENTITY_DOES_NOT_EXIST", "The worker has no such assignment.")}
        same = ("user_id", "amount", "public_title", "public_message", "private_comment")
        key = json.dumps([item.get(name) for name in same], sort_keys=True)
        if key in self._equal:
            return {"user_id": field_error("ENTITY_CONFLICT", "The same bonus stands there twice.")}
        self._equal.add(key)
        return {}

    def _money_errors(self, item: Form) -> FieldErrors:
        cost = self.market.price_with_fee(micro(str(item["amount"])))
        if self._needed_micro + cost > self.market.spendable_micro:
            return {"amount": field_error("NOT_ENOUGH_BALANCE", "The balance does not pay for this bonus.")}
        self._needed_micro += cost
        return {}

    def demand_room(self, items: list[Any]) -> None:
        """A bonus is looked at by itself: room is money."""

    def make(self, item: Form) -> str:
        market = self.market
        kept = {"without_message": False, **{name: item[name] for name in _KEPT if item.get(name) is not None}}
        bonus = Bonus(market.ids.number("bonus"), kept, market.now, micro(str(item["amount"])))
        market.bonuses.add(bonus)
        assignment = market.assignments.find(item.get("assignment_id"))
        about = About(bonus_id=bonus.id, user_id=item["user_id"])
        if assignment is not None:
            assignment.bonus_ids.append(bonus.id)
            about = About(assignment.pool_id, assignment.id, bonus.id, item["user_id"])
        market.books.pay_bonus(bonus.amount_micro, market.now, about)
        return bonus.id

    def view(self, ident: str) -> Form:
        return views.bonus(self.market.bonuses.get(ident))

    def pools(self) -> list[str]:
        return []
