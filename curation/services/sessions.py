"""Where a person is signed in: the own sessions, and the end of one or of all others."""

from collections.abc import MutableMapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.utils.crypto import constant_time_compare, salted_hmac

from curation.models import Session, User
from curation.services import events

SINCE: Final = "signed_in_at"
BROWSER: Final = "browser"
# The first word that is found counts: Edge and Opera also say Chrome, and Chrome says Safari.
BROWSERS: Final = (
    ("Edg", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("FxiOS/", "Firefox"),
    ("Chrome/", "Chrome"),
    ("CriOS/", "Chrome"),
    ("Safari/", "Safari"),
)
SYSTEMS: Final = (
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
)


@dataclass(frozen=True, slots=True)
class SignedIn:
    """A browser in which somebody is signed in; `name` tells it apart without being its key."""

    name: str
    browser: str
    since: datetime | None
    is_this: bool


def note_beginning(session: MutableMapping[str, Any], *, agent: str, now: datetime) -> None:
    """Keep in a new session what its person will know it by."""
    session[SINCE], session[BROWSER] = int(now.timestamp()), browser_of(agent)


def browser_of(agent: str) -> str:
    """Return a browser and its system in words, of what it says about itself."""
    return f"{_first(BROWSERS, agent, 'A browser')} on {_first(SYSTEMS, agent, 'an unknown system')}"


def living(*, user: User, this: str | None) -> list[SignedIn]:
    """Return where a person is signed in, this browser first, then the newest."""
    found = [_told(row, this) for row in _living(user)]
    return sorted(found, key=lambda one: (one.is_this, one.since or datetime.min.replace(tzinfo=UTC)), reverse=True)


@transaction.atomic
def end(*, user: User, name: str) -> bool:
    """End one session of the person's own; False = there is none of this name."""
    gone = [row.pk for row in _living(user) if constant_time_compare(_name(row), name)]
    return _end(user, gone, f"{user.name} ended a session of their own.") == 1


@transaction.atomic
def end_others(*, user: User, this: str | None) -> int:
    """End all sessions of the person but this one, and return how many there were."""
    gone = [row.pk for row in _living(user) if row.pk != this]
    return _end(user, gone, f"{user.name} ended all other sessions of their own.")


def _end(user: User, keys: Sequence[str], text: str) -> int:
    ended, _ = Session.objects.filter(pk__in=keys).delete()
    if ended:
        events.record(kind="person.sessions_ended", text=text, subject=user, by=user)
    return ended


def _living(user: User) -> QuerySet[Session]:
    return Session.objects.filter(user=user, expire_date__gt=Now())


def _told(row: Session, this: str | None) -> SignedIn:
    noted = row.get_decoded()
    since = datetime.fromtimestamp(noted[SINCE], UTC) if SINCE in noted else None
    return SignedIn(_name(row), noted.get(BROWSER, ""), since, row.pk == this)


def _name(row: Session) -> str:
    """Return a name that nobody can make a key of: a page that is read by others gives no session away."""
    return salted_hmac("curation.services.sessions", row.pk, algorithm="sha256").hexdigest()[:32]


def _first(words: Sequence[tuple[str, str]], agent: str, otherwise: str) -> str:
    return next((name for mark, name in words if mark in agent), otherwise)
