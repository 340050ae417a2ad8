"""What can go wrong at the border to a labour market, and what to do about it."""

import traceback
from datetime import datetime
from pathlib import Path

from crowd.money import exact_text


class CrowdError(Exception):
    """Base of all refusals that a person may read."""


class StorageRefused(CrowdError):
    """The storage took no more; nothing is wrong with the file."""

    def __init__(self, why: str) -> None:
        super().__init__(f"The storage refused a file: {why}. What is in stays in; make room and do the same again.")


class IllegalTransition(CrowdError):
    def __init__(self, subject: object, old: str, new: str) -> None:
        super().__init__(f"{subject} is {old} and cannot become {new}.")


class BudgetExceeded(CrowdError):
    """`scope` says whose budget is used up: project, stage or pool; empty = the one that was asked for."""

    def __init__(self, wanted_micro: int, free_micro: int, *, scope: str = "", currency: str = "USD") -> None:
        self.wanted_micro, self.free_micro, self.scope = wanted_micro, free_micro, scope
        whose = f"the {scope}'s budget" if scope else "the budget"
        wanted, free = exact_text(wanted_micro, currency), exact_text(free_micro, currency)
        super().__init__(f"{wanted} is needed but only {free} of {whose} is free. Raise {whose} or ask for less.")


class Differences(CrowdError):
    """A platform cannot do all of a plan. Somebody who has read the sentences may go on."""

    def __init__(self, where: str, sentences: list[str]) -> None:
        self.sentences = sentences
        super().__init__(f"{where} cannot do all of this: {' '.join(sentences)}")


class NoWork(CrowdError):
    """Nothing can be given to this worker now; the sentence says why."""


class NotYours(CrowdError):
    """The assignment belongs to somebody else, or its time is over."""


class BadAnswer(CrowdError):
    """An answer does not fit its task; the sentence names what is expected."""


class PlatformError(CrowdError):
    """A platform refused or failed. `permanent` says whether trying again can help."""

    permanent = True


class Throttled(PlatformError):
    permanent = False

    def __init__(self, retry_at: datetime, quota: str) -> None:
        self.retry_at, self.quota = retry_at, quota
        super().__init__(f"The platform asks to wait until {retry_at:%H:%M:%S} ({quota}).")


class Invalid(PlatformError):
    def __init__(self, fields: dict[str, str]) -> None:
        self.fields = fields
        super().__init__("; ".join(f"{name}: {text}" for name, text in sorted(fields.items())))


class StateConflict(PlatformError):
    """The remote object is in a state that does not allow this; read it back and compare."""


class NotFound(PlatformError):
    """The platform does not know this id."""


class AuthFailed(PlatformError):
    """The platform does not accept the credentials."""


class OutOfFunds(PlatformError):
    """The platform account has not enough money."""


class Unavailable(PlatformError):
    """Nothing happened: the platform could not be reached."""

    permanent = False


class StillRunning(PlatformError):
    """The platform has the request and is not done with it: ask again with the same key."""

    permanent = False

    def __init__(self, retry_at: datetime, what: str) -> None:
        self.retry_at = retry_at
        super().__init__(f"The platform is still at it: {what}.")


class NotSupported(PlatformError):
    """The platform has no such thing; the sentence says what to do instead."""


class NeedsPerson(PlatformError):
    """Nobody but a person can tell whether it happened."""


class Unknown(PlatformError):
    """It may have happened: read back before anything is repeated."""

    permanent = False


def trail(error: BaseException) -> str:
    """Say for the log what kind of error it was and through which lines it came, without its words.

    An error that nobody foresaw may repeat a token or somebody's message.
    """
    lines = [f"{Path(one.filename).name}:{one.lineno} {one.name}" for one in traceback.extract_tb(error.__traceback__)]
    cause = error.__cause__ or error.__context__
    before = f", after {trail(cause)}" if cause is not None else ""
    return f"{type(error).__name__} at {' > '.join(lines) or 'no line'}{before}"
