"""Why an address from outside was not fetched.

A sentence names the host as it was written, never the address behind it: that would map the inside for a stranger.
"""

from crowd.errors import CrowdError


class FetchError(CrowdError):
    """Base of what goes wrong at the door to the internet. `permanent` says whether trying again can help."""

    permanent = True


class AddressRefused(FetchError):
    """The address is none that may be fetched; no connection was made to it.

    `sentence` is in the catalogue of the workers' languages, with %(places)s for its `parts`.
    """

    def __init__(self, sentence: str, **parts: object) -> None:
        self.sentence, self.parts = sentence, parts
        super().__init__(sentence % parts if parts else sentence)


class AnswerRefused(FetchError):
    """The server answered with something that is not taken: an error, too much, the wrong type, a damaged body."""

    def __init__(self, sentence: str, *, permanent: bool = True) -> None:
        self.permanent = permanent
        super().__init__(sentence)


class NotReached(FetchError):
    """The server could not be found or connected to, or broke off."""

    permanent = False


class TooSlow(FetchError):
    """The server took longer than it may."""

    permanent = False
