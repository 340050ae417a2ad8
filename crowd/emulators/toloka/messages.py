"""Message threads between the requester and the workers."""

from typing import Any

from crowd.emulators.toloka.checks import demand, flag, form, identifier, maybe, needed, one_of, several, words
from crowd.emulators.toloka.errors import conflict, invalid_field
from crowd.emulators.toloka.filters import FILTER, lets_in
from crowd.emulators.toloka.market import REQUESTER_ID, Market
from crowd.emulators.toloka.moments import written
from crowd.emulators.toloka.records import Form, Thread

FOLDERS = ("INBOX", "OUTBOX", "AUTOMATIC_NOTIFICATION", "IMPORTANT", "UNREAD")
MOST_RECIPIENTS = 100

_COMPOSE = form(
    {
        "topic": needed(words),
        "text": needed(words),
        "answerable": maybe(flag),
        "recipients_select_type": needed(one_of("DIRECT", "FILTER", "ALL")),
        "recipients_ids": maybe(several(identifier, fewest=1, most=MOST_RECIPIENTS)),
        "recipients_filter": maybe(FILTER),
    }
)
_REPLY = form({"text": needed(words)})
_FOLDERS = form({"folders": needed(several(one_of(*FOLDERS), fewest=1))})


def compose(market: Market, body: Any) -> Thread:
    sent = demand(_COMPOSE, body)
    recipients = _recipients(market, sent)
    select = sent["recipients_select_type"]
    market.quotas.spend("message to all" if select == "ALL" else "message to workers", market.now)
    details = {name: sent[name] for name in ("recipients_ids", "recipients_filter") if sent.get(name) is not None}
    told: Form = {
        "topic": sent["topic"],
        "answerable": sent.get("answerable", True),
        "compose_details": {"recipients_select_type": select, **details},
        "meta": {},
    }
    people = [_me(), *({"id": ident, "role": "USER", "myself": False} for ident in recipients)]
    people.sort(key=lambda one: str(one["id"]))
    thread = Thread(market.ids.uuid(), told, market.now, ["OUTBOX"], [_message(market, _me(), sent["text"])], people)
    return market.threads.add(thread)


def _recipients(market: Market, sent: Form) -> list[str]:
    select = sent["recipients_select_type"]
    if select == "DIRECT":
        if sent.get("recipients_ids") is None:
            raise invalid_field("recipients_ids", "VALUE_REQUIRED", "DIRECT names its recipients.")
        unknown = [ident for ident in sent["recipients_ids"] if market.workers.find(ident) is None]
        if unknown:
            raise conflict("INCORRECT_RECIPIENTS", "Some recipients do not exist.", {"recipients_ids": unknown})
        return list(sent["recipients_ids"])
    if select == "FILTER" and sent.get("recipients_filter") is None:
        raise invalid_field("recipients_filter", "VALUE_REQUIRED", "FILTER has a filter.")
    wanted = sent.get("recipients_filter") if select == "FILTER" else None
    return [worker.id for worker in market.workers if worker.work and lets_in(wanted, worker)]


def reply(market: Market, thread_id: str, body: Any) -> Thread:
    thread, sent = market.threads.get(thread_id), demand(_REPLY, body)
    thread.messages.insert(0, _message(market, _me(), sent["text"]))
    return thread


def answer(market: Market, thread_id: str, worker_id: str, text: dict[str, str]) -> Thread:
    """Let a worker answer in a thread."""
    thread = market.threads.get(thread_id)
    if not thread.form["answerable"]:
        raise conflict("CONFLICT_STATE", "Nobody can answer in this thread.")
    thread.messages.insert(0, _message(market, {"id": worker_id, "role": "USER", "myself": False}, text))
    thread.folders += [name for name in ("INBOX", "UNREAD") if name not in thread.folders]
    return thread


def add_to_folders(market: Market, thread_id: str, body: Any) -> Thread:
    thread, sent = market.threads.get(thread_id), demand(_FOLDERS, body)
    thread.folders += [name for name in sent["folders"] if name not in thread.folders]
    return thread


def remove_from_folders(market: Market, thread_id: str, body: Any) -> Thread:
    thread, sent = market.threads.get(thread_id), demand(_FOLDERS, body)
    thread.folders = [name for name in thread.folders if name not in sent["folders"]]
    return thread


def _me() -> Form:
    return {"id": REQUESTER_ID, "role": "REQUESTER", "myself": True}


def _message(market: Market, sender: Form, text: Form) -> Form:
    return {"text": text, "from": sender, "created": written(market.now)}
