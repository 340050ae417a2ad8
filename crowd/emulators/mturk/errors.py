"""What the service answers instead of a result; the HTTP side turns a Refusal into its error body."""

from datetime import datetime
from typing import Any, Final

FAMILY: Final = "AWS.MechanicalTurk."


class Refusal(Exception):
    """An error answer: `kind` becomes `__type`, `code` becomes TurkErrorCode."""

    def __init__(self, kind: str, message: str, *, code: str = "", status: int = 400) -> None:
        self.kind, self.message, self.code, self.status = kind, message, code, status
        super().__init__(message)

    def body(self, now: datetime) -> dict[str, Any]:
        """Return the JSON body; like the service, a TurkErrorCode's message ends with the time in milliseconds."""
        if not self.code:
            return {"__type": self.kind, "message": self.message}
        message = f"{self.message} ({int(now.timestamp() * 1000)} s)"
        return {"__type": self.kind, "Message": message, "TurkErrorCode": self.code}


def refuse(code: str, message: str) -> Refusal:
    return Refusal("RequestError", message, code=FAMILY + code)


def invalid(message: str) -> Refusal:
    return refuse("InvalidParameterValue", message)


def out_of_funds(wanted: str, available: str) -> Refusal:
    return refuse("InsufficientFunds", f"This needs ${wanted} but only ${available} of your balance is available.")


def missing(noun: str, entity_id: str) -> Refusal:
    return refuse(f"{noun}DoesNotExist", f"{noun} {entity_id} does not exist.")


def wrong_state(noun: str, state: str, allowed: str) -> Refusal:
    """Refuse in the service's words: clients are known to look for them in the message."""
    return refuse(
        f"Invalid{noun}State",
        f"This {noun} is currently in the state '{state}'.  This operation can be called with a status of: {allowed}",
    )
