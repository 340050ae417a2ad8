"""Pages of lists: NextToken says after which number to go on, so that changes in between skip and repeat nothing."""

import base64
import binascii
import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from typing import Any, Final, TypeVar

from crowd.emulators.mturk.errors import invalid

DEFAULT_SIZE: Final = 10
Item = TypeVar("Item")


def page(
    items: Iterable[Item],
    request: Mapping[str, Any],
    *,
    scope: str,
    number: Callable[[Item], int],
    half: bool,
) -> tuple[Sequence[Item], dict[str, Any]]:
    """Cut a page out of items in ascending number; return it with the NextToken member, if there may be more.

    Like the service, a full page carries a token even when nothing follows; `half` gives fewer than asked for.
    """
    size = request.get("MaxResults", DEFAULT_SIZE)
    size = max(1, size // 2) if half else size
    after = _read(request["NextToken"], scope) if "NextToken" in request else 0
    cut = list(islice((item for item in items if number(item) > after), size))
    return cut, {"NextToken": _write(scope, number(cut[-1]))} if len(cut) == size else {}


def _write(scope: str, after: int) -> str:
    return base64.urlsafe_b64encode(f"{_short(scope)}|{after}".encode()).decode()


def _read(token: str, scope: str) -> int:
    try:
        words, _, after = base64.urlsafe_b64decode(token.encode()).decode().rpartition("|")
        found = int(after)
    except (binascii.Error, ValueError):
        raise invalid(f"The NextToken {token[:40]!r} is not valid.") from None
    if words != _short(scope):
        raise invalid("The NextToken belongs to another list.")
    return found


def _short(scope: str) -> str:
    """Return a scope of constant width: tokens must not grow with what was searched for."""
    return hashlib.sha256(scope.encode()).hexdigest()[:32]
