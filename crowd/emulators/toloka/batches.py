"""Creating many things with one request: tasks, suites, bonuses; at once or as an operation with a log."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol

from crowd.emulators.toloka import lifecycle, operations, views
from crowd.emulators.toloka.errors import ApiError, FieldErrors, conflict, field_error, invalid, invalid_field
from crowd.emulators.toloka.market import Market
from crowd.emulators.toloka.records import Form, Operation

INPUT_BYTES = 1_048_576
OUTPUT_BYTES = 4_194_304


@dataclass(frozen=True, slots=True)
class Options:
    """The query of a creating request."""

    operation_id: str | None = None
    async_mode: bool = False
    skip_invalid_items: bool = False
    allow_defaults: bool = False
    open_pool: bool = False


def options_of(query: Mapping[str, str]) -> Options:
    flags = ("async_mode", "skip_invalid_items", "allow_defaults", "open_pool")
    return Options(_uuid(query.get("operation_id")), **{name: truth(query, name) for name in flags})


def truth(query: Mapping[str, str], name: str) -> bool:
    text = query.get(name, "false").lower()
    if text not in ("true", "false"):
        raise invalid_field(name, "BOOLEAN_EXPECTED", "true or false is expected.")
    return text == "true"


def _uuid(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        return str(uuid.UUID(text))
    except ValueError:
        raise invalid_field("operation_id", "UUID_EXPECTED", "A UUID is expected.") from None


class Batch(Protocol):
    """What is created, item by item."""

    @property
    def noun(self) -> str: ...

    @property
    def operation(self) -> str: ...

    @property
    def made(self) -> str: ...

    @property
    def quota(self) -> str: ...

    @property
    def most_at_once(self) -> int | None: ...

    def errors(self, item: Any) -> FieldErrors: ...

    def demand_room(self, items: list[Any]) -> None:
        """Refuse what does not fit as a whole."""
        ...

    def make(self, item: Form) -> str:
        """Create the thing and return its id."""
        ...

    def view(self, ident: str) -> Form: ...

    def pools(self) -> list[str]:
        """The pools that got something."""
        ...


@dataclass(frozen=True, slots=True)
class Reply:
    status: int
    body: Any


def create(market: Market, batch: Batch, body: Any, options: Options, size: int | None = None) -> Reply:
    items = body if isinstance(body, list) else [body]
    if not body:
        raise invalid({"body": field_error("NOT_NULL_BODY", "A body is expected.")})
    _demand_size(items, size)
    if options.async_mode and options.operation_id and market.operations.find(options.operation_id):
        raise conflict("OPERATION_ALREADY_EXISTS", f"Operation {options.operation_id} exists already.")
    market.quotas.spend(batch.quota, market.now, len(items))
    if options.async_mode:
        return Reply(202, views.operation(_later(market, batch, items, options)))
    if batch.most_at_once is not None and len(items) > batch.most_at_once:
        limit = batch.most_at_once
        raise invalid_field("body", "ARRAY_SIZE_GREATER_THAN_MAX", f"At most {limit} at once.", limit)
    return Reply(201, _at_once(market, batch, items, options, single=not isinstance(body, list)))


def _demand_size(items: list[Any], size: int | None) -> None:
    if size is not None and size <= INPUT_BYTES:
        return
    for path, names, most in (("input_values", ("input_values",), INPUT_BYTES),
                              ("output_values", ("known_solutions", "baseline_solutions"), OUTPUT_BYTES)):  # fmt: skip
        total = sum(_bytes(item, names) for item in items)
        if total > most:
            raise invalid_field(path, "OBJECT_SIZE_BYTES_GREATER_THAN_MAX", f"{total} bytes are too many.", most)


def _bytes(item: Any, names: tuple[str, ...]) -> int:
    if not isinstance(item, dict):
        return 0
    own = sum(len(json.dumps(item[name])) for name in names if name in item)
    tasks = item.get("tasks")
    return own + sum(_bytes(task, names) for task in tasks) if isinstance(tasks, list) else own


def _at_once(market: Market, batch: Batch, items: list[Any], options: Options, *, single: bool) -> Form:
    wrong = {index: errors for index, item in enumerate(items) if (errors := batch.errors(item))}
    if wrong and (not options.skip_invalid_items or len(wrong) == len(items)):
        raise refusal(wrong, single=single)
    batch.demand_room([item for index, item in enumerate(items) if index not in wrong])
    made = {str(index): batch.make(item) for index, item in enumerate(items) if index not in wrong}
    if options.open_pool:
        for pool_id in batch.pools():
            lifecycle.open_pool(market, market.pool(pool_id))
    shown = {index: batch.view(ident) for index, ident in made.items()}
    if single:
        return shown["0"]
    return {"items": shown, "validation_errors": {str(index): errors for index, errors in wrong.items()}}


def refusal(wrong: Mapping[int, FieldErrors], *, single: bool) -> ApiError:
    """Return the refusal of a whole request; two equal bonuses are a conflict, the rest is validation."""
    payload = wrong[0] if single else {str(index): errors for index, errors in wrong.items()}
    codes = {error["code"] for errors in wrong.values() for error in errors.values()}
    if codes == {"ENTITY_CONFLICT"}:
        return conflict("CONFLICT_STATE", "The request contradicts itself.", payload)
    if codes == {"NOT_ENOUGH_BALANCE"}:
        return conflict("NOT_ENOUGH_BALANCE", "The balance does not pay for this.", payload)
    return invalid(payload)


def _later(market: Market, batch: Batch, items: list[Any], options: Options) -> Operation:
    parameters = {
        "skip_invalid_items": options.skip_invalid_items,
        "allow_defaults": options.allow_defaults,
        "open_pool": options.open_pool,
        "async_mode": True,
    }

    def work(operation: Operation) -> None:
        _work_through(market, batch, items, options, operation)

    return operations.start(market, batch.operation, parameters, work, ident=options.operation_id)


def _work_through(market: Market, batch: Batch, items: list[Any], options: Options, operation: Operation) -> None:
    wrong = {index: errors for index, item in enumerate(items) if (errors := batch.errors(item))}
    fits = [item for index, item in enumerate(items) if index not in wrong]
    all_or_nothing = bool(wrong) and not options.skip_invalid_items
    operation.details = _counts(len(items), len(wrong), 0 if all_or_nothing else len(fits))
    operation.log = [_refused(batch, items[index], errors) for index, errors in wrong.items()]
    if all_or_nothing:
        operation.status = "FAIL"
        return
    batch.demand_room(fits)
    operation.log = [_made(batch, item) for item in fits] + operation.log
    if not fits:
        operation.status = "FAIL"
    elif options.open_pool:
        operation.log += [_opened(market, pool_id) for pool_id in batch.pools()]


def _counts(total: int, wrong: int, made: int) -> Form:
    return {
        "total_count": total,
        "valid_count": total - wrong,
        "not_valid_count": wrong,
        "success_count": made,
        "failed_count": total - wrong - made,
    }


def _made(batch: Batch, item: Form) -> Form:
    return {"type": batch.made, "success": True, "input": item, "output": {f"{batch.noun}_id": batch.make(item)}}


def _refused(batch: Batch, item: Any, errors: FieldErrors) -> Form:
    sent = item if isinstance(item, dict) else {"item": item}
    return {"type": f"{batch.noun.upper()}_VALIDATE", "success": False, "input": sent, "output": errors}


def _opened(market: Market, pool_id: str) -> Form:
    told: Form = {"type": "POOL_OPEN", "success": True, "input": {"pool_id": pool_id}, "output": {}}
    try:
        lifecycle.open_pool(market, market.pool(pool_id))
    except ApiError as refused:
        return {**told, "success": False, "output": {"code": refused.code, "message": refused.message}}
    return told
